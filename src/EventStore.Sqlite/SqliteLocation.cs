using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite;

/// <summary>Which database is meant: a file or memory, as a path or a connection string says.</summary>
internal sealed class SqliteLocation
{
    private const string Memory = ":memory:";
    private static readonly string[] Keywords = ["Data Source", "DataSource", "Filename"];
    private readonly SqliteConnectionStringBuilder given;

    private SqliteLocation(SqliteConnectionStringBuilder given) => this.given = given;

    public string Path => given.DataSource;

    public bool IsMemory => given.DataSource == Memory;

    /// <summary>The file, where it is known without SQLite: not of memory, a URI, or a path that the driver completes.</summary>
    public string? FilePath => IsMemory || Path.StartsWith("file:", StringComparison.Ordinal) || Path.StartsWith('|') ? null
        : System.IO.Path.GetFullPath(Path);

    /// <summary>Whether a missing file may be made, as far as the connection string says.</summary>
    public bool MayCreateFile => given.Mode == SqliteOpenMode.ReadWriteCreate;

    public bool IsReadOnly => given.Mode == SqliteOpenMode.ReadOnly;

    /// <summary>For descriptions and messages: never more of a connection string than the path.</summary>
    public string Address => "sqlite:" + Path;

    /// <summary>A text that names a data source as connection strings do is one; every other text is a path.</summary>
    /// <exception cref="WireupException">The connection string cannot be read, names nothing, or asks for what cannot work.</exception>
    public static SqliteLocation Parse(string database)
    {
        ArgumentNullException.ThrowIfNull(database);
        if (!Paths.IsPath(database))
            throw new WireupException(
                "The database for SQLite is empty, or has a NUL character or half of a surrogate pair, which no path has. Name a file, "
                + "':memory:', or a connection string such as 'Data Source=orders.db'.");
        var isConnectionString = Array.Exists(Keywords, keyword => HasKeyword(database, keyword));
        SqliteConnectionStringBuilder parsed;
        try
        {
            parsed = isConnectionString ? new(database) : new() { DataSource = database };
        }
        catch (ArgumentException)
        {
            // The text of the error quotes what it does not know, which may be a part of a password.
            throw new WireupException(
                "The connection string for SQLite cannot be read: a keyword is unknown, or a value has another form. "
                + "Write it as 'Data Source=orders.db'.");
        }

        if (!isConnectionString && HasKeyword(database, "Password"))
            throw new WireupException(
                "The text names a password but no 'Data Source', so it is neither a path nor a connection string. Write it as "
                    + "'Data Source=orders.db;Password=…'.");
        if (string.IsNullOrWhiteSpace(parsed.DataSource))
            throw new WireupException(
                "The connection string names no 'Data Source'. Name a file or ':memory:'; "
                    + "a temporary database would be lost when it is closed.");
        if (parsed.Mode == SqliteOpenMode.Memory) parsed = new(parsed.ConnectionString) { DataSource = Memory };
        if (parsed.Cache == SqliteCacheMode.Shared)
            throw new WireupException(
                "The connection string asks for 'Cache=Shared', under which readers and writers lock each other out. Leave it away.");
        return new SqliteLocation(parsed);
    }

    /// <summary>A file, whatever its name looks like.</summary>
    public static SqliteLocation OfFile(string path) => new(new() { DataSource = System.IO.Path.GetFullPath(path) });

    /// <summary>Refuses what is no file. SQLite would take a device for an empty database, and wait for a pipe.</summary>
    /// <exception cref="StorageException">A directory, a device, a pipe or a socket is in its place.</exception>
    public void RequireFile()
    {
        if (FilePath is { } path && Paths.FindKind(path) is { } kind && kind != Paths.RegularFile)
            throw new StorageException(
                $"'{path}' is {kind}, so there can be no database. Nothing was changed. Name a file, which may be missing where storage "
                + "may be made.");
    }

    /// <summary>A connection to it that opens in the mode.</summary>
    public SqliteConnection Connect(SqliteOpenMode mode) =>
        new(new SqliteConnectionStringBuilder(given.ConnectionString)
        {
            Mode = IsMemory ? SqliteOpenMode.Memory : mode,
            Pooling = false
        }.ConnectionString);

    private static bool HasKeyword(string text, string keyword)
    {
        var at = text.IndexOf(keyword, StringComparison.OrdinalIgnoreCase);
        return at >= 0 && text[(at + keyword.Length)..].TrimStart().StartsWith('=') && (at == 0 || text[..at].TrimEnd().EndsWith(';'));
    }
}

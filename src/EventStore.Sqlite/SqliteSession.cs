using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EventStore.Sqlite;

/// <summary>A connection with the statements it has prepared. Used by one thread at a time.</summary>
internal sealed class SqliteSession : IDisposable
{
    /// <summary>
    /// The time limit of a command that may meet a database that another connection holds. The driver waits on this thread, and without end
    /// for 0. After it the whole transaction waits without a thread, and is tried again.
    /// </summary>
    public const int BusySeconds = 1;

    private readonly Dictionary<string, SqliteStatement> statements = [];
    private readonly StorageHistory history;
    private (long Version, long Checkpoint) seen;
    private Checkpoint known;
    private long undone;

    public SqliteSession(SqliteConnection connection, SqliteSql sql, StorageHistory history)
    {
        Connection = connection;
        Sql = sql;
        this.history = history;
        Rows = new SqliteRows(this);
        Reader = new SqliteReader(this);
    }

    public SqliteConnection Connection { get; }

    public SqliteSql Sql { get; }

    public SqliteRows Rows { get; }

    public SqliteReader Reader { get; }

    private sqlite3 Handle => Connection.Handle!;

    /// <summary>
    /// While it is the same, what this connection read or wrote in earlier transactions still holds. Asked within a transaction. It changes
    /// with whatever others write, and with what this connection takes back or removes.
    /// </summary>
    public (long Others, long Own) Era => (DataVersion(), undone);

    /// <summary>Begins a new era, because what was read before no longer holds.</summary>
    public void BeginEra() => undone++;

    /// <summary>The statement of a file below Sql, prepared when first asked for.</summary>
    public SqliteStatement Prepare(string file) => statements.TryGetValue(file, out var known) ? known : Add(file, Sql[file]);

    /// <summary>Begins a transaction, which sees the database as it is at its first read.</summary>
    public void Begin()
    {
        known = history.Newest;
        Prepared("BEGIN").Execute();
    }

    /// <summary>
    /// Begins a transaction as the one writer of the database. Deferring that to the first write would fail without waiting when another
    /// came first.
    /// </summary>
    public void BeginImmediate()
    {
        known = history.Newest;
        Prepared("BEGIN IMMEDIATE").Execute();
    }

    public void Commit() => Prepared("COMMIT").Execute();

    /// <summary>Takes everything back; SQLite may have done so already. Fails quietly: why it was called matters more.</summary>
    public void Rollback()
    {
        BeginEra();
        Rows.ForgetStreams();
        try
        {
            if (raw.sqlite3_get_autocommit(Handle) == 0) Prepared("ROLLBACK").Execute();
        }
        catch (SqliteException)
        {
            // The next transaction then cannot begin, and says so.
        }
    }

    /// <summary>Sets or asks a pragma.</summary>
    public string Pragma(string pragma)
    {
        using var statement = new SqliteStatement(Handle, "PRAGMA " + pragma);
        return statement.Step() ? statement.Text(0) : "";
    }

    /// <summary>
    /// The newest checkpoint, read from its table only if another connection changed the database since this one last looked.
    /// </summary>
    /// <exception cref="StorageReplacedException">It is less than was seen: the database was set back.</exception>
    public Checkpoint NewestCheckpoint()
    {
        var version = DataVersion();
        if (version != seen.Version) seen = (version, ReadStore().Newest);
        return new Checkpoint(seen.Checkpoint);
    }

    /// <summary>The counters of the store.</summary>
    /// <exception cref="StorageReplacedException">The newest checkpoint is less than was seen: the database was set back.</exception>
    public SqliteCounters ReadStore()
    {
        var statement = Prepare("find-store");
        try
        {
            if (!statement.Step()) throw SqliteErrors.Damage(this, Sql.Table("store"), "the row with the counters is missing.");
            var counters = new SqliteCounters(statement.Number(0), statement.Number(1), statement.Number(2), statement.Number(3),
                statement.Number(4), statement.Text(5));
            if (counters.Newest is < 0 or > SqliteRows.MostNumber || counters.StampMicroseconds is < 0 or > SqliteStamps.Max
                || counters.Removed is < 0 or > SqliteRows.MostNumber)
                throw SqliteErrors.Damage(this, Sql.Table("store"), "a counter, or a number of the newest commit, is out of its range.");
            history.Observe(new Checkpoint(counters.Newest), known);
            return counters;
        }
        finally
        {
            statement.Reset();
        }
    }

    public void Dispose()
    {
        foreach (var statement in statements.Values) statement.Dispose();
        Connection.Dispose();
    }

    private long DataVersion()
    {
        var statement = Prepared("PRAGMA data_version");
        try
        {
            return statement.Step() ? statement.Number(0) : 0;
        }
        finally
        {
            statement.Reset();
        }
    }

    private SqliteStatement Prepared(string sql) => statements.TryGetValue(sql, out var known) ? known : Add(sql, sql);

    private SqliteStatement Add(string key, string sql)
    {
        var statement = new SqliteStatement(Handle, sql);
        statements.Add(key, statement);
        return statement;
    }
}

/// <summary>The counters of a store.</summary>
/// <param name="Newest">The newest checkpoint ever given.</param>
/// <param name="StampMicroseconds">The newest stamp ever given.</param>
/// <param name="Gathered">The newest checkpoint when entries were last gathered.</param>
/// <param name="Settled">The same when they were last moved to where they stay.</param>
/// <param name="Removed">The highest checkpoint ever removed; 0 for none.</param>
/// <param name="Holder">The import that alone may commit; empty for none.</param>
internal readonly record struct SqliteCounters(
    long Newest, long StampMicroseconds, long Gathered, long Settled, long Removed, string Holder);

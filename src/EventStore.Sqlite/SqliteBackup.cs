using EventStore.Sqlite;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EventStore;

/// <summary>Copies a database while it is used.</summary>
public static class SqliteBackup
{
    private const int PagesPerStep = 1024;

    /// <summary>
    /// Copies the whole database, all stores and tables of it, as it is at one moment. Writers go on meanwhile, in this process and others;
    /// the log grows until the copy is done. The copy appears under its name only when it is whole, and opens like any database.
    /// </summary>
    /// <param name="database">The path of the file, or a connection string.</param>
    /// <param name="target">The path of the copy. Its directory must be there, and no file of its name.</param>
    /// <param name="cancellationToken">Ends the copying; nothing is left of it.</param>
    /// <exception cref="ArgumentException">The target is no path.</exception>
    /// <exception cref="StorageException">The database cannot be read, the target is there already or cannot be written.</exception>
    /// <exception cref="WireupException">The database is in memory, or the connection string cannot be read.</exception>
    public static Task CreateAsync(string database, string target, CancellationToken cancellationToken = default)
    {
        Paths.Require(target, "the path of the copy");
        var from = SqliteLocation.Parse(database);
        if (from.IsMemory)
            throw new WireupException(
                "A database in memory belongs to the engine that opened it and cannot be copied by its name. Name a file.");
        Batteries_V2.Init();
        return Task.Run(() => Create(from, target, cancellationToken), cancellationToken);
    }

    private static void Create(SqliteLocation from, string target, CancellationToken cancellationToken)
    {
        from.RequireFile();
        if (Path.Exists(target))
            throw new StorageException(
                $"The backup '{target}' is there already, and is not written over. Name another file, or remove it.");
        if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(target))))
            throw new StorageException($"The directory of the backup '{target}' is missing. Make it first.");
        var unfinished = target + ".unfinished";
        var to = SqliteLocation.OfFile(unfinished);
        try
        {
            File.Delete(unfinished);
            Copy(from, to, cancellationToken);
            File.Move(unfinished, target);
        }
        catch (SqliteException error)
        {
            throw SqliteErrors.Of(error, File.Exists(from.FilePath) ? to : from);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"The backup '{target}' cannot be written: {error.Message}", error);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    // The transaction keeps the source as it was at its beginning: without it, each commit of another process would restart the copy.
    private static void Copy(SqliteLocation from, SqliteLocation to, CancellationToken cancellationToken)
    {
        using var source = from.Connect(SqliteOpenMode.ReadOnly);
        using var copy = to.Connect(SqliteOpenMode.ReadWriteCreate);
        source.Open();
        copy.Open();
        using var moment = source.BeginTransaction(deferred: true);
        using (var command = source.CreateCommand())
        {
            command.Transaction = moment;
            command.CommandText = "SELECT count(*) FROM sqlite_master";
            command.ExecuteScalar();
        }

        using var backup = raw.sqlite3_backup_init(copy.Handle, "main", source.Handle, "main");
        if (backup.IsInvalid) SqliteException.ThrowExceptionForRC(raw.sqlite3_errcode(copy.Handle), copy.Handle);
        int code;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            code = raw.sqlite3_backup_step(backup, PagesPerStep);
        }
        while (code == raw.SQLITE_OK);
        if (code != raw.SQLITE_DONE) SqliteException.ThrowExceptionForRC(code, copy.Handle);
    }
}

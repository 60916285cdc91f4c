using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EventStore.Sqlite;

/// <summary>
/// The connections to one database: one that writes, under a gate, and a few that read. A database in memory has the one only. Everything
/// runs on the caller's thread, so a lone committer writes and flushes for itself.
/// </summary>
internal sealed class SqliteDatabase(SqliteLocation location, SqliteOptions options, TimeProvider time) : IAsyncDisposable
{
    private const int PagesBetweenCheckpoints = 8192; // 32 MiB of log: a page that many commits change is then moved to its place once
    private const int WriterCacheKilobytes = 16 << 10;
    private const int ReaderCacheKilobytes = 4 << 10;
    private static readonly int MaxIdleReaders = Environment.ProcessorCount * 2;

    private readonly SqliteSql sql = new(options.Name);
    private readonly StorageHistory history = new(location.Address);
    private readonly SqliteTransactions transactions = new(location, options.BusyTimeout, time);
    private readonly ConcurrentBag<SqliteSession> idle = [];
    private readonly EngineLifetime<SqliteSession> lifetime = new();

    // Guards the session that writes, which is what the lifetime holds: none, then one, then disposed permanently.
    private readonly SemaphoreSlim gate = new(1, 1);
    private BatchOutcomeUnknownException? fault;

    /// <summary>What was seen of the database, by any of its connections.</summary>
    public StorageHistory History => history;

    /// <summary>The most bytes of a row that this build of SQLite takes; known once the database is open.</summary>
    public int MaxRowBytes => raw.sqlite3_limit(lifetime.RequireOpened().Connection.Handle, raw.SQLITE_LIMIT_LENGTH, -1);

    /// <summary>
    /// Opens the database, makes the store's tables if they are missing and may be made, and returns what commits survive.
    /// </summary>
    public ValueTask<EngineDurability> OpenAsync(bool mayCreate, CancellationToken cancellationToken) => GuardedAsync(async () =>
    {
        lifetime.RequireNotDisposed();
        var mayMakeFile = mayCreate && !options.IsReadOnly && location.MayCreateFile;
        var session = lifetime.Opened
            ?? await transactions.WaitingAsync(() => Connect(mayMakeFile), cancellationToken).ConfigureAwait(false);
        try
        {
            var isThere = await transactions.ReadAsync(session, IsThere, cancellationToken).ConfigureAwait(false);
            if (!isThere && (!mayCreate || options.IsReadOnly)) throw Missing();
            if (!options.IsReadOnly) await PrepareToWriteAsync(session, isThere, cancellationToken).ConfigureAwait(false);
            lifetime.Open(session);
            return FindDurability(session);
        }
        finally
        {
            if (lifetime.Opened is null) session.Dispose();
        }
    }, cancellationToken);

    /// <summary>
    /// Makes a change as one transaction. The end of one failing in an unknown way is the last: what the log then holds is known only when
    /// it is opened again.
    /// </summary>
    public ValueTask<T> WriteAsync<T>(Func<SqliteSession, T> change, CancellationToken cancellationToken) => GuardedAsync(async () =>
    {
        var session = lifetime.RequireOpened();
        if (options.IsReadOnly) throw new ReadOnlyStorageException($"Writing to '{location.Address}'");
        if (fault is not null) throw new StorageException(
            $"The database '{location.Path}' takes no writes since one of them failed: {fault.Message} Close the store and open it again.",
            fault);
        RequireInPlace(session);
        try
        {
            var result = await transactions.WriteAsync(session, change, cancellationToken).ConfigureAwait(false);
            return !SqliteFiles.HasMoved(session.Connection)
                ? result
                : throw new BatchOutcomeUnknownException(Moved().Found, Moved());
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            fault = unknown;
            throw;
        }
    }, cancellationToken);

    /// <summary>Refuses a call to a database that is not open, or no more.</summary>
    public void RequireOpened(CancellationToken cancellationToken) => lifetime.RequireOpened(cancellationToken);

    /// <summary>Reads the database as it is at one moment.</summary>
    public ValueTask<T> ReadAsync<T>(Func<SqliteSession, T> ask, CancellationToken cancellationToken) => location.IsMemory
        ? GuardedAsync(() => transactions.ReadAsync(lifetime.RequireOpened(), ask, cancellationToken), cancellationToken)
        : ReadFileAsync(ask, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        lifetime.End();
        await gate.WaitAsync().ConfigureAwait(false);
        try
        {
            while (idle.TryTake(out var session)) session.Dispose();
            if (lifetime.TakeOpened(out var writer)) writer.Dispose();
        }
        finally
        {
            gate.Release();
        }
    }

    private async ValueTask<T> ReadFileAsync<T>(Func<SqliteSession, T> ask, CancellationToken cancellationToken)
    {
        lifetime.RequireOpened(cancellationToken);
        SqliteSession? session = null;
        try
        {
            if (!idle.TryTake(out session)) session = ConnectReader();
            RequireInPlace(session);
            return await transactions.ReadAsync(session, ask, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (SqliteErrors.Of(error, location) is { } known)
        {
            throw known;
        }
        finally
        {
            if (session is not null) Return(session);
        }
    }

    private async ValueTask<T> GuardedAsync<T>(Func<ValueTask<T>> act, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await act().ConfigureAwait(false);
        }
        catch (Exception error) when (SqliteErrors.Of(error, location) is { } known)
        {
            throw known;
        }
        finally
        {
            gate.Release();
        }
    }

    private SqliteSession Connect(bool mayCreate)
    {
        location.RequireFile();
        if (location.FilePath is { } path && !File.Exists(path))
        {
            if (!mayCreate) throw Missing();
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new StorageException($"The directory of the database '{location.Path}' cannot be made: {error.Message}", error);
            }
        }

        return Connect(options.IsReadOnly ? SqliteOpenMode.ReadOnly : mayCreate ? SqliteOpenMode.ReadWriteCreate
            : SqliteOpenMode.ReadWrite, WriterCacheKilobytes);
    }

    private SqliteSession ConnectReader()
    {
        // The file that is opened now must be the one that was opened first.
        RequireInPlace(lifetime.RequireOpened());
        var session = Connect(options.IsReadOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWrite, ReaderCacheKilobytes);
        session.Pragma("query_only = 1");
        return session;
    }

    private SqliteSession Connect(SqliteOpenMode mode, int cacheKilobytes)
    {
        var connection = location.Connect(mode);
        try
        {
            connection.Open();

            // One that is made on a table of the store later does not run here.
            raw.sqlite3_db_config(connection.Handle, raw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, out _);
            var session = new SqliteSession(connection, sql, history);
            session.Pragma($"cache_size = -{cacheKilobytes}");
            return session;
        }
        catch (Exception error)
        {
            connection.Dispose();
            if (error is InvalidOperationException)
                throw new StorageException(
                    $"The database '{location.Path}' cannot be opened as its connection string asks. The inner exception says why.", error);
            throw;
        }
    }

    private void Return(SqliteSession session)
    {
        if (idle.Count < MaxIdleReaders) idle.Add(session);
        else session.Dispose();

        // Dispose empties the bag once; a session that comes back later is disposed here.
        while (lifetime.IsDisposed && idle.TryTake(out var late)) late.Dispose();
    }

    // A file that others put in its place is not the store: SQLite would go on with the old one, and what it acknowledges would be lost.
    private void RequireInPlace(SqliteSession session)
    {
        history.RequireIntact();
        if (!location.IsMemory && SqliteFiles.HasMoved(session.Connection)) throw Moved();
    }

    private StorageReplacedException Moved() => history.Replace("its file was removed, renamed or replaced while it was open.");

    // What is there already is opened without a lock that keeps others from writing.
    private async ValueTask PrepareToWriteAsync(SqliteSession session, bool isThere, CancellationToken cancellationToken)
    {
        if (!location.IsMemory)
        {
            var journal = session.Pragma("journal_mode");
            if (journal != "wal")
                journal = await transactions.WaitingAsync(() => session.Pragma("journal_mode = wal"), cancellationToken)
                .ConfigureAwait(false);
            if (journal != "wal")
                throw new StorageException(
                    $"The database '{location.Path}' cannot keep a write-ahead log; its journal mode stays '{journal}'. "
                        + "Put it on a local file system.");
            session.Pragma(options.Durability == Durability.Durable ? "synchronous = full" : "synchronous = normal");
            session.Pragma("fullfsync = 1"); // where a plain flush leaves the drive's own cache alone
            session.Pragma($"wal_autocheckpoint = {PagesBetweenCheckpoints}");
        }

        if (!isThere)
            await transactions.WriteAsync(session, session => IsThere(session) || Create(session), cancellationToken).ConfigureAwait(false);
    }

    private EngineDurability FindDurability(SqliteSession session)
    {
        if (location.IsMemory) return new(Durability.Volatile, "held in the memory of this process", []);
        if (options.IsReadOnly) return new(Durability.Durable, $"opened for reading only; journal_mode={session.Pragma("journal_mode")}",
            []);
        var isFull = session.Pragma("synchronous") == "2";
        return new(isFull ? Durability.Durable : Durability.Fast,
            $"journal_mode={session.Pragma("journal_mode")}, synchronous={(isFull ? "FULL" : "NORMAL")}", []);
    }

    private bool IsThere(SqliteSession session) => SqliteSchema.IsThere(session, location);

    private static bool Create(SqliteSession session)
    {
        SqliteSchema.Create(session);
        return true;
    }

    private StorageNotFoundException Missing() =>
        new($"There is no store '{options.Name}' in the database '{location.Path}'. "
            + $"Have it made with InitializeStorageEngine{(options.IsReadOnly ? " by a process that may write" : "")}, or name the "
            + "database that holds it.");
}

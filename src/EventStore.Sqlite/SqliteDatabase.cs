using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

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
    private readonly SqliteTransactions transactions = new(location, options.BusyTimeout, time);
    private readonly ConcurrentBag<SqliteSession> idle = [];
    private readonly EngineLifetime<SqliteSession> lifetime = new();

    // Guards the session that writes, which is what the lifetime holds: none, then one, then disposed permanently.
    private readonly SemaphoreSlim gate = new(1, 1);
    private BatchOutcomeUnknownException? fault;

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
            if (!options.IsReadOnly) await PrepareToWriteAsync(session, cancellationToken).ConfigureAwait(false);
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
        try
        {
            return await transactions.WriteAsync(session, change, cancellationToken).ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException unknown)
        {
            fault = unknown;
            throw;
        }
    }, cancellationToken);

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
            var session = new SqliteSession(connection, sql);
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

    private async ValueTask PrepareToWriteAsync(SqliteSession session, CancellationToken cancellationToken)
    {
        if (!location.IsMemory)
        {
            var journal = await transactions.WaitingAsync(() => session.Pragma("journal_mode = wal"), cancellationToken)
                .ConfigureAwait(false);
            if (journal != "wal")
                throw new StorageException(
                    $"The database '{location.Path}' cannot keep a write-ahead log; its journal mode stays '{journal}'. "
                        + "Put it on a local file system.");
            session.Pragma(options.Durability == Durability.Durable ? "synchronous = full" : "synchronous = normal");
            session.Pragma("fullfsync = 1"); // where a plain flush leaves the drive's own cache alone
            session.Pragma($"wal_autocheckpoint = {PagesBetweenCheckpoints}");
        }

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

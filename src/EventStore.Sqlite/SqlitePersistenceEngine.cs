using SQLitePCL;

namespace EventStore.Sqlite;

/// <summary>The engine over a SQLite database. Every member is one transaction, on the caller's thread.</summary>
internal sealed class SqlitePersistenceEngine : IPersistenceEngine
{
    private const int MaxUnknownCommits = 65_536;
    private readonly SqliteDatabase database;
    private readonly SqliteWakeUp wakeUp;
    private readonly EngineContext context;

    // Touched by the one writer, within its transaction.
    private SqliteWriter? writer;

    private readonly UnknownCommits unknown = new(MaxUnknownCommits);

    // The name under which this engine holds the storage; null where it does not.
    private volatile string? heldAs;

    public SqlitePersistenceEngine(SqliteLocation location, SqliteOptions options, EngineContext context)
    {
        Batteries_V2.Init();
        options.IsReadOnly |= context.IsReadOnly;
        this.context = context;
        database = new SqliteDatabase(location, options, context.Time);
        wakeUp = new SqliteWakeUp(database, options.PollInterval, context.Time);
        Description = new(
            "SQLite",
            location.Address,
            new(Durability.Volatile, "not opened yet", []),
            LimitsOf(int.MaxValue),
            location.IsMemory ? EngineCapabilities.None
                : EngineCapabilities.Reopens | EngineCapabilities.SharedWriting
                    | EngineCapabilities.SharedReading | EngineCapabilities.WakesAcrossProcesses);
    }

    /// <summary>The connections, for tests.</summary>
    internal SqliteDatabase Database => database;

    public EngineDescription Description { get; private set; }

    public async ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var durability = await database.OpenAsync(context.MayCreateStorage, cancellationToken).ConfigureAwait(false);
        Description = Description with
        {
            Durability = durability with { Basis = $"{durability.Basis}, SQLite {raw.sqlite3_libversion().utf8_to_string()}" },
            Limits = LimitsOf(database.MaxRowBytes),
            CommitThreading = durability.Level == Durability.Durable ? CommitThreading.Blocking : CommitThreading.OnCaller,
        };
    }

    public async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts,
        CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        try
        {
            var (outcomes, newest) = await database.WriteAsync(
                session => (writer ??= new SqliteWriter(session, context.Time)).Commit(attempts, heldAs), cancellationToken)
                .ConfigureAwait(false);
            database.History.Raise(newest);
            wakeUp.Raise(newest);
            return outcomes;
        }
        catch (BatchOutcomeUnknownException)
        {
            unknown.Add(attempts);
            throw;
        }
        catch (StorageException error) when (unknown.Concerns(attempts))
        {
            throw new BatchOutcomeUnknownException(
                $"it failed before with an unknown outcome, and now with {error.GetType().Name}.", error);
        }
    }

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => session.Reader.FindCommit(stream, commitId), cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => session.Reader.ReadStream(read), cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => session.Reader.ReadAll(read), cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => SqliteHeads.Find(session, stream), cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => SqliteHeads.List(session, query), cancellationToken);

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        return WriteAsync(session => SqliteSnapshots.Save(session, snapshot), cancellationToken);
    }

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => SqliteSnapshots.Find(session, stream, atMost), cancellationToken);

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        WriteAsync(session => SqliteSnapshots.Prune(session, stream, keep), cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return database.ReadAsync(session => SqliteDocuments.Find(session, name), cancellationToken);
    }

    public ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion,
        CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        return database.WriteAsync(session => SqliteDocuments.Put(session, name, content.ToArray(), expectedVersion), cancellationToken);
    }

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return database.WriteAsync(session => SqliteDocuments.Delete(session, name, expectedVersion), cancellationToken);
    }

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit,
        CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        return database.ReadAsync(session => SqliteDocuments.List(session, prefix, after, limit), cancellationToken);
    }

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        wakeUp.WaitAsync(after, atMost, cancellationToken);

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        database.WriteAsync(session => SqliteRemoval.Delete(session, stream, expected), cancellationToken);

    public async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var (change, isDone) = await database.WriteAsync(
            session => SqliteTruncation.Step(session, stream, before, expected), cancellationToken).ConfigureAwait(false);
        while (!isDone)
        {
            // The first step was as expected. Where the stream is deleted since, that is after this truncation.
            var same = new StreamExpectation(ExpectedRevision.Any, change.State.Incarnation);
            try
            {
                (var next, isDone) = await database.WriteAsync(
                    session => SqliteTruncation.Step(session, stream, before, same), CancellationToken.None).ConfigureAwait(false);
                if (next.Kind == StreamChangeKind.Changed) change = next;
            }
            catch (StorageUnavailableException error)
            {
                throw new BatchOutcomeUnknownException(
                    $"stream '{stream}' is truncated before revision {change.State.FirstRevision}, and the rest failed.", error);
            }
        }

        return change;
    }

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        database.WriteAsync(session => SqliteRemoval.Seal(session, stream, expected), cancellationToken);

    public async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(holder);
        Names.RequireWellFormed(holder, nameof(holder));
        await WriteAsync(session => SqliteHold.Take(session, holder), cancellationToken).ConfigureAwait(false);
        heldAs = holder;
    }

    public async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        await WriteAsync(session => SqliteHold.Release(session, holder), cancellationToken).ConfigureAwait(false);
        heldAs = null;
    }

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default)
    {
        AttemptRules.RequireSkip(upTo);
        return WriteAsync(session => SqliteHold.Skip(session, heldAs, upTo.Value), cancellationToken);
    }

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        var required = StreamId.RequireBucket(bucket);
        return WriteAsync(session => SqliteRemoval.Purge(session, required), cancellationToken);
    }

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        WriteAsync(session => SqliteRemoval.Purge(session, bucket: null), cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        database.ReadAsync(session => new SqliteVerification(session, progress, cancellationToken).Run(), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        var ended = database.DisposeAsync();
        await wakeUp.DisposeAsync().ConfigureAwait(false);
        await ended.ConfigureAwait(false);
    }

    /// <summary>The limits by the most bytes that SQLite takes in a row, of which names and lengths take their part.</summary>
    internal static EngineLimits LimitsOf(int maxRowBytes) => new(
        MaxEventsPerCommit: 100_000,
        MaxCommitBytes: Math.Min(64 << 20, maxRowBytes / 2),
        MaxSnapshotBytes: Math.Min(64 << 20, maxRowBytes / 2),
        MaxDocumentBytes: Math.Min(16 << 20, maxRowBytes / 2),
        MaxBatchAttempts: 1024);

    private async ValueTask WriteAsync(Action<SqliteSession> change, CancellationToken cancellationToken) =>
        await database.WriteAsync(session =>
    {
        change(session);
        return true;
    }, cancellationToken).ConfigureAwait(false);
}

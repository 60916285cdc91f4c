namespace EventStore.Mongo;

/// <summary>
/// The engine over MongoDB: opens the store, and hands each call to the part that does it. docs/decisions/0007-mongodb-chain.md explains
/// why it is right.
/// </summary>
internal sealed class MongoPersistenceEngine(MongoPlace place, EngineContext context) : IPersistenceEngine
{
    private readonly SemaphoreSlim opening = new(1, 1);
    private readonly EngineLifetime<Opened> lifetime = new();
    private int maxDocumentBytes = MongoCommits.MaxDocumentBytes;

    public EngineDescription Description { get; private set; } = new(
        "mongodb",
        place.Address,
        new EngineDurability(place.Options.Durability == Durability.Durable ? Durability.Durable : Durability.Fast,
            "as asked for; the server was not asked yet", []),
        LimitsOf(MongoCommits.MaxDocumentBytes),
        EngineCapabilities.Reopens | EngineCapabilities.SharedWriting
        | EngineCapabilities.SharedReading | EngineCapabilities.WakesAcrossProcesses);

    public async ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        lifetime.RequireNotDisposed();
        await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lifetime.RequireNotDisposed();
            if (lifetime.Opened is null) lifetime.Open(await OpenAsync(cancellationToken).ConfigureAwait(false));
        }
        finally
        {
            opening.Release();
        }
    }

    public async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts,
        CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++)
        {
            Description.Limits.Require(attempts[i]);
            MongoCommits.RequireFits(attempts[i], maxDocumentBytes);
        }

        return await Use(cancellationToken).Writer.CommitAsync(attempts, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Heads.FindCommitAsync(stream, commitId, cancellationToken).ConfigureAwait(false);

    public async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Reader.ReadStreamAsync(read, cancellationToken).ConfigureAwait(false);

    public async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).StorePages.ReadAsync(read, cancellationToken).ConfigureAwait(false);

    public async ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Heads.FindWithSnapshotAsync(stream, cancellationToken).ConfigureAwait(false);

    public async ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Heads.ListAsync(query, cancellationToken).ConfigureAwait(false);

    public async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        await Use(cancellationToken).Snapshots.SaveAsync(snapshot, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost,
        CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Snapshots.FindAsync(stream, atMost, cancellationToken).ConfigureAwait(false);

    public async ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Snapshots.PruneAsync(stream, keep, cancellationToken).ConfigureAwait(false);

    public async ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return await Use(cancellationToken).Documents.FindAsync(name, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion,
        CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        return await Use(cancellationToken).Documents.PutAsync(name, content, expectedVersion).ConfigureAwait(false);
    }

    public async ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return await Use(cancellationToken).Documents.DeleteAsync(name, expectedVersion).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit,
        CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        return await Use(cancellationToken).Documents.ListAsync(prefix, after, limit, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        Use(cancellationToken).WakeUp.WaitAsync(after, atMost, cancellationToken);

    public async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Removal.DeleteStreamAsync(stream, expected, cancellationToken).ConfigureAwait(false);

    public async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Removal.TruncateStreamAsync(stream, before, expected, cancellationToken).ConfigureAwait(false);

    public async ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Removal.SealStreamAsync(stream, expected, cancellationToken).ConfigureAwait(false);

    public async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Hold.TakeAsync(holder, cancellationToken).ConfigureAwait(false);

    public async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Hold.ReleaseAsync(holder, cancellationToken).ConfigureAwait(false);

    public async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Hold.SkipAsync(upTo.Value, cancellationToken).ConfigureAwait(false);

    public async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Removal.PurgeAsync(StreamId.RequireBucket(bucket), cancellationToken).ConfigureAwait(false);

    public async ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        await Use(cancellationToken).Removal.PurgeAsync(bucket: null, cancellationToken).ConfigureAwait(false);

    public async ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        await new MongoVerification(Use(cancellationToken).Connection, progress).RunAsync(cancellationToken).ConfigureAwait(false);

    public async ValueTask DisposeAsync()
    {
        lifetime.End();
        await opening.WaitAsync().ConfigureAwait(false);
        try
        {
            if (!lifetime.TakeOpened(out var last)) return;
            await last.WakeUp.DisposeAsync().ConfigureAwait(false);
            last.Owned?.Dispose();
        }
        finally
        {
            opening.Release();
        }
    }

    private async Task<Opened> OpenAsync(CancellationToken cancellationToken)
    {
        var (database, owned) = place.Open();
        MongoWakeUp? wakeUp = null;
        try
        {
            var deployment = await MongoDeployment.DetectAsync(database, place.Options, cancellationToken).ConfigureAwait(false);
            var durability = deployment.Describe();
            if (place.Options.RequireDurable && durability.Level != Durability.Durable)
                throw new StorageException(
                    $"{nameof(MongoOptions)}.{nameof(MongoOptions.RequireDurable)} is set, but {place.Address} is {durability.Basis}. "
                        + $"{string.Join(' ', durability.Warnings)}");

            var connection = new MongoConnection(database, deployment, place.Options);
            await new MongoSchema(connection, place.Options).EnsureAsync(context.MayCreateStorage && !context.IsReadOnly, cancellationToken)
                .ConfigureAwait(false);
            wakeUp = new MongoWakeUp(connection, context.Time);
            var heads = new MongoHeads(connection);
            var writer = new MongoWriter(connection, heads, wakeUp, context.Time);
            var removal = new MongoRemoval(connection, writer, heads);
            if (!context.IsReadOnly) await removal.ResumeAsync(cancellationToken).ConfigureAwait(false);
            if (await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false) is { } newest) wakeUp.Raise(newest.Last);
            maxDocumentBytes = deployment.MaxDocumentBytes;
            Description = Description with { Durability = durability, Limits = LimitsOf(maxDocumentBytes) };
            return new Opened(connection, wakeUp, owned)
            {
                Heads = heads,
                Writer = writer,
                Removal = removal,
                Hold = new(writer),
                Reader = new(connection, heads),
                StorePages = new(connection),
                Snapshots = new(connection, heads),
                Documents = new(connection),
            };
        }
        catch
        {
            if (wakeUp is not null) await wakeUp.DisposeAsync().ConfigureAwait(false);
            owned?.Dispose();
            throw;
        }
    }

    /// <summary>The limits by the most bytes of a document: a mebibyte of it is for names.</summary>
    internal static EngineLimits LimitsOf(int maxDocumentBytes)
    {
        var most = Math.Max(1, maxDocumentBytes - (1 << 20));
        return new(
            MaxEventsPerCommit: MongoCommits.MaxEvents, MaxCommitBytes: most, MaxSnapshotBytes: most, MaxDocumentBytes: most,
            MaxBatchAttempts: 1000);
    }

    private Opened Use(CancellationToken cancellationToken)
    {
        var opened = lifetime.RequireOpened(cancellationToken);
        opened.Connection.History.RequireIntact();
        return opened;
    }

    private sealed record Opened(MongoConnection Connection, MongoWakeUp WakeUp, IDisposable? Owned)
    {
        public required MongoHeads Heads { get; init; }

        public required MongoWriter Writer { get; init; }

        public required MongoRemoval Removal { get; init; }

        public required MongoHold Hold { get; init; }

        public required MongoReader Reader { get; init; }

        public required MongoStorePages StorePages { get; init; }

        public required MongoSnapshots Snapshots { get; init; }

        public required MongoDocuments Documents { get; init; }
    }
}

using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// The engine over a Redis server or cluster. Every member that decides something is one script, so what it decides by is what it writes
/// on. Holds no state of the store but the newest checkpoint seen.
/// </summary>
internal sealed class RedisPersistenceEngine : IPersistenceEngine
{
    private const int SweepStepEntries = 1_000;
    private readonly RedisConnection connection;
    private readonly RedisSchema schema;
    private readonly RedisOptions options;
    private readonly EngineContext context;
    private readonly RedisServer server;
    private readonly RedisWriter writer;
    private readonly RedisReader reader;
    private readonly RedisSnapshots snapshots;
    private readonly RedisDocuments documents;
    private readonly RedisRemoval removal;
    private readonly RedisHold hold;
    private readonly RedisWakeUp wakeUp;
    private readonly EngineLifetime<RedisPersistenceEngine> lifetime = new();

    public RedisPersistenceEngine(RedisConnection connection, RedisOptions options, EngineContext context,
        int sweepStepEntries = SweepStepEntries)
    {
        (this.connection, this.options, this.context) = (connection, options, context);
        var address = $"redis:{connection.Address}/{options.Name}";
        var settings = new RedisSettings(options, address, context.Time, context.Loggers.CreateLogger("EventStore.Redis"));
        schema = new RedisSchema(options.Name);
        server = new RedisServer(connection, settings);
        writer = new RedisWriter(server, schema, settings);
        reader = new RedisReader(server, schema);
        snapshots = new RedisSnapshots(server, schema);
        documents = new RedisDocuments(server, schema);
        removal = new RedisRemoval(server, schema, settings, sweepStepEntries);
        hold = new RedisHold(server, schema);
        wakeUp = new RedisWakeUp(connection, schema, settings);
        connection.Failed += wakeUp.OnFailed;
        connection.Restored += wakeUp.OnRestored;
        Description = new EngineDescription(
            "redis",
            address,
            new EngineDurability(Durability.Fast, "not asked yet: the engine is not initialized", []),
            RedisLimits.Default,
            EngineCapabilities.Reopens | EngineCapabilities.SharedWriting
            | EngineCapabilities.SharedReading | EngineCapabilities.WakesAcrossProcesses);
    }

    public EngineDescription Description { get; private set; }

    public async ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        lifetime.RequireNotDisposed();
        cancellationToken.ThrowIfCancellationRequested();
        await connection.OpenAsync(options, cancellationToken).ConfigureAwait(false);
        var answer = await server.OpenAsync(
            RedisScript.Initialize,
            [schema.Meta, schema.Log, schema.Ids, schema.Names],
            [RedisSchema.Version, RedisRows.StampOf(default(DateTimeOffset)), context is { MayCreateStorage: true, IsReadOnly: false } ? 1
                : 0],
            cancellationToken).ConfigureAwait(false);
        RequireWhole((string)answer[1]!, (string)answer[2 % answer.Length]!);
        await DescribeAsync(cancellationToken).ConfigureAwait(false);
        wakeUp.Raise((long)answer[0]);
        lifetime.Open(this);
        if ((long)answer[2] > 0 && !context.IsReadOnly) removal.Resume();
    }

    public async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts,
        CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        Open(cancellationToken);
        var outcomes = await writer.CommitAsync(attempts, wakeUp.Channel, hold.HeldAs, cancellationToken).ConfigureAwait(false);
        wakeUp.Raise(server.Newest);
        return outcomes;
    }

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).writer.FindAsync(stream, commitId, mayWrite: !context.IsReadOnly, cancellationToken);

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).reader.ReadStreamAsync(read, cancellationToken);

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).reader.ReadAllAsync(read, cancellationToken);

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).reader.FindHeadAsync(stream, cancellationToken);

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).reader.ListHeadsAsync(query, cancellationToken);

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        return Open(cancellationToken).snapshots.SaveAsync(snapshot, cancellationToken);
    }

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).snapshots.FindAsync(stream, atMost, cancellationToken);

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).snapshots.PruneAsync(stream, keep, cancellationToken);

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).documents.FindAsync(name, cancellationToken);

    public ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion,
        CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        return Open(cancellationToken).documents.PutAsync(name, content, expectedVersion, cancellationToken);
    }

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).documents.DeleteAsync(name, expectedVersion, cancellationToken);

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit,
        CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        return Open(cancellationToken).documents.ListAsync(prefix, after, limit, cancellationToken);
    }

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).wakeUp.WaitAsync(after, atMost, NewestAsync, cancellationToken);

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).removal.DeleteStreamAsync(stream, expected, cancellationToken);

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).removal.ChangeStreamAsync(stream, before, expected, cancellationToken);

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).removal.ChangeStreamAsync(stream, before: null, expected, cancellationToken);

    public ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).hold.TakeAsync(holder, cancellationToken);

    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).hold.ReleaseAsync(holder, cancellationToken);

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).hold.SkipAsync(upTo, cancellationToken);

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        Open(cancellationToken).removal.PurgeAsync(StreamId.RequireBucket(bucket), cancellationToken);

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        Open(cancellationToken).removal.PurgeAsync(bucket: null, cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        Open(cancellationToken);
        return new RedisVerification(server, schema, Description.Address).RunAsync(progress, cancellationToken);
    }

    public ValueTask DisposeAsync() => lifetime.EndAsync(CloseAsync);

    private async ValueTask CloseAsync()
    {
        await wakeUp.DisposeAsync().ConfigureAwait(false);
        await removal.DisposeAsync().ConfigureAwait(false);
        await connection.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<long> NewestAsync(CancellationToken cancellationToken)
    {
        var page = await reader.ReadAllAsync(new StoreRead(EventFilter.Everything, Checkpoint.Max, Checkpoint.Max, ReadDirection.Forward,
            new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
        return page.Head.Value;
    }

    private async ValueTask DescribeAsync(CancellationToken cancellationToken)
    {
        var isCluster = connection.Multiplexer.GetEndPoints()
            .Any(server => connection.Multiplexer.GetServer(server).ServerType == ServerType.Cluster);
        if (isCluster && options.RequiredReplicas > 0)
            throw new StorageException(
                $"{Description.Address} is a cluster, where a commit may be redirected to another server than the one whose replicas are "
                    + $"asked. Leave {nameof(RedisOptions.RequiredReplicas)} out, and set min-replicas-to-write on the servers.");
        var found = await server.FindSettingsAsync(schema.Meta, cancellationToken).ConfigureAwait(false);
        var durability = RedisDurability.Judge(found, options);
        if (options.RequireDurable && durability.Level != Durability.Durable)
            throw new StorageException(
                $"{Description.Address} is not durable, but {nameof(RedisOptions.RequireDurable)} is set. Found: {durability.Basis}. "
                    + $"{string.Join(' ', durability.Warnings)}");
        Description = Description with { Durability = durability, Limits = RedisLimits.By(found) };
    }

    private void RequireWhole(string found, string detail)
    {
        if (found == "missing")
            throw new StorageNotFoundException(
                $"The store {Description.Address} is not there, and may not be made. "
                    + "Call InitializeStorageEngine(), or check name and server.");
        var trouble = found switch
        {
            "unknown" =>
                $"has the form '{detail}', but this version knows '{RedisSchema.Version}' only. "
                    + "Use the version that made it, or a newer one.",
            "expiring" => $"has an expiring key: {detail}. Run PERSIST for it, and find out who set the time. Nothing was written.",
            "damaged" =>
                $"is damaged: the key {detail} is missing, of another kind or behind the others. Restore the server's data; "
                    + "if it is not a store at all, choose another name.",
            _ => null,
        };
        if (trouble is not null) throw new StorageException($"The store {Description.Address} {trouble}");
    }

    private RedisPersistenceEngine Open(CancellationToken cancellationToken) => lifetime.RequireOpened(cancellationToken);
}

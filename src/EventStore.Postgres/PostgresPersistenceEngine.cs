using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>The engine over PostgreSQL. Opens, describes, and hands each call to the part that does it.</summary>
internal sealed class PostgresPersistenceEngine : IPersistenceEngine
{
    private const long MaxPartBytes = 256 << 20; // PostgreSQL takes 1 GB in one value, and a part is written as arrays
    private static readonly TimeSpan PauseOfStart = TimeSpan.FromMilliseconds(200);
    private readonly PostgresConnections connections;
    private readonly PostgresOptions options;
    private readonly EngineContext context;
    private readonly PostgresSql sql;
    private readonly PostgresWriter writer;
    private readonly PostgresReader reader;
    private readonly PostgresHeads heads;
    private readonly PostgresSnapshots snapshots;
    private readonly PostgresDocuments documents;
    private readonly PostgresRemoval removal;
    private readonly PostgresHold hold;
    private readonly PostgresWakeUp wakeUp;
    private readonly CommitSignal signal = new();
    private readonly ILogger logger;
    private readonly EngineLifetime<Opened> lifetime = new();

    public PostgresPersistenceEngine(PostgresConnections connections, PostgresOptions options, EngineContext context)
    {
        (this.connections, this.options, this.context) = (connections, options, context);
        logger = context.Loggers.CreateLogger("EventStore.Postgres");
        sql = new PostgresSql(options.Schema);
        writer = new PostgresWriter(connections, sql, options, context.Time);
        reader = new PostgresReader(connections, sql);
        heads = new PostgresHeads(connections, sql);
        snapshots = new PostgresSnapshots(connections, sql);
        documents = new PostgresDocuments(connections, sql);
        removal = new PostgresRemoval(connections, sql, heads);
        hold = new PostgresHold(connections, sql, writer);
        wakeUp = new PostgresWakeUp(connections, sql, signal, logger);
        Description = new EngineDescription(
            "postgres",
            $"postgres:{connections.Address}, schema {sql.QuotedSchema}",
            new EngineDurability(Durability.Fast, "not opened yet", []),
            new EngineLimits(MaxEventsPerCommit: 100_000, MaxCommitBytes: 64 << 20, MaxSnapshotBytes: 64 << 20, MaxDocumentBytes: 16 << 20,
                MaxBatchAttempts: 1024),
            Capabilities(options.UseNotifications));
    }

    public EngineDescription Description { get; private set; }

    public async ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        lifetime.RequireNotDisposed();
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await OpenAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (StorageUnavailableException) when (!connections.IsInside && Stopwatch.GetElapsedTime(started) < options.StartupTimeout)
            {
                PostgresLog.WaitingForServer(logger, connections.Address);
                await Task.Delay(PauseOfStart, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts,
        CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        var store = RequireOpen(cancellationToken);
        var (outcomes, last) = await writer.CommitAsync(attempts, MaxPartBytes, cancellationToken).ConfigureAwait(false);
        if (store.Notifies) await wakeUp.AnnounceAsync(store.TableId, last).ConfigureAwait(false);
        signal.Raise(last);
        return outcomes;
    }

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return reader.FindCommitAsync(stream, commitId, cancellationToken);
    }

    public ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return reader.ReadStreamAsync(read, cancellationToken);
    }

    public ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return reader.ReadAllAsync(read, cancellationToken);
    }

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return heads.FindAsync(stream, cancellationToken);
    }

    public ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return heads.ListAsync(query, cancellationToken);
    }

    public async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        RequireOpen(cancellationToken);
        await snapshots.SaveAsync(snapshot, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<SnapshotRecord?> FindSnapshotAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return snapshots.FindAsync(stream, atMost, cancellationToken);
    }

    public async ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        await snapshots.PruneAsync(stream, keep, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        RequireOpen(cancellationToken);
        return documents.FindAsync(name, cancellationToken);
    }

    public ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion,
        CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        RequireOpen(cancellationToken);
        return documents.PutAsync(name, content, expectedVersion, cancellationToken);
    }

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        RequireOpen(cancellationToken);
        return documents.DeleteAsync(name, expectedVersion, cancellationToken);
    }

    public ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(string prefix, string after, int limit,
        CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireListing(prefix, after);
        RequireOpen(cancellationToken);
        return documents.ListAsync(prefix, after, limit, cancellationToken);
    }

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        var store = RequireOpen(cancellationToken);
        if (store.Notifies && !connections.IsInside) wakeUp.Listen(store.TableId);
        return signal.WaitAsync(after, atMost, context.Time, cancellationToken);
    }

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return removal.DeleteAsync(stream, expected, cancellationToken);
    }

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return removal.TruncateAsync(stream, before, expected, cancellationToken);
    }

    public ValueTask<StreamChange> SealStreamAsync(StreamId stream, StreamExpectation expected,
        CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return removal.SealAsync(stream, expected, cancellationToken);
    }

    public ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return hold.TakeAsync(holder, cancellationToken);
    }

    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return hold.ReleaseAsync(holder, cancellationToken);
    }

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default)
    {
        AttemptRules.RequireSkip(upTo);
        RequireOpen(cancellationToken);
        return hold.SkipAsync(upTo.Value, cancellationToken);
    }

    public async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        await removal.PurgeAsync(StreamId.RequireBucket(bucket), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask PurgeAllAsync(CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        await removal.PurgeAsync(bucket: null, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        RequireOpen(cancellationToken);
        return new PostgresVerification(connections, sql).RunAsync(progress, cancellationToken);
    }

    public ValueTask DisposeAsync() => lifetime.EndAsync(CloseAsync);

    private async ValueTask CloseAsync()
    {
        signal.WakeAll();
        await wakeUp.DisposeAsync().ConfigureAwait(false);
        writer.Dispose();
        await connections.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        var (found, store) = await connections.AskAsync("open the store", FindAsync, cancellationToken).ConfigureAwait(false);

        // A standby neither notifies nor listens: a caller that waits there polls.
        var notifies = options.UseNotifications && !found.IsStandby;
        if (found.IsStandby) connections.AllowLag();
        Description = Description with
        {
            Durability = found.DurabilityOf(options.Durability, connections.IsInside),
            Capabilities = Capabilities(notifies)
        };
        if (options.RequireDurable && Description.Durability.Level != Durability.Durable)
            throw new StorageException(
                $"{nameof(PostgresOptions)}.{nameof(PostgresOptions.RequireDurable)} is set, but this server keeps less: "
                    + $"{Description.Durability.Basis}. Switch the settings on, or do not require it.");
        signal.Raise(new Checkpoint(store.LastCheckpoint));
        lifetime.Open(new Opened(store.TableId, notifies));
    }

    private async Task<(PostgresSettings Settings,
        (int Version, long LastCheckpoint, long TableId) Store)> FindAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var settings = await PostgresSettings.FindAsync(connection, sql, cancellationToken).ConfigureAwait(false);
        settings.RequireUnicode();
        await PostgresPooler.RequireOwnStatementsAsync(connections, connection, settings.ServerProcess, cancellationToken)
            .ConfigureAwait(false);
        var found = settings.SchemaExists ? await PostgresSchema.FindAsync(connection, sql, cancellationToken).ConfigureAwait(false) : null;
        if (found is null && context is { MayCreateStorage: true, IsReadOnly: false } && !connections.IsInside)
        {
            await PostgresSchema.MakeAsync(connection, sql, settings.SchemaExists, cancellationToken).ConfigureAwait(false);
            found = await PostgresSchema.FindAsync(connection, sql, cancellationToken).ConfigureAwait(false);
        }

        var store = found ?? throw new StorageNotFoundException(
            $"There is no store in schema '{options.Schema}' of {connections.Address}. "
                + "Add InitializeStorageEngine() to make it, or check database and schema. Nothing was changed.");
        await PostgresSchema.CheckAsync(connection, sql, store.Version, cancellationToken).ConfigureAwait(false);
        return (settings, store);
    }

    private static EngineCapabilities Capabilities(bool notifies) => EngineCapabilities.Reopens | EngineCapabilities.SharedWriting
        | EngineCapabilities.SharedReading | (notifies ? EngineCapabilities.WakesAcrossProcesses : EngineCapabilities.None);

    private Opened RequireOpen(CancellationToken cancellationToken)
    {
        var opened = lifetime.RequireOpened(cancellationToken);
        connections.RequireIntact();
        return opened;
    }

    // What opening found.
    private sealed record Opened(long TableId, bool Notifies);
}

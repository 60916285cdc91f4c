using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Store;
using Microsoft.Extensions.Logging;

namespace EventStore.FileSystem.Engine;

/// <summary>
/// The engine over plain files. It runs on the caller's thread: a lone committer writes and flushes for itself. It knows no byte of a file.
/// </summary>
internal sealed class FileSystemPersistenceEngine(StoreFiles files, EngineDurability durability, EngineContext context)
    : ReadingEngine, IPersistenceEngine
{
    private readonly CommitSignal signal = new();
    private readonly EngineLifetime<Opened> ending = new();

    // Held while the store is opened, and while it is marked as disposed.
    private readonly Lock gate = new();
    private readonly EngineLifetime<Opened> lifetime = new();

    public EngineDescription Description { get; private set; } = Describe(files.Root, durability);

    /// <summary>Whether there is an open store to work on.</summary>
    public bool IsOpen => lifetime.Opened is not null;

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            lifetime.RequireNotDisposed();
            if (lifetime.Opened is not null) return default;
            var (store, recovery) = files.Open(context, LogPackingFailure, LogClosingIncomplete, cancellationToken);
            if (recovery.Quarantine is { } copy) LogTornEnd(recovery.CutBytes, copy);
            signal.Raise(new Checkpoint(store.End.NextCheckpoint - 1));
            lifetime.Open(new Opened(store, context.Time, files.Root));
        }

        return default;
    }

    public async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        var open = Open(cancellationToken);
        try
        {
            var committing = open.Writes.WriteAsync<IReadOnlyList<CommitAttempt>, CommitOutcome[]>(open.Commits, attempts);
            var outcomes = await committing.ConfigureAwait(false);
            signal.Raise(new Checkpoint(open.Store.End.NextCheckpoint - 1));
            return outcomes;
        }
        catch (StorageException error) when (open.UnknownOutcome(error, attempts) is { } unknown)
        {
            throw unknown;
        }
    }

    public ValueTask<CommitOutcome> CommitAsync(CommitAttempt attempt, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(attempt);
        var open = Open(cancellationToken);
        try
        {
            var outcome = open.Writes.WriteAsync<CommitAttempt, CommitOutcome>(open.Commits, attempt);
            if (!outcome.IsCompletedSuccessfully) return CommittedAsync(open, outcome, attempt);
            signal.Raise(new Checkpoint(open.Store.End.NextCheckpoint - 1));
            return outcome;
        }
        catch (StorageException error) when (open.UnknownOutcome(error, [attempt]) is { } unknown)
        {
            throw unknown;
        }
    }

    public async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        var open = Open(cancellationToken);
        await open.Writes.WriteAsync<SnapshotRecord, bool>(open.Snapshots, snapshot).ConfigureAwait(false);
    }

    public async ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default)
    {
        var open = Open(cancellationToken);
        await open.Writes.WriteAsync<SnapshotPruning, bool>(open.Snapshots, new SnapshotPruning(stream, keep)).ConfigureAwait(false);
    }

    public ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        var open = Open(cancellationToken);
        return open.Writes.WriteAsync<DocumentPut, long?>(open.Documents, new DocumentPut(name, content, expectedVersion));
    }

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        var open = Open(cancellationToken);
        return open.Writes.WriteAsync<DocumentDeletion, bool>(open.Documents, new DocumentDeletion(name, expectedVersion));
    }

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var open = Open(cancellationToken);
        return open.Writes.WriteAsync<StreamDeletion, StreamChange>(open.Removals, new StreamDeletion(stream, expected));
    }

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var open = Open(cancellationToken);
        return open.Writes.WriteAsync<StreamTruncation, StreamChange>(open.Removals, new StreamTruncation(stream, before, expected));
    }

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var open = Open(cancellationToken);
        return open.Writes.WriteAsync<StreamSealing, StreamChange>(open.Removals, new StreamSealing(stream, expected));
    }

    public async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        var change = new HoldChange(Names.Require(holder, nameof(holder), WritePlan.MaxHolderBytes), IsHeld: true);
        var open = Open(cancellationToken);
        await open.Writes.WriteAsync<HoldChange, bool>(open.Hold, change).ConfigureAwait(false);
        open.Hold.HoldAs(holder);
    }

    public async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        var change = new HoldChange(Names.Require(holder, nameof(holder), WritePlan.MaxHolderBytes), IsHeld: false);
        var open = Open(cancellationToken);
        await open.Writes.WriteAsync<HoldChange, bool>(open.Hold, change).ConfigureAwait(false);
        open.Hold.HoldAs(null);
    }

    public async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default)
    {
        AttemptRules.RequireSkip(upTo);
        while (true)
        {
            var open = Open(cancellationToken);
            if (await open.Writes.WriteAsync<CheckpointSkip, bool>(open.Hold, new CheckpointSkip(upTo)).ConfigureAwait(false)) return;
        }
    }

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        PurgeAsync(new BucketPurge(StreamId.RequireBucket(bucket)), cancellationToken);

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        PurgeAsync(new BucketPurge(Bucket: null), cancellationToken);

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        Open(cancellationToken);
        return signal.WaitAsync(after, atMost, context.Time, cancellationToken);
    }

    /// <summary>Describes the engine over files, whether it writes or only reads.</summary>
    public static EngineDescription Describe(string root, EngineDurability durability) => new(
        "file",
        "file:" + root,
        durability,
        new EngineLimits(
            MaxEventsPerCommit: 65_535, MaxCommitBytes: 64 << 20, MaxSnapshotBytes: 64 << 20, MaxDocumentBytes: 16 << 20,
            MaxBatchAttempts: 4096),
        EngineCapabilities.Reopens | EngineCapabilities.SharedReading)
    {
        CommitThreading = durability.Level == Durability.Durable ? CommitThreading.Blocking : CommitThreading.OnCaller,
    };

    /// <summary>Runs maintenance on the files, concurrently with readers and the writer, one at a time.</summary>
    public Task<T> MaintainAsync<T>(Func<OpenStore, CancellationToken, T> work, CancellationToken cancellationToken)
    {
        var open = Open(cancellationToken);
        return open.Maintenance.RunAsync(token => open.Store.WorkAsync(() => work(open.Store, token)), cancellationToken);
    }

    public ValueTask DisposeAsync() => ending.EndAsync(CloseAsync);

    private async ValueTask CloseAsync()
    {
        Opened? last;
        lock (gate)
        {
            lifetime.End();
            lifetime.TakeOpened(out last);
        }

        signal.WakeAll();
        if (last is null) return;
        await last.Maintenance.DisposeAsync().ConfigureAwait(false);
        await last.Store.DisposeAsync().ConfigureAwait(false);
    }

    protected override ValueTask<T> ReadAsync<T>(Func<StoreView, T> read, CancellationToken cancellationToken) =>
        Open(cancellationToken).Store.ReadAsync(read);

    private async ValueTask<CommitOutcome> CommittedAsync(Opened open, ValueTask<CommitOutcome> committing, CommitAttempt attempt)
    {
        try
        {
            var outcome = await committing.ConfigureAwait(false);
            signal.Raise(new Checkpoint(open.Store.End.NextCheckpoint - 1));
            return outcome;
        }
        catch (StorageException error) when (open.UnknownOutcome(error, [attempt]) is { } unknown)
        {
            throw unknown;
        }
    }

    private void LogTornEnd(long cutBytes, string copy)
    {
        EngineLog.TornEnd(Logger(), files.Root, cutBytes, copy);
        var finding = $"A torn end of {cutBytes} bytes, never acknowledged, was cut off the log; a copy is in '{files.Root}/{copy}'.";
        Description = Description with { Findings = [finding] };
    }

    private void LogPackingFailure(string segment, Exception error) =>
        EngineLog.PackingFailed(Logger(), files.Root, segment, error.Message);

    private void LogClosingIncomplete(Exception error) => EngineLog.ClosingIncomplete(Logger(), files.Root, error.Message);

    private async ValueTask PurgeAsync(BucketPurge purge, CancellationToken cancellationToken)
    {
        var open = Open(cancellationToken);
        await open.Writes.WriteAsync<BucketPurge, bool>(open.Removals, purge).ConfigureAwait(false);
    }

    private ILogger Logger() => context.Loggers.CreateLogger("EventStore.FileSystem");

    private Opened Open(CancellationToken cancellationToken) => lifetime.RequireOpened(cancellationToken);

    /// <summary>What works on an open store.</summary>
    private sealed class Opened(OpenStore store, TimeProvider time, string root)
    {
        // Replaced, never changed: callers read it concurrently.
        private volatile HashSet<Guid> unknown = [];

        public OpenStore Store => store;

        public PlannedWrites Writes { get; } = new(store);

        public HoldDecider Hold { get; } = new(store.View);

        public CommitDecider Commits => field ??= new CommitDecider(store.View, time, Hold);

        public SnapshotDecider Snapshots { get; } = new(store.View);

        public DocumentDecider Documents { get; } = new(store.View);

        public RemovalDecider Removals { get; } = new(store.View);

        public MaintenanceWork Maintenance { get; } = new(root);

        /// <summary>
        /// What a caller gets in place of an error. The commits of the batch in which writing failed stay unknown until the store is
        /// opened again, however often a caller tries them. Null to leave the error as it is.
        /// </summary>
        public BatchOutcomeUnknownException? UnknownOutcome(StorageException error, IReadOnlyList<CommitAttempt> attempts)
        {
            var ids = attempts.Select(attempt => attempt.CommitId);
            if (error is BatchOutcomeUnknownException)
            {
                unknown = [.. ids, .. unknown];
                return null;
            }

            return store.Fault is not null && ids.Any(unknown.Contains)
                ? new BatchOutcomeUnknownException($"it failed before with an unknown outcome, and now with {error.GetType().Name}.", error)
                : null;
        }
    }
}

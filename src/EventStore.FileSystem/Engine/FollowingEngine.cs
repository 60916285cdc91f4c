using EventStore.FileSystem.Sharing;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>
/// The engine over the files of a store that another process may write. It takes no lock, changes nothing, and sees everything that was
/// acknowledged. A caller that waits for commits is woken by the operating system when the writer's live file changes. Because a change may
/// be missed, it also looks by itself: seldom, or where changes are not reported, as on network file systems, often.
/// </summary>
internal sealed class FollowingEngine(
    SharedFiles files, EngineDescription description, EngineContext context) : ReadingEngine, IPersistenceEngine
{
    private static readonly TimeSpan PollWhileWatched = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PollUnwatched = TimeSpan.FromMilliseconds(25);
    private readonly CommitSignal signal = new();
    private readonly EngineLifetime<FollowedStore> ending = new();

    private readonly EngineLifetime<FollowedStore> lifetime = new();

    // Held while the store is opened or watched, and while it is marked as disposed.
    private readonly Lock gate = new();

    // Guarded by the gate: set on the first wait.
    private volatile bool isWatched;
    private volatile IDisposable? watch;

    public EngineDescription Description { get; } = description with
    {
        Capabilities = description.Capabilities | EngineCapabilities.WakesAcrossProcesses,
    };

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            lifetime.RequireNotDisposed();
            if (lifetime.Opened is null) lifetime.Open(files.Open(context.Time, cancellationToken));
        }

        return default;
    }

    public ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) => throw Refused("Committing");

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        throw Refused("Saving a snapshot");

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        throw Refused("Pruning snapshots");

    public ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        throw Refused("Writing a document");

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        throw Refused("Deleting a document");

    public ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) => throw Refused("Deleting a stream");

    public ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        throw Refused("Truncating a stream");

    public ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) => throw Refused("Sealing a stream");

    public ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) => throw Refused("An import");

    public ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) => throw Refused("An import");

    public ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) => throw Refused("An import");

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) => throw Refused("Purging a bucket");

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => throw Refused("Purging the store");

    public async ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        var store = Open(cancellationToken);
        Watch(store);
        var started = context.Time.GetTimestamp();
        while (!lifetime.IsDisposed)
        {
            if (Look(store) > after.Value) return;
            var left = atMost - context.Time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero) return;
            var poll = Least(watch is null ? PollUnwatched : PollWhileWatched, left);
            await signal.WaitAsync(after, poll, context.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync() => ending.EndAsync(CloseAsync);

    private ValueTask CloseAsync()
    {
        FollowedStore? last;
        lock (gate)
        {
            lifetime.End();
            lifetime.TakeOpened(out last);
            watch?.Dispose();
        }

        signal.WakeAll();
        last?.Dispose();
        return default;
    }

    protected override ValueTask<T> ReadAsync<T>(Func<StoreView, T> read, CancellationToken cancellationToken) =>
        new(Open(cancellationToken).Read(read));

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static ReadOnlyStorageException Refused(string what) => new(what);

    private void Watch(FollowedStore store)
    {
        if (isWatched) return;
        lock (gate)
        {
            if (isWatched || lifetime.IsDisposed) return;
            watch = files.Watch(() => Wake(store));
            isWatched = true;
        }
    }

    // If this fails, the waiting callers wake, look for themselves and get the error.
    private void Wake(FollowedStore store)
    {
        try
        {
            Look(store);
        }
        catch (Exception error) when (error is StorageException or ObjectDisposedException)
        {
            signal.WakeAll();
        }
    }

    private long Look(FollowedStore store)
    {
        var head = store.CatchUp().NextCheckpoint - 1;
        signal.Raise(new Checkpoint(head));
        return head;
    }

    private FollowedStore Open(CancellationToken cancellationToken) => lifetime.RequireOpened(cancellationToken);
}

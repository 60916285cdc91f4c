using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Store;
using Microsoft.Extensions.Logging;

namespace EventStore.FileSystem.Engine;

/// <summary>
/// The engine over plain files. Everything is done on the caller's thread: a lone committer writes and flushes for itself. Knows no byte of a file.
/// </summary>
internal sealed class FileSystemPersistenceEngine(IDisk disk, StoreSettings settings, EngineDurability durability, TimeSpan? flushInterval, EngineContext context) : ReadingEngine, IPersistenceEngine
{
    private readonly CommitSignal signal = new();

    // Guarded by the gate: none open, then one, then disposed for good.
    private readonly Lock gate = new();
    private volatile Opened? opened;
    private volatile bool isDisposed;

    // The commits of the batch in which writing failed. Touched by the writer only.
    private HashSet<Guid> unknown = [];

    public EngineDescription Description { get; private set; } = Describe(disk, durability);

    public ValueTask InitializeAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, this);
            if (opened is not null) return default;
            var (store, recovery) = StoreOpening.Open(disk, settings with { PackingFailed = TellOfPacking }, context.Time, context.MayCreateStorage);
            if (recovery.Quarantine is { } copy) Tell(recovery.CutBytes, copy);
            signal.Raise(new Checkpoint(store.End.NextCheckpoint - 1));
            opened = new Opened(store, new CommitDecider(store, context.Time), new SnapshotStore(store), new DocumentStore(store), new MaintenanceWork(disk.Root), flushInterval is { } interval ? new IntervalFlush(store, interval, context.Time) : null);
        }

        return default;
    }

    public ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        for (var i = 0; i < attempts.Count; i++) Description.Limits.Require(attempts[i]);
        var open = Open(cancellationToken);
        return new(Commit<IReadOnlyList<CommitAttempt>, CommitOutcome[]>(open, open.Decider, attempts));
    }

    public ValueTask<CommitOutcome> CommitAsync(CommitAttempt attempt, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(attempt);
        var open = Open(cancellationToken);
        return new(Commit<CommitAttempt, CommitOutcome>(open, open.Decider, attempt));
    }

    public ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        Description.Limits.Require(snapshot);
        Open(cancellationToken).Snapshots.Save(snapshot);
        return default;
    }

    public ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default)
    {
        Open(cancellationToken).Snapshots.Prune(stream, keep);
        return default;
    }

    public ValueTask<long?> PutDocumentAsync(string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default)
    {
        Description.Limits.RequireDocument(name, content);
        return new(Open(cancellationToken).Documents.Put(name, content, expectedVersion));
    }

    public ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default)
    {
        NamedDocument.RequireName(name);
        return new(Open(cancellationToken).Documents.Delete(name, expectedVersion));
    }

    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default)
    {
        Open(cancellationToken);
        return signal.WaitAsync(after, atMost, context.Time, cancellationToken);
    }

    public ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        var store = Open(cancellationToken).Store;
        return new(store.Write<bool>(() =>
        {
            if (!store.Index.FindHead(stream).Exists) return (false, null);
            var position = store.Log.NextPosition;
            RecordCodec.WriteDeletion(store.Log.Body, stream);
            store.Log.EndFrame(FrameKind.StreamDelete, 0);
            return (true, () => store.Index.AddDeletion(stream, position));
        }));
    }

    public ValueTask PurgeAsync(string? bucket, CancellationToken cancellationToken = default)
    {
        var store = Open(cancellationToken).Store;
        store.Write<bool>(() =>
        {
            var position = store.Log.NextPosition;
            RecordCodec.WritePurge(store.Log.Body, bucket);
            store.Log.EndFrame(FrameKind.Purge, 0);
            return (true, () => store.Index.AddPurge(bucket, position));
        });
        return default;
    }

    /// <summary>The engine over files, whether it writes or only reads.</summary>
    public static EngineDescription Describe(IDisk disk, EngineDurability durability) => new(
        "file",
        "file:" + disk.Root,
        durability,
        new EngineLimits(MaxEventsPerCommit: 65_535, MaxCommitBytes: 64 << 20, MaxSnapshotBytes: 64 << 20, MaxDocumentBytes: 16 << 20, MaxBatchAttempts: 4096),
        EngineCapabilities.Reopens | EngineCapabilities.SharedReading);

    /// <summary>Whether there is an open store to work on.</summary>
    public bool IsOpen => opened is not null;

    /// <summary>Does something with the files beside readers and the writer, one such work at a time.</summary>
    public Task<T> MaintainAsync<T>(Func<OpenStore, CancellationToken, T> work, CancellationToken cancellationToken)
    {
        var open = Open(cancellationToken);
        return open.Maintenance.RunAsync(token => work(open.Store, token), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Opened? last;
        lock (gate)
        {
            isDisposed = true;
            last = opened;
            opened = null;
        }

        signal.WakeAll();
        if (last is null) return;
        await last.Maintenance.DisposeAsync().ConfigureAwait(false);
        if (last.Flush is not null) await last.Flush.DisposeAsync().ConfigureAwait(false);
        await last.Store.DisposeAsync().ConfigureAwait(false);
    }

    protected override ValueTask<T> Ask<T>(Func<StoreView, T> read, CancellationToken cancellationToken)
    {
        var store = Open(cancellationToken).Store;
        return new(store.Read(() => read(store.View)));
    }

    // Once writing failed, the commits of that batch stay unknown until the store is opened again, however often they are asked for.
    private TAnswer Commit<TAsked, TAnswer>(Opened open, IWriting<TAsked, TAnswer> writing, TAsked asked)
    {
        try
        {
            var answer = open.Store.Write(writing, asked);
            signal.Raise(new Checkpoint(open.Store.End.NextCheckpoint - 1));
            return answer;
        }
        catch (BatchOutcomeUnknownException)
        {
            unknown = [.. IdsOf(asked), .. unknown];
            throw;
        }
        catch (StorageException error) when (open.Store.Fault is not null && IdsOf(asked).Any(unknown.Contains))
        {
            throw new BatchOutcomeUnknownException(error.Message, error);
        }
    }

    private static IEnumerable<Guid> IdsOf<TAsked>(TAsked asked) =>
        asked is CommitAttempt one ? [one.CommitId] : ((IReadOnlyList<CommitAttempt>)asked!).Select(attempt => attempt.CommitId);

    private void Tell(long cutBytes, string copy)
    {
        EngineLog.TornEnd(Logger(), disk.Root, cutBytes, copy);
        Description = Description with { Findings = [$"A torn end of {cutBytes} bytes, never acknowledged, was cut off the log; a copy is in '{disk.Root}/{copy}'."] };
    }

    private void TellOfPacking(string segment, Exception error) => EngineLog.PackingFailed(Logger(), disk.Root, segment, error.Message);

    private ILogger Logger() => context.Loggers.CreateLogger("EventStore.FileSystem");

    private Opened Open(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(isDisposed, this);
        cancellationToken.ThrowIfCancellationRequested();
        return opened ?? throw new InvalidOperationException("The engine is not initialized. Call InitializeAsync first; a store built by BuildAsync has done so.");
    }

    private sealed record Opened(OpenStore Store, CommitDecider Decider, SnapshotStore Snapshots, DocumentStore Documents, MaintenanceWork Maintenance, IntervalFlush? Flush);
}

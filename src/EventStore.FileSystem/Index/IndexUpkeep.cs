using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Index;

/// <summary>
/// Writes and merges the runs of an open store in the background, and writes the checkpoints that name them. Its order makes the index
/// safe: first the run is flushed, then the log it covers, then the checkpoint. Only then are older files deleted.
/// </summary>
internal sealed class IndexUpkeep(StoreIndex index, SegmentedLog log, LogSettings settings) : IAsyncDisposable
{
    private const int FullestBehindFrozen = 2;
    private readonly RunKeeper keeper = index.Keeper;

    // Held while a checkpoint is written.
    private readonly Lock checkpointGate = new();

    // Used by the writer only, in its turn.
    private Task working = Task.CompletedTask;

    private volatile Task merging = Task.CompletedTask;

    // The frozen part could not be written, here or while the store was opened, for lack of space or file handles; it is tried again when
    // the next one is full.
    private volatile bool isShort = index.Keeper.State.Frozen is not null;

    public StoreIndex Index => index;

    /// <summary>Why no more runs are written; null while there is no error.</summary>
    public Exception? Fault => keeper.Fault;

    /// <summary>The damage that a merge found; nothing is merged until the index has been rebuilt. Null while there is none.</summary>
    public IndexDamageException? Damage => keeper.Damage;

    /// <summary>Whether nothing is being written.</summary>
    public bool IsSettled => working.IsCompleted && merging.IsCompleted;

    /// <summary>Whether the part in memory is full, and the one before it is written or has to be tried again.</summary>
    public bool IsFreezeDue(long end) => (keeper.State.Frozen is null || isShort) && keeper.IsFull(end, 1);

    /// <summary>
    /// What a write waits for before it is acknowledged. When the part in memory is twice as full as it should be, the one before it has to
    /// be written first. So memory, and the tail that opening after a kill reads, stay bounded.
    /// </summary>
    public Task CatchUp(long end) =>
        keeper.State.Frozen is not null && !isShort && Fault is null && keeper.IsFull(end, FullestBehindFrozen)
            ? settings.WaitFor(working)
            : Task.CompletedTask;

    /// <summary>Called by the writer between batches: begins a new part in memory, and has the full one written.</summary>
    public void Freeze(LogPoint end)
    {
        if (isShort) isShort = false;
        else if (!keeper.TryFreeze(end)) return;
        working = WriteAfterAsync(working);
    }

    /// <summary>Ends when nothing is being written any more.</summary>
    public async ValueTask SettleAsync()
    {
        await settings.WaitFor(working).ConfigureAwait(false);
        await settings.WaitFor(merging).ConfigureAwait(false);
    }

    /// <summary>Takes over a rebuilt index. Only while nothing is being written.</summary>
    public void Adopt(RunKeeper rebuilt)
    {
        keeper.Adopt(rebuilt);
        isShort = keeper.State.Frozen is not null;
    }

    /// <summary>Writes a checkpoint; false if the log is faulted, or more is indexed than is durable.</summary>
    public bool WriteCheckpoint()
    {
        lock (checkpointGate)
        {
            if (log.Fault.Why is not null || keeper.NextClaims(log) is not { } claims) return false;
            PlaceCheck.RequireStore(log);
            CheckpointFile.Write(keeper.Folder.Disk, keeper.Folder.StoreId, claims);
            return true;
        }
    }

    /// <summary>What a checkpoint would claim now, and the runs it would name. They stay readable, whatever is merged meanwhile.</summary>
    public (StoreCheckpoint Claims, IReadOnlyList<RunFile> Runs) Capture() => keeper.Capture(log);

    public async ValueTask DisposeAsync()
    {
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await merging.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        keeper.Dispose();
    }

    // One part after the other. Merging is separate, so that a frozen part does not wait for it.
    private async Task WriteAfterAsync(Task before)
    {
        await before.ConfigureAwait(false);
        if (Fault is null) await settings.InBackground(() => Guard(WriteFrozen)).ConfigureAwait(false);
        merging = MergeAfterAsync(merging);
    }

    private async Task MergeAfterAsync(Task before)
    {
        await before.ConfigureAwait(false);
        if (Fault is null && Damage is null && keeper.MergeDue() is not null)
            await settings.InBackground(() => Guard(MergeAll)).ConfigureAwait(false);
    }

    private void Guard(Action work)
    {
        keeper.Guard(() =>
        {
            try
            {
                work();
            }
            catch (DiskShortageException)
            {
                // A merge or a checkpoint that failed is tried again when the next part has been written.
            }
        });
        if (Fault is { } fault) log.Fault.Set(fault);
    }

    private void WriteFrozen()
    {
        PlaceCheck.RequireStore(log);
        try
        {
            keeper.WriteFrozen();
        }
        catch (DiskShortageException)
        {
            isShort = true;
            return;
        }

        log.SyncNow();
        WriteCheckpoint();
    }

    private void MergeAll()
    {
        while (keeper.MergeDue() is { } due)
        {
            PlaceCheck.RequireStore(log);
            keeper.Merge(due);

            // Older files are deleted once a checkpoint names the new one. Another part that is not durable yet may have been indexed
            // meanwhile.
            while (!WriteCheckpoint())
            {
                if (log.Fault.Why is not null) return;
                log.SyncNow();
            }

            // Readers may still hold the old runs; their handles close once no reader does.
            foreach (var run in due) keeper.Folder.TryDelete(run);
        }
    }
}

using System.Collections.Immutable;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Index;

/// <summary>
/// Turns full memtables into runs, merges runs, and writes the checkpoint that names them. Its order is what makes the index safe: first
/// the run, then the log it covers, then the checkpoint are flushed, and only then are older files deleted.
/// </summary>
internal sealed class RunKeeper : IAsyncDisposable
{
    private const int FullestBehindFrozen = 2;
    private const int FullestInOpening = 4;

    private readonly RunFolder folder;
    private readonly IndexSettings settings;

    // Guarded by the gate: the writer freezes, the background work replaces.
    private readonly Lock gate = new();
    private volatile IndexState state;
    private LogPoint indexed;
    private long generation;

    private Func<Action, Task> inBackground = LogSettings.InPlace;
    private Func<Task, Task> waitFor = static work => work;
    private Task working = Task.CompletedTask;
    private Task merging = Task.CompletedTask;
    private LogPoint frozenEnd;
    private volatile Exception? fault;
    private volatile IndexDamageException? damage;

    // The frozen part could not be written for want of space, and is tried again when the next one is full.
    private volatile bool isShortOfSpace;

    /// <param name="folder">Where the runs are.</param>
    /// <param name="settings">When parts are written and merged.</param>
    /// <param name="indexed">Up to where runs cover the log.</param>
    /// <param name="generation">The number of the newest checkpoint.</param>
    public RunKeeper(RunFolder folder, IndexSettings settings, LogPoint indexed, long generation)
    {
        (this.folder, this.settings, this.indexed, this.generation) = (folder, settings, indexed, generation);
        state = new IndexState(new Memtable(indexed.Position), null, []);
    }

    /// <summary>Where the runs are. A keeper that rebuilds the index shares it, so that no run gets a number twice.</summary>
    public RunFolder Folder => folder;

    public Removals Removals { get; } = new();

    public IndexState State => state;

    /// <summary>Up to where the log is held in runs.</summary>
    public LogPoint Indexed => indexed;

    /// <summary>The log whose claims checkpoints make; null while the store is opened, when no checkpoint is written.</summary>
    private SegmentedLog? Log { get; set; }

    /// <summary>Why the background work ended; null while there is no error.</summary>
    public Exception? Fault => fault;

    /// <summary>The damage that a merge found; nothing is merged until the index has been rebuilt. Null while there is none.</summary>
    public IndexDamageException? Damage => damage;

    /// <summary>Takes over the runs that a checkpoint names.</summary>
    /// <exception cref="IndexDamageException">One of them is missing or damaged.</exception>
    public void Load(IReadOnlyList<RunEntry> runs)
    {
        var expected = 0L;
        foreach (var run in runs)
        {
            if (run.From != expected)
                throw new IndexDamageException(RunFormat.PathOf(run.Id), "the runs do not cover the log without a gap.");
            state = state with { Runs = state.Runs.Add(folder.Open(run)) };
            expected = run.To;
        }

        var cursor = new MergedCursor([.. state.Runs.Reverse().Select(run => run.OpenCursor())]);
        for (var isThere = cursor.Seek([IndexKeys.Removal]); isThere && cursor.Key[0] == IndexKeys.Removal; isThere = cursor.Next())
            Removals.Load(cursor.Key, cursor.Value);
    }

    /// <summary>The log is open for writing: from now on work runs in the background, and checkpoints are written.</summary>
    public void OpenFor(SegmentedLog log, LogSettings settingsOfLog)
    {
        Log = log;
        (inBackground, waitFor) = (settingsOfLog.InBackground, settingsOfLog.WaitFor);
    }

    /// <summary>Takes over what another keeper built over the same log.</summary>
    public void Adopt(RunKeeper rebuilt)
    {
        lock (gate) (state, indexed, isShortOfSpace, damage) = (rebuilt.state, rebuilt.indexed, false, null);
    }

    /// <summary>
    /// Whether the part in memory is full. While the store is opened it may be fuller, so that opening seldom waits for a run to be
    /// written.
    /// </summary>
    public bool IsFreezeDue(long end) => (state.Frozen is null || isShortOfSpace) && IsFull(end, Log is null ? FullestInOpening : 1);

    /// <summary>
    /// What a write waits for before it is acknowledged: when the part in memory is twice as full as it should be, the one before it has
    /// to be written first. So memory, and the tail that opening after a kill reads, stay bounded.
    /// </summary>
    public Task CatchUp(long end) =>
        state.Frozen is not null && !isShortOfSpace && fault is null && IsFull(end, FullestBehindFrozen)
            ? waitFor(working)
            : Task.CompletedTask;

    /// <summary>Called by the writer between batches: begins a new memtable, and has the full one written.</summary>
    public void Freeze(LogPoint end)
    {
        if (isShortOfSpace)
        {
            isShortOfSpace = false;
        }
        else
        {
            if (state.Active.Count == 0 && end.Position == state.Active.From) return;
            lock (gate) state = new IndexState(state.Active.Successor(end.Position), state.Active, state.Runs);
            frozenEnd = end;
        }

        working = WorkAfterAsync(working, frozenEnd);
    }

    // One after the other. Merging is another matter: what is frozen does not wait for it.
    private async Task WorkAfterAsync(Task before, LogPoint end)
    {
        await before.ConfigureAwait(false);
        if (fault is null) await inBackground(() => Work(() => WriteFrozen(end))).ConfigureAwait(false);
        merging = MergeAfterAsync(merging);
    }

    private async Task MergeAfterAsync(Task before)
    {
        await before.ConfigureAwait(false);
        if (fault is null && damage is null && MergeDue() is not null) await inBackground(() => Work(MergeAll)).ConfigureAwait(false);
    }

    /// <summary>Whether nothing is being written.</summary>
    public bool IsSettled => working.IsCompleted && merging.IsCompleted;

    /// <summary>Ends when nothing is being written any more.</summary>
    public async ValueTask SettleAsync()
    {
        await working.ConfigureAwait(false);
        await merging.ConfigureAwait(false);
    }

    /// <summary>
    /// Writes down how far the log is durable and indexed; not where it is indexed further than it is durable, or failed.
    /// </summary>
    public bool WriteCheckpoint()
    {
        lock (gate)
        {
            if (Log is not { Fault.Why: null } log || log.DurableEnd < indexed.Position) return false;
            generation++;
            CheckpointFile.Write(folder.Disk, folder.StoreId, Claims(log));
            return true;
        }
    }

    /// <summary>What a checkpoint would claim now, and the runs it would name. They stay readable, whatever is merged meanwhile.</summary>
    public (StoreCheckpoint Claims, IReadOnlyList<RunFile> Runs) Capture()
    {
        lock (gate) return (Claims(Log!), state.Runs);
    }

    /// <summary>Deletes run files that belong to nothing.</summary>
    public void RemoveStrays() => folder.KeepOnly(state.Runs);

    public async ValueTask DisposeAsync()
    {
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await merging.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var run in state.Runs) run.Dispose();
    }

    private void Work(Action work)
    {
        try
        {
            work();
        }
        catch (DiskFullException) when (Log is not null)
        {
            // What could not be merged, or named by a checkpoint, is when the next part was written.
        }
        catch (IndexDamageException error)
        {
            damage = error;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or StorageException or ObjectDisposedException)
        {
            // The frozen part stays readable in memory, and the next opening indexes it again from the log.
            fault = error;
            Log?.Fault.Set(error);
        }
    }

    private void WriteFrozen(LogPoint end)
    {
        var frozen = state.Frozen!;
        RunFile run;
        try
        {
            run = folder.Write(0, PreviousEnd(), end.Position, frozen.FilterKeys, frozen.WriteTo);
        }
        catch (DiskFullException) when (Log is not null)
        {
            isShortOfSpace = true;
            return;
        }

        lock (gate)
        {
            state = new IndexState(state.Active, null, state.Runs.Add(run));
            indexed = end;
        }

        Log?.SyncNow();
        WriteCheckpoint();
    }

    private bool IsFull(long end, int times) =>
        state.Active.Count >= settings.FreezeEntries * times || end - state.Active.From >= settings.FreezeBytes * times;

    private long PreviousEnd() => state.Runs.Length == 0 ? 0 : state.Runs[^1].To;

    // The newest runs of one level of which there are enough. A level is a stretch of the log: newer ones have come since, of lower levels.
    private RunFile[]? MergeDue()
    {
        var runs = state.Runs;
        for (int end = runs.Length, start; end > 0; end = start)
        {
            start = end - 1;
            while (start > 0 && runs[start - 1].Level == runs[start].Level) start--;
            if (end - start >= settings.MergeCount) return [.. runs[start..end]];
        }

        return null;
    }

    private void MergeAll()
    {
        while (MergeDue() is { } due) Merge(due);
    }

    private void Merge(RunFile[] due)
    {
        var reachesBack = due[0] == state.Runs[0];
        var merged = folder.Write(due[0].Level + 1, due[0].From, due[^1].To, due.Sum(run => run.FilterKeys), writer =>
        {
            var cursor = new MergedCursor([.. due.Reverse().Select(run => run.OpenCursor())]);
            for (var isThere = cursor.Seek([]); isThere; isThere = cursor.Next())
            {
                // Once nothing older is left, what was taken back need not be remembered.
                if (reachesBack && cursor.Value.IsEmpty && cursor.Key[0] != IndexKeys.CommitId) continue;
                writer.Add(cursor.Key, cursor.Value);
            }
        });
        lock (gate) state = state with { Runs = state.Runs.Insert(state.Runs.IndexOf(due[0]), merged).RemoveRange(due) };
        if (Log is null) return;

        // Older files go once a checkpoint names the new one; another part may have been indexed meanwhile that is not durable yet.
        while (!WriteCheckpoint())
        {
            if (Log.Fault.Why is not null) return;
            Log.SyncNow();
        }

        // Readers may still hold the old runs; their handles close once no reader does.
        foreach (var run in due) folder.TryDelete(run);
    }

    // Called with the gate held.
    private StoreCheckpoint Claims(SegmentedLog log) =>
        new(
            generation, log.Epoch, log.DurableEnd, indexed,
            [.. state.Runs.Select(run => new RunEntry(run.Id, run.Level, run.From, run.To))]);
}

using System.Collections.Immutable;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Index;

/// <summary>
/// The parts of the index: turns full memtables into runs, and merges runs. While a store is opened, it does so on the calling thread;
/// afterwards <see cref="IndexUpkeep"/> does it in the background.
/// </summary>
internal sealed class RunKeeper : IDisposable
{
    private const int FullestInOpening = 4;

    private readonly RunFolder folder;
    private readonly IndexSettings settings;

    // Guarded by the gate: the writer freezes, the background work replaces.
    private readonly Lock gate = new();
    private LogPoint frozenEnd;
    private volatile IndexState state;
    private LogPoint indexed;
    private long generation;

    private volatile Exception? fault;
    private volatile IndexDamageException? damage;

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

    /// <summary>Why no more runs are written; null while there is no error.</summary>
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
            if (run.From != expected || run.To <= run.From)
                throw new IndexDamageException(RunFormat.PathOf(run.Id), "the runs do not cover the log without a gap.");
            state = state with { Runs = state.Runs.Add(folder.Open(run)) };
            expected = run.To;
        }

        var cursor = new MergedCursor([.. state.Runs.Reverse().Select(run => run.OpenCursor())]);
        for (var isThere = cursor.Seek([IndexKeys.Removal]); isThere && cursor.Key[0] == IndexKeys.Removal; isThere = cursor.Next())
            Removals.Load(cursor.Key, cursor.Value);
    }

    /// <summary>Takes over what another keeper built over the same log.</summary>
    public void Adopt(RunKeeper rebuilt)
    {
        lock (gate) (state, frozenEnd, indexed, damage) = (rebuilt.state, rebuilt.frozenEnd, rebuilt.indexed, null);
    }

    /// <summary>
    /// Whether the part in memory has a number of times the entries, or covers a number of times the log, that a run should.
    /// </summary>
    public bool IsFull(long end, int times) =>
        state.Active.Count >= settings.FreezeEntries * times || end - state.Active.From >= settings.FreezeBytes * times;

    /// <summary>
    /// Whether the part in memory is full while the store is opened. It may be fuller then, so that opening seldom writes a run.
    /// </summary>
    public bool IsFullInOpening(long end) => state.Frozen is null && IsFull(end, FullestInOpening);

    /// <summary>Writes the part in memory to a run, on the calling thread, and merges runs.</summary>
    public void FreezeInOpening(LogPoint end)
    {
        if (!TryFreeze(end)) return;
        Guard(() => ToleratingShortage(() =>
        {
            WriteFrozen();
            MergeAll();
        }));
    }

    /// <summary>Begins a new part in memory; false if the present one is empty. The frozen one is to be written next.</summary>
    public bool TryFreeze(LogPoint end)
    {
        if (state.Active.Count == 0 && end.Position == state.Active.From) return false;
        lock (gate) (state, frozenEnd) = (new IndexState(state.Active.Successor(end.Position), state.Active, state.Runs), end);
        return true;
    }

    /// <summary>Writes the frozen part to a run.</summary>
    public void WriteFrozen()
    {
        if (state.Frozen is not { } frozen) return;
        var end = frozenEnd;
        var from = state.Runs.Length == 0 ? 0 : state.Runs[^1].To;
        var run = folder.Write(0, from, end.Position, frozen.FilterKeys, frozen.WriteTo);
        lock (gate)
        {
            state = new IndexState(state.Active, null, state.Runs.Add(run));
            indexed = end;
        }
    }

    /// <summary>
    /// The newest runs of one level, if there are enough of them to be merged; null otherwise. A level is a stretch of the log: newer
    /// stretches have lower levels.
    /// </summary>
    public RunFile[]? MergeDue()
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

    /// <summary>Replaces runs with one that holds their entries. Their files stay.</summary>
    public void Merge(RunFile[] due)
    {
        var reachesBack = due[0] == state.Runs[0];
        var merged = folder.Write(due[0].Level + 1, due[0].From, due[^1].To, due.Sum(run => run.FilterKeys), writer =>
        {
            var cursor = new MergedCursor([.. due.Reverse().Select(run => run.OpenCursor())]);
            for (var isThere = cursor.Seek([]); isThere; isThere = cursor.Next())
            {
                // Removals are dropped when no older run is left.
                if (reachesBack && cursor.Value.IsEmpty && cursor.Key[0] != IndexKeys.CommitId) continue;
                writer.Add(cursor.Key, cursor.Value);
            }
        });
        lock (gate) state = state with { Runs = state.Runs.Insert(state.Runs.IndexOf(due[0]), merged).RemoveRange(due) };
    }

    /// <summary>Runs work on the index; its failure is kept in <see cref="Fault"/> or <see cref="Damage"/>.</summary>
    public void Guard(Action work)
    {
        try
        {
            work();
        }
        catch (IndexDamageException error)
        {
            damage = error;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or StorageException or ObjectDisposedException)
        {
            // The frozen part stays readable in memory, and the next opening indexes it again from the log.
            fault = error;
        }
    }

    /// <summary>What the next checkpoint claims; null while more is indexed than is durable.</summary>
    public StoreCheckpoint? NextClaims(SegmentedLog log)
    {
        lock (gate)
        {
            if (log.DurableEnd < indexed.Position) return null;
            generation++;
            return Claims(log);
        }
    }

    /// <summary>What a checkpoint would claim now, and the runs it would name. They stay readable, whatever is merged meanwhile.</summary>
    public (StoreCheckpoint Claims, IReadOnlyList<RunFile> Runs) Capture(SegmentedLog log)
    {
        lock (gate) return (Claims(log), state.Runs);
    }

    /// <summary>Deletes run files that belong to nothing.</summary>
    public void RemoveStrays() => folder.KeepOnly(state.Runs);

    public void Dispose()
    {
        foreach (var run in state.Runs) run.Dispose();
    }

    // The part stays in memory, and is written later.
    private static void ToleratingShortage(Action work)
    {
        try
        {
            work();
        }
        catch (DiskShortageException)
        {
            // The store opens without it.
        }
    }

    private void MergeAll()
    {
        while (MergeDue() is { } due) Merge(due);
    }

    // Called with the gate held.
    private StoreCheckpoint Claims(SegmentedLog log) =>
        new(
            generation, log.Epoch, log.DurableEnd, indexed,
            [.. state.Runs.Select(run => new RunEntry(run.Id, run.Level, run.From, run.To))]);
}

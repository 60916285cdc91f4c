using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// Walks the commits of a term in the order of their checkpoints, in one direction. The parts of the index hold one stretch of the log
/// each, so that they are walked one after another.
/// </summary>
internal sealed class TermCursor
{
    private const int PartEntries = 64;
    private const int NearEntries = 8;
    private readonly IndexState state;
    private readonly byte[] term;
    private readonly ulong hash;
    private readonly List<(long Last, long Position)> copied = [];

    // The part that is walked: a run, then the frozen memtable, then the active one.
    private int part;
    private RunCursor? run;
    private int at;
    private bool isCopiedWhole;

    /// <param name="state">The index.</param>
    /// <param name="term">What the keys of the term's commits begin with.</param>
    /// <param name="place">For a walk forward: an address before which no commit is meant. Null for a walk backward.</param>
    public TermCursor(IndexState state, byte[] term, long? place)
    {
        (this.state, this.term, hash) = (state, term, RunFormat.HashOf(term));
        part = place is null ? state.Runs.Length + 1 : 0;
        while (part < state.Runs.Length && state.Runs[part].To <= place) part++;
    }

    /// <summary>The checkpoint of the last event of the commit at which it stands.</summary>
    public long Last { get; private set; }

    /// <summary>The address of its frame.</summary>
    public long Position { get; private set; }

    /// <summary>Goes to the first commit that ends at or after a checkpoint; false if there is none.</summary>
    /// <param name="checkpoint">The checkpoint, never before that of an earlier call.</param>
    public bool SeekForward(long checkpoint)
    {
        if (Last >= checkpoint) return true;
        for (; part <= state.Runs.Length + 1; NextPart(1))
        {
            if (part < state.Runs.Length ? FindInRun(checkpoint) : FindInMemtable(checkpoint)) return true;
        }

        return false;
    }

    /// <summary>Goes to the last commit that ends at or before a checkpoint; false if there is none.</summary>
    /// <param name="checkpoint">The checkpoint, never after that of an earlier call.</param>
    public bool SeekBackward(long checkpoint)
    {
        if (Last > 0 && Last <= checkpoint) return true;
        for (; part >= 0; NextPart(-1))
        {
            while (true)
            {
                while (at > 0)
                {
                    if (copied[--at].Last > checkpoint) continue;
                    (Last, Position) = copied[at];
                    return true;
                }

                if (!CopyBefore(checkpoint)) break;
            }
        }

        return false;
    }

    private void NextPart(int step)
    {
        part += step;
        (run, at, isCopiedWhole) = (null, 0, false);
        copied.Clear();
    }

    private bool FindInRun(long checkpoint)
    {
        if (run is null)
        {
            if (!state.Runs[part].MayHold(hash)) return false;
            run = state.Runs[part].OpenCursor();
            return Seek(checkpoint);
        }

        for (var i = 0; i < NearEntries; i++)
        {
            if (!run.Next() || !run.Key.StartsWith(term)) return false;
            if (IndexKeys.CheckpointIn(run.Key) >= checkpoint) return Stand();
        }

        return Seek(checkpoint);
    }

    private bool Seek(long checkpoint)
    {
        Span<byte> target = stackalloc byte[IndexKeys.MaxTermLength];
        return run!.Seek(target[..IndexKeys.WriteTerm(target, term, checkpoint)]) && run.Key.StartsWith(term) && Stand();
    }

    private bool Stand()
    {
        (Last, Position) = (IndexKeys.CheckpointIn(run!.Key), Varint.Read(run.Value));
        return true;
    }

    private bool FindInMemtable(long checkpoint)
    {
        if (MemtableAt(part) is not { } memtable) return false;
        for (; at < copied.Count; at++)
        {
            if (copied[at].Last >= checkpoint) break;
        }

        if (at == copied.Count)
        {
            at = 0;
            copied.Clear();
            memtable.CopyTerm(term, checkpoint, PartEntries, copied);
            if (copied.Count == 0) return false;
        }

        (Last, Position) = copied[at];
        return true;
    }

    // Copies what is before a checkpoint, as far as it is near; false if there is nothing more in the part.
    private bool CopyBefore(long checkpoint)
    {
        if (isCopiedWhole) return false;
        copied.Clear();
        if (part >= state.Runs.Length)
        {
            isCopiedWhole = true;
            MemtableAt(part)?.CopyTerm(term, 0, int.MaxValue, copied);
        }
        else if (state.Runs[part].MayHold(hash))
        {
            (run ??= state.Runs[part].OpenCursor()).CopyTermBefore(term, checkpoint, copied);
        }

        at = copied.Count;
        return at > 0;
    }

    private Memtable? MemtableAt(int number) => number == state.Runs.Length ? state.Frozen : state.Active;
}

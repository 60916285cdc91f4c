using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>Walks the entries of a run.</summary>
internal sealed class RunCursor(RunFile run) : EntryCursor
{
    private byte[] block = [];
    private byte[] key = new byte[128];
    private int keyLength;
    private int valueStart;
    private int valueLength;
    private int offset;
    private long leaf;

    public override ReadOnlySpan<byte> Key => key.AsSpan(0, keyLength);

    public override ReadOnlySpan<byte> Value => block.AsSpan(valueStart, valueLength);

    public override bool Seek(ReadOnlySpan<byte> target)
    {
        if (run.Leaves == 0) return false;
        Descend(target);
        for (var first = leaf; Next();)
        {
            if (Key.SequenceCompareTo(target) >= 0) return true;
            if (leaf > first) throw Misled(first);
        }

        return false;
    }

    /// <summary>Goes to the last entry at or before a key; false if there is none.</summary>
    public bool SeekFloor(ReadOnlySpan<byte> target)
    {
        if (run.Leaves == 0) return false;
        Descend(target);
        var end = RunFormat.EntriesEnd(block);
        var before = 0;
        for (; offset < end; before++)
        {
            MoveInBlock();
            if (Key.SequenceCompareTo(target) > 0) break;
        }

        if (before == 0) return false;
        Enter(leaf);
        for (; before > 0; before--) MoveInBlock();
        return true;
    }

    /// <summary>
    /// Copies the commits of a term that end at or before a checkpoint, the newest ones, as far as they are in one block.
    /// </summary>
    /// <param name="term">What their keys begin with.</param>
    /// <param name="upTo">The checkpoint.</param>
    /// <param name="into">Receives them, oldest first; none if there are none.</param>
    public void CopyTermBefore(ReadOnlySpan<byte> term, long upTo, List<(long Last, long Position)> into)
    {
        if (run.Leaves == 0) return;
        Span<byte> target = stackalloc byte[IndexKeys.MaxTermLength];
        target = target[..IndexKeys.WriteTerm(target, term, upTo)];
        Descend(target);
        for (var end = RunFormat.EntriesEnd(block); offset < end;)
        {
            MoveInBlock();
            if (Key.SequenceCompareTo(target) > 0) return;
            if (Key.StartsWith(term)) into.Add((IndexKeys.CheckpointIn(Key), Varint.Read(Value)));
        }
    }

    public override bool Next()
    {
        if (offset >= RunFormat.EntriesEnd(block))
        {
            if (leaf + 1 >= run.Leaves) return false;
            EnterNext();
        }

        MoveInBlock();
        return true;
    }

    // Follows the levels down to the leaf in which the key stands, if it stands anywhere.
    private void Descend(ReadOnlySpan<byte> target)
    {
        var number = run.Root;
        for (var level = run.Height; level > 0; level--)
        {
            if (number < run.Leaves) throw Misled(number);
            Enter(number);
            var end = RunFormat.EntriesEnd(block);
            var isFirst = true;
            while (offset < end)
            {
                MoveInBlock();
                if (!isFirst && Key.SequenceCompareTo(target) > 0) break;
                number = Varint.Read(Value);
                isFirst = false;
            }
        }

        leaf = number;
        if (leaf >= run.Leaves) throw Misled(leaf);
        Enter(leaf);
    }

    private IndexDamageException Misled(long number) => new(run.Path, $"block {number} of the run is not where the others lead to it.");

    private void Enter(long number)
    {
        block = run.Block(number);
        offset = RunFormat.EntriesStart;
        keyLength = 0;
    }

    // Keys rise from leaf to leaf, too, so that every walk ends.
    private void EnterNext()
    {
        block = run.Block(++leaf);
        offset = RunFormat.EntriesStart;
        var first = offset;
        RunFormat.ReadEntryHead(block, ref first, out _, out var length, out _);
        if (Key.SequenceCompareTo(block.AsSpan(first, length)) >= 0) throw Misled(leaf);
    }

    private void MoveInBlock()
    {
        RunFormat.ReadEntryHead(block, ref offset, out var shared, out var own, out valueLength);
        keyLength = shared + own;
        if (key.Length < keyLength) Array.Resize(ref key, keyLength * 2);
        block.AsSpan(offset, own).CopyTo(key.AsSpan(shared));
        valueStart = offset + own;
        offset = valueStart + valueLength;
    }
}

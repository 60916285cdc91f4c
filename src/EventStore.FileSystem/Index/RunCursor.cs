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
        while (Next())
        {
            if (Key.SequenceCompareTo(target) >= 0) return true;
        }

        return false;
    }

    /// <summary>Goes to the last entry at or before a key; false if there is none.</summary>
    public bool SeekFloor(ReadOnlySpan<byte> target)
    {
        if (run.Leaves == 0) return false;
        Descend(target);
        var end = RunFormat.EntriesEnd(block);
        byte[]? floor = null;
        while (offset < end)
        {
            MoveInBlock();
            if (Key.SequenceCompareTo(target) > 0) break;
            floor = Key.ToArray();
        }

        return floor is not null && Seek(floor);
    }

    public override bool Next()
    {
        if (offset >= RunFormat.EntriesEnd(block))
        {
            if (leaf + 1 >= run.Leaves) return false;
            Enter(++leaf);
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

    private IndexDamageException Misled(long number) => new(run.Path, $"block {number} of the run is on another level than it should be.");

    private void Enter(long number)
    {
        block = run.Block(number);
        offset = RunFormat.EntriesStart;
        keyLength = 0;
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

namespace EventStore.FileSystem.Log;

/// <summary>
/// Frames that were looked up again and again, so that streams in use are read without asking the disk. Bounded: small frames only, a slot for
/// each, and one is taken in only when it is looked up for the second time. What stands at an address of the log changes only when a segment is
/// replaced: dead frames are gaps then. So what was read before is not found after.
/// </summary>
internal sealed class FrameCache
{
    private const int SlotBits = 14;
    private const int LargestFrameBytes = 2 << 10;
    private readonly Entry?[] entries = new Entry?[1 << SlotBits];

    // What was looked for last at each slot, and not found.
    private readonly long[] missed = new long[1 << SlotBits];

    /// <summary>The bytes of a frame that is held here; none otherwise.</summary>
    /// <param name="position">The frame's address.</param>
    /// <param name="replacements">How often segments were replaced before the reader began.</param>
    public ReadOnlySpan<byte> Find(long position, int replacements) =>
        entries[SlotOf(position)] is { } entry && entry.Position == position && entry.Replacements == replacements ? entry.Bytes : default;

    /// <summary>Takes note of a whole frame that was looked up and had to be read.</summary>
    public void Note(long position, int replacements, ReadOnlySpan<byte> frame)
    {
        if (frame.Length > LargestFrameBytes) return;
        var slot = SlotOf(position);
        if (Interlocked.Exchange(ref missed[slot], position) == position) entries[slot] = new Entry(position, replacements, frame.ToArray());
    }

    private static int SlotOf(long position) => (int)(((ulong)position * 0x9E3779B97F4A7C15) >> (64 - SlotBits));

    private sealed record Entry(long Position, int Replacements, byte[] Bytes);
}

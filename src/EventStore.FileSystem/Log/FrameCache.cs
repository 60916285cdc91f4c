namespace EventStore.FileSystem.Log;

/// <summary>
/// Frames that were looked up again and again, so that streams in use are read without asking the disk. Bounded: small frames only, a slot for
/// each, and one is taken in only when it is looked up for the second time. What stands at an address of the log changes only when
/// a segment is replaced: dead frames are gaps then. So what was read before is not found after.
/// </summary>
internal sealed class FrameCache
{
    private const int FirstSlots = 64;
    private const int MostSlots = 1 << 14;
    private const int NotesPerSlot = 2;
    private const int LargestFrameBytes = 2 << 10;
    private Slots slots = new(FirstSlots);

    /// <summary>The bytes of a frame that is held here; none otherwise.</summary>
    /// <param name="position">The frame's address.</param>
    /// <param name="replacements">How often segments had been replaced when the reader began.</param>
    public ReadOnlySpan<byte> Find(long position, int replacements)
    {
        var present = slots;
        return present.Entries[present.Of(position)] is { } entry && entry.Position == position && entry.Replacements == replacements ? entry.Bytes : default;
    }

    /// <summary>Takes note of a whole frame that was looked up and had to be read.</summary>
    public void Note(long position, int replacements, ReadOnlySpan<byte> frame)
    {
        if (frame.Length > LargestFrameBytes) return;
        var present = slots;
        var slot = present.Of(position);
        if (Interlocked.Exchange(ref present.Missed[slot], position) == position) present.Entries[slot] = new Entry(position, replacements, frame.ToArray());

        // Where more is looked for than there are slots, each address is forgotten before it is met again. What is held is few by then, and taken in again.
        else if (present.Entries.Length < MostSlots && ++present.Notes > NotesPerSlot * present.Entries.Length) slots = new Slots(present.Entries.Length * 4);
    }

    private sealed class Slots(int count)
    {
        private readonly int shift = 64 - System.Numerics.BitOperations.Log2((uint)count);

        public Entry?[] Entries { get; } = new Entry?[count];

        // What was looked for last at each slot, and not found.
        public long[] Missed { get; } = new long[count];

        // How often something was looked for first. Readers beside one another may lose some of it, which does no harm.
        public int Notes { get; set; }

        public int Of(long position) => (int)(((ulong)position * 0x9E3779B97F4A7C15) >> shift);
    }

    private sealed record Entry(long Position, int Replacements, byte[] Bytes);
}

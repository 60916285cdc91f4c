namespace EventStore.FileSystem.Log;

/// <summary>
/// Frames that are looked up repeatedly, so that reading streams in use needs no disk access. Bounded: small frames only, a slot for
/// each, and a frame is kept only from its second look-up on. What stands at an address of the log changes only when
/// a segment is replaced: dead frames are gaps then. So an entry counts only for readers that saw the same number of replacements.
/// </summary>
internal sealed class FrameCache
{
    private const int FirstSlots = 64;
    private const int MostSlots = 1 << 14;
    private const int NotesPerSlot = 2;
    private const int LargestFrameBytes = 2 << 10;
    private Slots slots = new(FirstSlots);

    /// <summary>Returns the bytes of a cached frame; empty if it is not cached.</summary>
    /// <param name="position">The frame's address.</param>
    /// <param name="replacements">How often segments had been replaced when the reader began.</param>
    public ReadOnlySpan<byte> Find(long position, int replacements)
    {
        var present = slots;
        return present.Entries[present.Of(position)] is { } entry && entry.Position == position && entry.Replacements == replacements
            ? entry.Bytes
            : default;
    }

    /// <summary>Records a look-up of a frame that was not cached.</summary>
    public void Note(long position, int replacements, ReadOnlySpan<byte> frame)
    {
        if (frame.Length > LargestFrameBytes) return;
        var present = slots;
        var slot = present.Of(position);
        if (Interlocked.Exchange(ref present.Missed[slot], position) == position)
            present.Entries[slot] = new Entry(position, replacements, frame.ToArray());

        // With more addresses in use than slots, each is displaced before its second look-up. Few entries are held by then, so they are
        // dropped.
        else if (present.Entries.Length < MostSlots && present.CountNote() > NotesPerSlot * present.Entries.Length)
            slots = new Slots(present.Entries.Length * 4);
    }

    private sealed class Slots(int count)
    {
        private readonly int shift = 64 - System.Numerics.BitOperations.Log2((uint)count);

        // First look-ups so far. Concurrent readers may lose some of them, which does no harm.
        private int notes;

        public Entry?[] Entries { get; } = new Entry?[count];

        // The last address that was looked up and not found, for each slot.
        public long[] Missed { get; } = new long[count];

        public int CountNote() => ++notes;

        public int Of(long position) => (int)(((ulong)position * 0x9E3779B97F4A7C15) >> shift);
    }

    private sealed record Entry(long Position, int Replacements, byte[] Bytes);
}

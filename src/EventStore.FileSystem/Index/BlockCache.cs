namespace EventStore.FileSystem.Index;

/// <summary>The blocks of runs read last, as many as fit. A block displaced by another is simply read again.</summary>
internal sealed class BlockCache(int slots)
{
    private const int FirstSlots = 64;
    private Entry?[] entries = new Entry?[Math.Min(FirstSlots, slots)];

    public byte[]? Find(long run, long number) =>
        SlotOf(entries, run, number) is { } entry && entry.Run == run && entry.Number == number ? entry.Block : null;

    public void Keep(long run, long number, byte[] block)
    {
        var kept = entries;
        ref var slot = ref SlotOf(kept, run, number);

        // Racing readers may lose what another kept, which costs no more than reading it again.
        if (slot is null || kept.Length == slots) slot = new Entry(run, number, block);
        else entries = new Entry?[Math.Min(slots, kept.Length * 4)];
    }

    private static ref Entry? SlotOf(Entry?[] entries, long run, long number) =>
        ref entries[(int)(((((ulong)run * 0x9E3779B97F4A7C15) + ((ulong)number * 0xD6E8FEB86659FD93)) >> 20) % (ulong)entries.Length)];

    private sealed record Entry(long Run, long Number, byte[] Block);
}

using System.Numerics;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// A file's bytes in the cache and on the medium, and the sectors in which the two may differ. Copies share their bytes until written to.
/// </summary>
internal sealed class SimulatedFile(int sectorBytes)
{
    // Beyond its length an array is zero.
    private byte[] cached = [];
    private byte[] durable = [];
    private bool isShared;
    private int durableLength;
    private ulong[] dirty = new ulong[1];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Content => cached.AsSpan(0, Length);

    public int Read(Span<byte> into, long offset)
    {
        if (offset >= Length) return 0;
        var part = Content[(int)offset..];
        if (part.Length > into.Length) part = part[..into.Length];
        part.CopyTo(into);
        return part.Length;
    }

    public void Write(ReadOnlySpan<byte> from, long offset)
    {
        if (from.IsEmpty) return;
        var end = (int)offset + from.Length;
        Own(end);
        Length = Math.Max(Length, end);
        from.CopyTo(cached.AsSpan((int)offset));
        Mark((int)offset, end);
    }

    public void SetLength(long length)
    {
        Own((int)length);
        if (length < Length)
        {
            cached.AsSpan((int)length, Length - (int)length).Clear();
            Mark((int)length, Length);
        }

        Length = (int)length;
    }

    public void Flush()
    {
        Own(Length);
        Resize(Length);
        for (var sector = NextDirty(0); sector >= 0; sector = NextDirty(sector + 1)) Bring(sector);
        Forget();
    }

    /// <summary>The cache keeps showing what was written, but it never reaches the medium.</summary>
    public void Forget() => Array.Clear(dirty);

    /// <summary>
    /// The power goes: any of the dirty sectors may have arrived, and the length may be old, new or between. What was never written reads
    /// as zeros or as garbage.
    /// </summary>
    public void Lose(Random random)
    {
        Own(Length);
        var (shorter, longer) = (Math.Min(durableLength, Length), Math.Max(durableLength, Length));
        var hadLength = durableLength;
        Resize(
            shorter == longer ? longer : random.Next(3) switch { 0 => durableLength, 1 => Length, _ => random.Next(shorter, longer + 1) });
        if (durableLength > hadLength && random.Next(4) == 0) random.NextBytes(durable.AsSpan(hadLength, durableLength - hadLength));
        var keep = random.Next(4);
        for (var sector = NextDirty(0); sector >= 0; sector = NextDirty(sector + 1))
        {
            if (keep == 1 || (keep > 1 && random.Next(2) == 0)) Bring(sector);
        }

        Forget();
        if (cached.Length < durable.Length) cached = new byte[durable.Length];
        Array.Clear(cached);
        durable.AsSpan(0, durableLength).CopyTo(cached);
        Length = durableLength;
    }

    /// <summary>The same content, all of it on the medium.</summary>
    public SimulatedFile Copy()
    {
        isShared = true;
        return new SimulatedFile(sectorBytes)
        {
            cached = cached,
            durable = cached,
            durableLength = Length,
            Length = Length,
            isShared = true,
            dirty = new ulong[dirty.Length],
        };
    }

    private void Own(int length)
    {
        if (!isShared && cached.Length >= length && durable.Length >= length) return;
        var capacity = Math.Max(Math.Max(length, Length), durableLength);
        if (capacity > cached.Length) capacity = (int)BitOperations.RoundUpToPowerOf2((uint)capacity);
        cached = Grown(cached, capacity);
        durable = Grown(durable, capacity);
        isShared = false;
        var words = (cached.Length / sectorBytes / 64) + 1;
        if (dirty.Length < words) Array.Resize(ref dirty, words);
    }

    private static byte[] Grown(byte[] bytes, int capacity)
    {
        var grown = new byte[Math.Max(capacity, bytes.Length)];
        bytes.CopyTo(grown, 0);
        return grown;
    }

    private void Resize(int length)
    {
        if (length < durableLength) durable.AsSpan(length, durableLength - length).Clear();
        durableLength = length;
    }

    private void Mark(int from, int to)
    {
        for (var sector = from / sectorBytes; sector * sectorBytes < to; sector++) dirty[sector / 64] |= 1UL << (sector % 64);
    }

    // Brings one sector to the medium, as far as the file reaches there.
    private void Bring(int sector)
    {
        var start = sector * sectorBytes;
        var count = Math.Min(sectorBytes, durableLength - start);
        if (count > 0) cached.AsSpan(start, count).CopyTo(durable.AsSpan(start));
    }

    private int NextDirty(int from)
    {
        for (var word = from / 64; word < dirty.Length; word++)
        {
            var rest = word == from / 64 ? dirty[word] & (ulong.MaxValue << (from % 64)) : dirty[word];
            if (rest != 0) return (word * 64) + BitOperations.TrailingZeroCount(rest);
        }

        return -1;
    }
}

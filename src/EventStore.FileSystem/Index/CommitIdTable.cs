using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>The commit ids of a memtable, in arrays: no object per commit.</summary>
/// <param name="expected">How many are expected, for the first sizes.</param>
internal sealed class CommitIdTable(int expected = 0)
{
    private readonly HashSlots slots = new(expected);
    private (Guid Id, long Position)[] entries = new (Guid, long)[expected];

    public int Count { get; private set; }

    /// <summary>From the lowest to the highest id.</summary>
    public CommitIdRange Range { get; private set; } = CommitIdRange.Empty;

    /// <summary>An empty one, with room for as many as this one holds.</summary>
    public CommitIdTable Successor() => new(Count);

    /// <summary>Adds an id. It may be there already, for another stream; the commits of a unit have one entry.</summary>
    public void Add(Guid id, long position)
    {
        if (Count > 0 && entries[Count - 1].Position == position) return;
        if (Count == entries.Length) Array.Resize(ref entries, Math.Max(16, Count * 2));
        slots.Add(Count, KeyHash.Of(id));
        entries[Count++] = (id, position);
        Range = Range.With(CommitIdRange.NumberOf(id));
    }

    /// <summary>Adds the addresses of all commits of an id, in order, to a list that is made when there are some.</summary>
    public void CopyTo(Guid id, ref List<long>? into)
    {
        for (var probe = slots.Find(KeyHash.Of(id)); probe.Next();)
        {
            if (entries[probe.Entry].Id == id) (into ??= []).Add(entries[probe.Entry].Position);
        }
    }

    /// <summary>Writes all in the order of their keys.</summary>
    public void WriteTo(RunWriter run)
    {
        // Equally long keys sort as the big-endian numbers that they are; of equal ids the older comes first.
        var (numbers, order) = (new UInt128[Count], new int[Count]);
        for (var i = 0; i < order.Length; i++) (numbers[i], order[i]) = (CommitIdRange.NumberOf(entries[i].Id), i);
        Array.Sort(numbers, order);
        for (int start = 0, end = 0; start < order.Length; start = end)
        {
            while (end < order.Length && numbers[end] == numbers[start]) end++;
            if (end - start > 1) Array.Sort(order, start, end - start);
        }

        Span<byte> key = stackalloc byte[IndexKeys.CommitIdLength];
        foreach (var entry in order)
        {
            IndexKeys.WriteCommitId(key, entries[entry].Id, entries[entry].Position);
            run.Add(key, []);
        }
    }
}

/// <summary>
/// The commit ids that a part of the index may hold. Time-ordered ids, as most are, are greater than those of all older parts, which then
/// need not be looked into.
/// </summary>
internal readonly record struct CommitIdRange(UInt128 Lowest, UInt128 Highest)
{
    public static CommitIdRange Empty { get; } = new(UInt128.MaxValue, 0);

    /// <summary>An id as the big-endian number that it is, whose order is that of the ids' keys.</summary>
    public static UInt128 NumberOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public bool Holds(UInt128 number) => number >= Lowest && number <= Highest;

    public CommitIdRange With(UInt128 number) => new(UInt128.Min(Lowest, number), UInt128.Max(Highest, number));
}

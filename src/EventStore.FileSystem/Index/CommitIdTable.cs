using System.Buffers.Binary;

namespace EventStore.FileSystem.Index;

/// <summary>The commit ids of a memtable, in arrays: no object per commit.</summary>
internal sealed class CommitIdTable(int expected)
{
    private readonly HashSlots slots = new(expected);
    private (Guid Id, long Position)[] entries = new (Guid, long)[expected];

    public int Count { get; private set; }

    /// <summary>Adds an id. It may be there already, for another stream.</summary>
    public void Add(Guid id, long position)
    {
        if (Count == entries.Length) Array.Resize(ref entries, Math.Max(16, Count * 2));
        slots.Add(Count, KeyHash.Of(id));
        entries[Count++] = (id, position);
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
        Span<byte> key = stackalloc byte[IndexKeys.CommitIdLength];
        for (var i = 0; i < order.Length; i++)
        {
            entries[i].Id.TryWriteBytes(key, bigEndian: true, out _);
            (numbers[i], order[i]) = (BinaryPrimitives.ReadUInt128BigEndian(key), i);
        }

        Array.Sort(numbers, order);
        for (int start = 0, end = 0; start < order.Length; start = end)
        {
            while (end < order.Length && numbers[end] == numbers[start]) end++;
            if (end - start > 1) Array.Sort(order, start, end - start);
        }

        foreach (var entry in order)
        {
            IndexKeys.WriteCommitId(key, entries[entry].Id, entries[entry].Position);
            run.Add(key, []);
        }
    }
}

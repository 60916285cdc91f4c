namespace EventStore.FileSystem.Index;

/// <summary>Keys and values in order, in memory, for the kinds of which there are few: documents, snapshots, removals.</summary>
internal sealed class SortedEntries
{
    private readonly List<byte[]> keys = [];
    private readonly List<byte[]> values = [];

    public int Count => keys.Count;

    public void Put(byte[] key, byte[] value)
    {
        var at = Find(key);
        if (at < keys.Count && keys[at].AsSpan().SequenceEqual(key))
        {
            values[at] = value;
            return;
        }

        keys.Insert(at, key);
        values.Insert(at, value);
    }

    public bool TryFind(ReadOnlySpan<byte> key, out byte[] value)
    {
        var at = Find(key);
        var isThere = at < keys.Count && keys[at].AsSpan().SequenceEqual(key);
        value = isThere ? values[at] : [];
        return isThere;
    }

    public void Copy(ReadOnlySpan<byte> from, bool isFromIncluded, int limit, List<(byte[] Key, byte[] Value)> into)
    {
        var at = Find(from);
        if (!isFromIncluded && at < keys.Count && keys[at].AsSpan().SequenceEqual(from)) at++;
        for (; at < keys.Count && into.Count < limit; at++) into.Add((keys[at], values[at]));
    }

    /// <summary>Writes the entries of a kind.</summary>
    public void WriteTo(RunWriter run, byte kind)
    {
        for (var at = Find([kind]); at < keys.Count && keys[at][0] == kind; at++) run.Add(keys[at], values[at]);
    }

    // The first place whose key is not below.
    private int Find(ReadOnlySpan<byte> key)
    {
        int low = 0, high = keys.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (keys[middle].AsSpan().SequenceCompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}

/// <summary>Walks a memtable by copying a part at a time.</summary>
internal sealed class MemtableCursor(Memtable memtable) : EntryCursor
{
    private const int PartEntries = 64;
    private readonly List<(byte[] Key, byte[] Value)> part = [];
    private int at;

    public override ReadOnlySpan<byte> Key => part[at].Key;

    public override ReadOnlySpan<byte> Value => part[at].Value;

    public override bool Seek(ReadOnlySpan<byte> key) => Load(key.ToArray(), isIncluded: true);

    public override bool Next() => ++at < part.Count || (part.Count == PartEntries && Load(part[^1].Key, isIncluded: false));

    private bool Load(byte[] from, bool isIncluded)
    {
        part.Clear();
        at = 0;
        memtable.CopyEntries(from, isIncluded, PartEntries, part);
        return part.Count > 0;
    }
}

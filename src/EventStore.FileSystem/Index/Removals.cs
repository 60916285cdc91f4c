using System.Collections.Concurrent;
using System.Text;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>What was purged, and where in the log: streams that began before are gone.</summary>
internal sealed class Removals
{
    private readonly ConcurrentDictionary<string, long> buckets = new(StringComparer.Ordinal);
    private long all;
    private long newest;

    /// <summary>The address of the newest removal of any kind; commits beyond it are there for certain.</summary>
    public long Newest => Volatile.Read(ref newest);

    public bool Holds(string bucket, long streamStart) =>
        streamStart <= Volatile.Read(ref all) || (buckets.TryGetValue(bucket, out var purged) && streamStart <= purged);

    public void Purge(string? bucket, long position)
    {
        if (bucket is null) Interlocked.Exchange(ref all, position);
        else buckets[bucket] = position;
        Note(position);
    }

    public void Note(long position) => Interlocked.Exchange(ref newest, Math.Max(Newest, position));

    /// <summary>Adds an entry of the index.</summary>
    public void Load(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var position = Varint.Read(value);
        if (key.SequenceEqual(IndexKeys.NewestRemoval)) Note(position);
        else Purge(key.SequenceEqual(IndexKeys.PurgeOfAll) ? null : Encoding.UTF8.GetString(key[2..]), position);
    }
}

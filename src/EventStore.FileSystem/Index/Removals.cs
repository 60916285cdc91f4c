using System.Collections.Concurrent;
using System.Text;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// What was purged, and where in the log: streams that began before are gone. Also up to where anything was removed, and the import that
/// holds the store.
/// </summary>
internal sealed class Removals
{
    private readonly ConcurrentDictionary<string, long> buckets = new(StringComparer.Ordinal);
    private long all;
    private long newest;
    private long highest;
    private volatile string? holder;

    /// <summary>The address of the newest removal of any kind; commits beyond it are there for certain.</summary>
    public long Newest => Volatile.Read(ref newest);

    /// <summary>The highest checkpoint that was ever removed; 0 for none.</summary>
    public long Highest => Volatile.Read(ref highest);

    /// <summary>The import that holds the store; null for none.</summary>
    public string? Holder => holder;

    public bool Holds(string bucket, long streamStart) =>
        streamStart <= Volatile.Read(ref all) || (buckets.TryGetValue(bucket, out var purged) && streamStart <= purged);

    public void Purge(string? bucket, long position)
    {
        if (bucket is null) Interlocked.Exchange(ref all, position);
        else buckets[bucket] = position;
        Note(position);
    }

    public void Note(long position) => Interlocked.Exchange(ref newest, Math.Max(Newest, position));

    /// <summary>Notes that an event was removed.</summary>
    public void NoteCheckpoint(long removed) => Interlocked.Exchange(ref highest, Math.Max(Highest, removed));

    /// <summary>Notes that an import holds the store, or no longer does.</summary>
    public void Hold(string name, bool isHeld)
    {
        if (isHeld) holder = name;
        else if (holder == name) holder = null;
    }

    /// <summary>Adds an entry of the index.</summary>
    public void Load(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (IndexKeys.IsHold(key))
        {
            Hold(Encoding.UTF8.GetString(key[2..]), !value.IsEmpty);
            return;
        }

        var position = Varint.Read(value);
        if (key.SequenceEqual(IndexKeys.NewestRemoval)) Note(position);
        else if (key.SequenceEqual(IndexKeys.HighestRemoved)) NoteCheckpoint(position);
        else Purge(key.SequenceEqual(IndexKeys.PurgeOfAll) ? null : Encoding.UTF8.GetString(key[2..]), position);
    }
}

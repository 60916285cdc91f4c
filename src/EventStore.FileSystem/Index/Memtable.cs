using System.Runtime.InteropServices;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Index;

/// <summary>
/// The newest part of the index, held in memory until it becomes a run. One writer changes it, any number of readers look into it; each holds
/// the gate only for a look-up or for copying a part.
/// </summary>
internal sealed class Memtable(long from)
{
    private readonly Lock gate = new();
    private readonly Dictionary<StreamId, MemoryStreamEntry> streams = [];
    private readonly Dictionary<Guid, long> commitIds = [];
    private readonly List<(Guid Id, long Position)> repeatedCommitIds = [];
    private readonly SortedEntries others = new();
    private readonly List<(long Checkpoint, long Position)> places = [];
    private readonly List<MemoryStreamEntry> unsorted = [];
    private MemoryStreamEntry[] sorted = [];

    /// <summary>The address from which on the log is held here.</summary>
    public long From { get; } = from;

    /// <summary>Roughly how many entries there are.</summary>
    public int Count { get; private set; }

    public void AddCommit(StreamId stream, HeadEntry head, long position, Guid commitId)
    {
        lock (gate)
        {
            var entry = EntryOf(stream);
            if (head.Start == position) entry.Commits.Clear(); // what was there is of an earlier stream of this name
            entry.Head = head;
            entry.Commits.Add((head.Revision, position));
            if (!commitIds.TryAdd(commitId, position)) repeatedCommitIds.Add((commitId, position));
            Count++;
        }
    }

    public void AddDeletion(StreamId stream)
    {
        lock (gate)
        {
            var entry = EntryOf(stream);
            entry.Head = default;
            entry.Commits.Clear();
            Count++;
        }
    }

    public void Put(byte[] key, byte[] value)
    {
        lock (gate)
        {
            others.Put(key, value);
            Count++;
        }
    }

    /// <summary>Notes where a checkpoint lies in the log, so that reading may begin there.</summary>
    public void AddPlace(long checkpoint, long position)
    {
        lock (gate) places.Add((checkpoint, position));
    }

    public bool TryFindHead(StreamId stream, out HeadEntry head)
    {
        lock (gate)
        {
            var isKnown = streams.TryGetValue(stream, out var entry);
            head = isKnown ? entry!.Head : default;
            return isKnown;
        }
    }

    public bool TryFind(ReadOnlySpan<byte> key, out byte[] value)
    {
        lock (gate) return others.TryFind(key, out value);
    }

    /// <summary>The addresses of a stream's commits that end at or after a revision, so many at most, up to the one that holds another revision.</summary>
    public void CopyCommits(StreamId stream, long streamStart, long fromRevision, long toRevision, int limit, List<(long LastRevision, long Position)> into)
    {
        lock (gate)
        {
            if (!streams.TryGetValue(stream, out var entry)) return;
            var commits = CollectionsMarshal.AsSpan(entry.Commits);
            int low = 0, high = commits.Length;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (commits[middle].LastRevision < fromRevision) low = middle + 1;
                else high = middle;
            }

            for (; low < commits.Length && into.Count < limit; low++)
            {
                if (commits[low].Position < streamStart) continue;
                into.Add(commits[low]);
                if (commits[low].LastRevision >= toRevision) return;
            }
        }
    }

    public void CopyCommitIds(Guid commitId, List<long> into)
    {
        lock (gate)
        {
            if (!commitIds.TryGetValue(commitId, out var position)) return;
            into.Add(position);
            foreach (var repeated in repeatedCommitIds)
            {
                if (repeated.Id == commitId) into.Add(repeated.Position);
            }
        }
    }

    /// <summary>The last noted place at or before a checkpoint; 0 if there is none.</summary>
    public long PlaceOf(long checkpoint)
    {
        lock (gate)
        {
            int low = 0, high = places.Count;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (places[middle].Checkpoint <= checkpoint) low = middle + 1;
                else high = middle;
            }

            return low == 0 ? 0 : places[low - 1].Position;
        }
    }

    /// <summary>Copies entries in order: heads for a head's key, otherwise snapshots, documents and removals.</summary>
    public void CopyEntries(byte[] from, bool isFromIncluded, int limit, List<(byte[] Key, byte[] Value)> into)
    {
        lock (gate)
        {
            if (from[0] != IndexKeys.Head)
            {
                others.Copy(from, isFromIncluded, limit, into);
                return;
            }

            Sort();
            var at = Array.BinarySearch(sorted, from, MemoryStreamEntry.ByKey);
            at = at < 0 ? ~at : isFromIncluded ? at : at + 1;
            for (; at < sorted.Length && into.Count < limit; at++) into.Add((sorted[at].Key, sorted[at].Head.ToValue()));
        }
    }

    /// <summary>All entries in the order of their keys. Only once nobody writes any more.</summary>
    public IEnumerable<(byte[] Key, byte[] Value)> AllEntries()
    {
        lock (gate) Sort();
        var ids = commitIds.Select(pair => IndexKeys.OfCommitId(pair.Key, pair.Value)).Concat(repeatedCommitIds.Select(repeated => IndexKeys.OfCommitId(repeated.Id, repeated.Position))).ToArray();
        Array.Sort(ids, static (left, right) => left.AsSpan().SequenceCompareTo(right));
        foreach (var id in ids) yield return (id, []);
        foreach (var entry in others.From(IndexKeys.Document, IndexKeys.Document)) yield return entry;
        foreach (var stream in sorted)
        {
            foreach (var (revision, position) in stream.Commits) yield return (IndexKeys.OfEvents(stream.Key, revision), Varint.Of(position));
        }

        foreach (var entry in others.From(IndexKeys.Removal, IndexKeys.Removal)) yield return entry;
        foreach (var stream in sorted) yield return (stream.Key, stream.Head.ToValue());
        foreach (var entry in others.From(IndexKeys.Snapshot, IndexKeys.Snapshot)) yield return entry;
        foreach (var (checkpoint, position) in places) yield return (IndexKeys.OfCheckpoint(checkpoint), Varint.Of(position));
    }

    /// <summary>How many keys a run's filter will be given, at most.</summary>
    public long FilterKeys => commitIds.Count + repeatedCommitIds.Count + streams.Count + others.Count;

    private MemoryStreamEntry EntryOf(StreamId stream)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(streams, stream, out _);
        if (entry is not null) return entry;
        entry = new MemoryStreamEntry(IndexKeys.OfStream(stream));
        unsorted.Add(entry);
        return entry;
    }

    // Called with the gate held.
    private void Sort()
    {
        if (unsorted.Count == 0) return;
        var added = unsorted.ToArray();
        Array.Sort(added, static (left, right) => left.Key.AsSpan().SequenceCompareTo(right.Key));
        var merged = new MemoryStreamEntry[sorted.Length + added.Length];
        for (int at = 0, old = 0, fresh = 0; at < merged.Length; at++)
        {
            var takesOld = fresh == added.Length || (old < sorted.Length && sorted[old].Key.AsSpan().SequenceCompareTo(added[fresh].Key) < 0);
            merged[at] = takesOld ? sorted[old++] : added[fresh++];
        }

        sorted = merged;
        unsorted.Clear();
    }

    private sealed class MemoryStreamEntry(byte[] key)
    {
        /// <summary>Compares an entry with a key.</summary>
        public static System.Collections.IComparer ByKey { get; } = Comparer<object>.Create((left, right) => KeyOf(left).AsSpan().SequenceCompareTo(KeyOf(right)));

        public byte[] Key { get; } = key;

        public HeadEntry Head { get; set; }

        public List<(long LastRevision, long Position)> Commits { get; } = [];

        private static byte[] KeyOf(object entryOrKey) => entryOrKey as byte[] ?? ((MemoryStreamEntry)entryOrKey).Key;
    }
}

using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Index;

/// <summary>
/// The newest part of the index, held in memory until it becomes a run. One writer changes it, any number of readers look into it; each
/// holds the gate only for a look-up or for copying a part.
/// </summary>
internal sealed class Memtable
{
    private readonly Lock gate = new();
    private readonly StreamTable streams;
    private readonly CommitIdTable commitIds;
    private readonly TermTable terms;
    private readonly SortedEntries others = new();
    private readonly List<(long Checkpoint, long Position)> places = [];

    /// <param name="from">The address from which on the log is held here.</param>
    public Memtable(long from)
        : this(from, new StreamTable(), new CommitIdTable(), new TermTable())
    {
    }

    private Memtable(long from, StreamTable streams, CommitIdTable commitIds, TermTable terms) =>
        (From, this.streams, this.commitIds, this.terms) = (from, streams, commitIds, terms);

    /// <summary>The address from which on the log is held here.</summary>
    public long From { get; }

    /// <summary>Roughly how many entries there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many keys a run's filter will be given, at most.</summary>
    public long FilterKeys => commitIds.Count + streams.Count + others.Count + terms.Count;

    /// <summary>An empty one for what follows, with room for as much as this one holds.</summary>
    public Memtable Successor(long from) => new(from, streams.Successor(), commitIds.Successor(), terms.Successor());

    public void AddCommit(ReadOnlySpan<byte> headKey, HeadEntry head, in CommitPlace place)
    {
        lock (gate)
        {
            var stream = streams.FindOrAdd(headKey);
            if (head.Start != streams.HeadOf(stream).Start) streams.Clear(stream); // what was there is of an earlier stream of this name
            streams.SetHead(stream, head);
            streams.AddCommit(stream, head.Revision, place.Position);
            commitIds.Add(place.CommitId, place.Position);
            terms.AddToCategory(headKey, place);
            Count++;
        }
    }

    /// <summary>Adds a commit to a tag.</summary>
    public void AddToTag(ReadOnlySpan<byte> term, in CommitPlace place)
    {
        lock (gate)
        {
            if (terms.Add(term, place)) Count++;
        }
    }

    /// <summary>Replaces the head of a stream whose commits stay.</summary>
    public void SetHead(ReadOnlySpan<byte> headKey, HeadEntry head)
    {
        lock (gate)
        {
            var stream = streams.FindOrAdd(headKey);
            if (head.Start != streams.HeadOf(stream).Start) streams.Clear(stream);
            streams.SetHead(stream, head);
            Count++;
        }
    }

    public void AddDeletion(ReadOnlySpan<byte> headKey)
    {
        lock (gate)
        {
            var stream = streams.FindOrAdd(headKey);
            streams.SetHead(stream, default);
            streams.Clear(stream);
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

    public bool TryFindHead(ReadOnlySpan<byte> headKey, out HeadEntry head)
    {
        lock (gate)
        {
            var stream = streams.Find(headKey);
            head = stream < 0 ? default : streams.HeadOf(stream);
            return stream >= 0;
        }
    }

    public bool TryFind(ReadOnlySpan<byte> key, out byte[] value)
    {
        lock (gate) return others.TryFind(key, out value);
    }

    /// <summary>
    /// The addresses of a stream's commits that end at or after a revision, so many at most, up to the one that holds another revision.
    /// </summary>
    public void CopyCommits(
        ReadOnlySpan<byte> headKey, long streamStart, long fromRevision, long toRevision, int limit,
        List<(long LastRevision, long Position)> into)
    {
        lock (gate)
        {
            var stream = streams.Find(headKey);
            if (stream < 0) return;
            for (var walk = streams.CommitsFrom(stream, fromRevision); into.Count < limit && walk.Next();)
            {
                if (walk.Position < streamStart) continue;
                into.Add((walk.LastRevision, walk.Position));
                if (walk.LastRevision >= toRevision) return;
            }
        }
    }

    /// <summary>The commits of a term that end at or after a checkpoint, so many at most.</summary>
    public void CopyTerm(ReadOnlySpan<byte> term, long fromCheckpoint, int limit, List<(long Last, long Position)> into)
    {
        lock (gate) terms.Copy(term, fromCheckpoint, limit, into);
    }

    /// <summary>The newest checkpoint in any category that begins in a way; 0 for none.</summary>
    public long NewestIn(ReadOnlySpan<byte> categories)
    {
        lock (gate) return terms.NewestIn(categories);
    }

    /// <summary>Adds the addresses of all commits of an id, in order, to a list that is made when there are some.</summary>
    public void CopyCommitIds(Guid commitId, UInt128 number, ref List<long>? into)
    {
        lock (gate)
        {
            if (commitIds.Range.Holds(number)) commitIds.CopyTo(commitId, ref into);
        }
    }

    /// <summary>The last noted place at or before a checkpoint; default if there is none.</summary>
    public (long Checkpoint, long Position) PlaceOf(long checkpoint)
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

            return low == 0 ? default : places[low - 1];
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

            var rank = streams.Rank(from);
            if (!isFromIncluded && rank < streams.Count && streams.KeyOf(streams.At(rank)).SequenceEqual(from)) rank++;
            for (; rank < streams.Count && into.Count < limit; rank++)
                into.Add((streams.KeyOf(streams.At(rank)).ToArray(), streams.HeadOf(streams.At(rank)).ToValue()));
        }
    }

    /// <summary>Writes all entries in the order of their keys. Only for a memtable that no longer changes.</summary>
    public void WriteTo(RunWriter run)
    {
        lock (gate)
        {
            streams.Rank([]); // sorts here, so that no concurrent reader does
            terms.Sort();
        }

        commitIds.WriteTo(run);
        others.WriteTo(run, IndexKeys.Document);
        WriteEvents(run);
        others.WriteTo(run, IndexKeys.Removal);
        WriteHeads(run);
        terms.WriteTo(run, IndexKeys.Category);
        others.WriteTo(run, IndexKeys.Snapshot);
        Span<byte> value = stackalloc byte[Varint.MaxLength];
        foreach (var (checkpoint, position) in places) run.Add(IndexKeys.OfCheckpoint(checkpoint), value[..Varint.Write(value, position)]);
        terms.WriteTo(run, IndexKeys.Tag);
    }

    private void WriteEvents(RunWriter run)
    {
        Span<byte> key = stackalloc byte[IndexKeys.MaxEventsLength];
        Span<byte> value = stackalloc byte[Varint.MaxLength];
        for (var rank = 0; rank < streams.Count; rank++)
        {
            var stream = streams.At(rank);
            for (var walk = streams.CommitsFrom(stream, 0); walk.Next();)
            {
                var length = IndexKeys.WriteEvents(key, streams.KeyOf(stream), walk.LastRevision);
                run.Add(key[..length], value[..Varint.Write(value, walk.Position)]);
            }
        }
    }

    private void WriteHeads(RunWriter run)
    {
        Span<byte> value = stackalloc byte[HeadEntry.MaxValueLength];
        for (var rank = 0; rank < streams.Count; rank++)
        {
            var stream = streams.At(rank);
            run.Add(streams.KeyOf(stream), value[..streams.HeadOf(stream).WriteValue(value)]);
        }
    }
}

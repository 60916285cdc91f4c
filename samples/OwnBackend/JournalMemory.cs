using EventStore.Engines;

namespace OwnBackend;

/// <summary>
/// The store in memory: what all lines of the journal say together. It changes by entries only, just written or replayed.
/// Not safe for threads.
/// </summary>
internal sealed class JournalMemory
{
    private const int MaxExaminedPerPage = 16_384;

    // The event of checkpoint n at n - 1; null where it was deleted. Nothing is ever taken out, so no checkpoint comes back.
    private readonly List<RecordedEvent?> events = [];
    private readonly SortedSet<StreamId> names = [];
    private long lastDocumentVersion;

    public Dictionary<StreamId, StoredStream> Streams { get; } = [];

    public SortedDictionary<string, NamedDocument> Documents { get; } = new(Comparer<string>.Create(StreamId.CompareCodePoints));

    public Checkpoint Head => new Checkpoint(events.Count);

    public DateTimeOffset LastStamp { get; private set; }

    public void Apply(JournalEntry entry)
    {
        switch (entry)
        {
            case JournalEntry.Begun { Version: 1 }: break;
            case JournalEntry.Committed commit: Commit(commit); break;
            case JournalEntry.SnapshotSaved saved:
                Streams[saved.Stream].Snapshots[(saved.Revision, saved.SchemaVersion)] =
                    new(saved.Stream, new Revision(saved.Revision), saved.SchemaVersion, saved.StateType, saved.Payload);
                break;
            case JournalEntry.SnapshotsPruned pruned:
                while (Streams[pruned.Stream].Snapshots.Count > pruned.Keep) Streams[pruned.Stream].Snapshots.RemoveAt(0);
                break;
            case JournalEntry.DocumentPut put: Documents[put.Name] = new NamedDocument(put.Name, ++lastDocumentVersion, put.Content); break;
            case JournalEntry.DocumentDeleted deleted: Documents.Remove(deleted.Name); break;
            case JournalEntry.StreamDeleted deleted: Delete(deleted.Stream); break;
            case JournalEntry.Purged purged:
                foreach (var name in names.Where(name => purged.Bucket is null || name.Bucket == purged.Bucket).ToArray()) Delete(name);
                break;
            default:
                throw new StorageException("The journal was begun by a version that this one does not know. Open it with that version.");
        }
    }

    public StreamPage Read(StreamRead read)
    {
        if (!Streams.TryGetValue(read.Stream, out var stream)) return new StreamPage(default, Revision.None, IsEnd: true);
        var page = new PageBuilder(read.Limit);
        long low = read.From.Value, high = Math.Min(read.To.Value, stream.Events.Count), count = Math.Max(0, high - low + 1), next = 0;
        for (; next < count && !page.IsFull; next++)
            page.TryAdd(stream.Events[(int)(read.Direction == ReadDirection.Forward ? low + next : high - next) - 1]);
        return new StreamPage(page.Events, new Revision(stream.Events.Count), IsEnd: next == count);
    }

    // sample: read-all
    public StorePage Read(StoreRead read)
    {
        var page = new PageBuilder(read.Limit);
        var forward = read.Direction == ReadDirection.Forward;
        var position = forward ? read.After : read.UpTo;
        long low = Math.Min(read.After.Value, events.Count) + 1, high = Math.Min(read.UpTo.Value, events.Count);
        long count = Math.Max(0, high - low + 1), next = 0;
        for (; next < count && next < MaxExaminedPerPage && !page.IsFull; next++)
        {
            position = new Checkpoint(forward ? low + next : high - next);
            if (events[(int)position.Value - 1] is { } recorded && read.Filter.Matches(recorded)) page.TryAdd(recorded);
        }

        return new StorePage(page.Events, position, Head, IsEnd: next == count);
    }
    // sample: end

    public IReadOnlyList<StreamHead> ListHeads(HeadQuery query)
    {
        IEnumerable<StreamId> candidates = names;
        if (query.After is { } after)
        {
            var isBehindAll = names.Count == 0 || after.CompareTo(names.Max) >= 0;
            candidates = isBehindAll ? [] : names.GetViewBetween(after, names.Max).Where(name => name != after);
        }

        return [.. candidates
            .Where(name => query.Bucket is null || name.Bucket == query.Bucket)
            .Select(name => Streams[name].Head)
            .Where(head => head.EventsSinceSnapshot >= query.MinEventsSinceSnapshot)
            .Take(query.Limit)];
    }

    private void Commit(JournalEntry.Committed entry)
    {
        StreamId name = entry.Stream;
        if (names.Add(name)) Streams.Add(name, new StoredStream(name));
        var stream = Streams[name];
        var commit = new CommitRecord(
            name, entry.CommitId, new CommitSequence(stream.Commits.Count + 1), entry.Stamp, stream.Head.Revision + 1, Head + 1,
            entry.Events.Length, entry.Headers);
        stream.Commits.Add(entry.CommitId, commit);
        for (var i = 0; i < entry.Events.Length; i++)
        {
            var written = entry.Events[i];
            stream.Events.Add(new RecordedEvent(commit, i, new EventRecord(written.Id, written.Type, written.Body, written.Headers)));
            events.Add(stream.Events[^1]);
        }

        LastStamp = entry.Stamp;
    }

    private void Delete(StreamId name)
    {
        foreach (var recorded in Streams[name].Events) events[(int)recorded.Checkpoint.Value - 1] = null;
        Streams.Remove(name);
        names.Remove(name);
    }

    internal sealed class StoredStream(StreamId name)
    {
        public List<RecordedEvent> Events { get; } = [];

        public Dictionary<Guid, CommitRecord> Commits { get; } = [];

        public SortedList<(long Revision, int SchemaVersion), SnapshotRecord> Snapshots { get; } = [];

        public StreamHead Head => new(
            name, new Revision(Events.Count), new CommitSequence(Commits.Count),
            Snapshots.Count == 0 ? Revision.None : Snapshots.Values[^1].Revision);
    }
}

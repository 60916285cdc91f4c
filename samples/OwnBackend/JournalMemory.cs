using EventStore.Engines;

namespace OwnBackend;

/// <summary>
/// The store in memory: what all lines of the journal say together. It changes by entries only, just written or replayed.
/// Not safe for threads.
/// </summary>
internal sealed class JournalMemory : IAttemptFacts
{
    private readonly SortedSet<StreamId> names = [];
    private long lastDocumentVersion;

    public Dictionary<StreamId, JournalStream> Streams { get; } = [];

    public JournalLog Log { get; } = new();

    public SortedDictionary<string, NamedDocument> Documents { get; } = new(Comparer<string>.Create(StreamId.CompareCodePoints));

    public DateTimeOffset LastStamp { get; private set; }

    /// <summary>The import that holds the store; null for none.</summary>
    public string? Holder { get; private set; }

    public Checkpoint HighestRemoved => Log.HighestRemoved;

    public StreamState StateOf(StreamId stream) => Streams.GetValueOrDefault(stream)?.State ?? default;

    public CommitRecord? FindCommit(StreamId stream, Guid commitId) =>
        Streams.GetValueOrDefault(stream)?.Commits.GetValueOrDefault(commitId);

    public Checkpoint FindFirstMatch(AppendCondition condition) => Log.FindFirstMatch(condition);

    public void Apply(JournalEntry entry)
    {
        switch (entry)
        {
            case JournalEntry.Begun: break;
            case JournalEntry.Committed committed: Commit(committed); break;
            case JournalEntry.SnapshotSaved saved:
                Streams[saved.Stream].Save(
                    new(saved.Stream, new Revision(saved.Revision), saved.SchemaVersion, saved.StateType, saved.Payload));
                break;
            case JournalEntry.SnapshotsPruned pruned:
                while (Streams[pruned.Stream].Snapshots.Count > pruned.Keep) Streams[pruned.Stream].Snapshots.RemoveAt(0);
                break;
            case JournalEntry.DocumentPut put: Documents[put.Name] = new NamedDocument(put.Name, ++lastDocumentVersion, put.Content); break;
            case JournalEntry.DocumentDeleted deleted: Documents.Remove(deleted.Name); break;
            case JournalEntry.StreamDeleted deleted: Delete(deleted.Stream); break;
            case JournalEntry.StreamTruncated truncated:
                Log.Remove(Streams[truncated.Stream].Truncate(truncated.FirstRevision));
                break;
            case JournalEntry.StreamSealed @sealed: Streams[@sealed.Stream].Seal(); break;
            case JournalEntry.Purged purged:
                foreach (var name in names.Where(name => purged.Bucket is null || name.Bucket == purged.Bucket).ToArray()) Delete(name);
                break;
            case JournalEntry.Held held: Holder = held.Holder; break;
            case JournalEntry.CheckpointsSkipped skipped: Log.SkipTo(new Checkpoint(skipped.UpTo)); break;
            default: throw new InvalidOperationException($"No case applies entries of the type {entry.GetType().Name}.");
        }
    }

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

    private void Commit(JournalEntry.Committed committed)
    {
        var unit = new UnitPlace(Log.Head + 1, committed.Members.Length);
        foreach (var member in committed.Members)
        {
            if (names.Add(member.Stream)) Streams.Add(member.Stream, new JournalStream(member.Stream, Log.Head + 1));
            var stream = Streams[member.Stream];
            var events = member.Events
                .Select(written => new EventRecord(written.Id, written.Type, written.Body, written.Headers, written.Tags));
            var attempt = new CommitAttempt(member.Stream, committed.CommitId, [.. events]) { Headers = member.Headers };
            var commit = AttemptRules.Accept(attempt, stream.Head, Log.Head, committed.Stamp, unit);
            stream.Commits.Add(commit.CommitId, commit);
            for (var i = 0; i < attempt.Events.Count; i++)
            {
                var recorded = new RecordedEvent(commit, i, attempt.Events[i]);
                stream.Add(recorded);
                Log.Add(recorded);
            }
        }

        LastStamp = committed.Stamp;
    }

    private void Delete(StreamId name)
    {
        Log.Remove(Streams[name].Events);
        Streams.Remove(name);
        names.Remove(name);
    }
}

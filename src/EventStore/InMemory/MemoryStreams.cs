namespace EventStore.InMemory;

/// <summary>The streams and the log of their events, which change together. The engine's gate guards them.</summary>
internal sealed class MemoryStreams(TimeProvider time) : IAttemptFacts
{
    private readonly Dictionary<StreamId, StoredStream> streams = [];
    private readonly SortedSet<StreamId> names = [];
    private DateTimeOffset lastStamp;

    public MemoryLog Log { get; } = new();

    public Checkpoint HighestRemoved => Log.HighestRemoved;

    public StoredStream? Find(StreamId stream) => streams.GetValueOrDefault(stream);

    public StreamState StateOf(StreamId stream) => Find(stream)?.State ?? default;

    public CommitRecord? FindCommit(StreamId stream, Guid commitId) => Find(stream)?.Commits.GetValueOrDefault(commitId);

    public Checkpoint FindFirstMatch(AppendCondition condition) => Log.FindFirstMatch(condition);

    /// <summary>The streams after one, or all, in the order of their names.</summary>
    public IEnumerable<StoredStream> ListAfter(StreamId? after)
    {
        IEnumerable<StreamId> found = names;
        if (after is { } last)
            found = names.Count == 0 || names.Max.CompareTo(last) <= 0
                ? []
                : names.GetViewBetween(last, names.Max).Where(name => name != last);
        return found.Select(name => streams[name]);
    }

    /// <summary>Decides an attempt and stores it. Nothing is changed until the outcome is known.</summary>
    public CommitOutcome Commit(CommitAttempt attempt)
    {
        if (AttemptRules.Refuse(attempt, this) is { } refused) return refused;
        lastStamp = CommitRecord.NextStamp(time, lastStamp, attempt.Stamp);
        var unit = new UnitPlace(Log.Head + 1, attempt.MemberCount);
        var first = Append(attempt, unit);
        return CommitOutcome.Committed(first, [.. attempt.Rest.Select(member => Append(member, unit))]);
    }

    public void Truncate(StoredStream stream, Revision before)
    {
        stream.Truncate(before);
        Log.Remove(recorded => recorded.Commit.Stream == stream.Name && recorded.Revision < before);
    }

    public void Remove(StreamId stream)
    {
        Forget(stream);
        Log.Remove(recorded => recorded.Commit.Stream == stream);
    }

    /// <summary>Removes the streams of a bucket; null for all.</summary>
    public void Purge(string? bucket)
    {
        foreach (var name in names.Where(name => bucket is null || name.Bucket == bucket).ToArray()) Forget(name);
        Log.Remove(recorded => bucket is null || recorded.Commit.Stream.Bucket == bucket);
    }

    private void Forget(StreamId stream)
    {
        streams.Remove(stream);
        names.Remove(stream);
    }

    private CommitRecord Append(CommitAttempt attempt, UnitPlace unit)
    {
        if (Find(attempt.Stream) is not { } stream)
        {
            streams.Add(attempt.Stream, stream = new StoredStream(attempt.Stream, Log.Head + 1));
            names.Add(attempt.Stream);
        }

        var commit = AttemptRules.Accept(attempt, stream.Head, Log.Head, lastStamp, unit);
        stream.Commits.Add(attempt.CommitId, commit);
        for (var i = 0; i < attempt.Events.Count; i++)
        {
            var asked = attempt.Events[i];
            var kept = new EventRecord(asked.EventId, asked.EventType, asked.Body.ToArray(), asked.Headers.ToArray(), [.. asked.Tags]);
            var recorded = new RecordedEvent(commit, i, kept);
            stream.Add(recorded);
            Log.Add(recorded);
        }

        return commit;
    }
}

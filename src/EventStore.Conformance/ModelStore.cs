using Xunit;

namespace EventStore.Conformance;

/// <summary>What a correct engine holds, as plain lists, and what it must return. It shares no rules with the engines.</summary>
internal sealed class ModelStore
{
    private readonly Dictionary<StreamId, ModelStream> streams = [];
    private long highestRemoved;
    private long newestAtPurge;

    /// <summary>The streams in the order of their names.</summary>
    public IEnumerable<ModelStream> Streams => streams.Values.OrderBy(stream => stream.Name);

    /// <summary>The highest checkpoint that was stored.</summary>
    public long Newest { get; private set; }

    public ModelStream? Find(StreamId stream) => streams.GetValueOrDefault(stream);

    public StreamState StateOf(StreamId stream) => Find(stream)?.State ?? default;

    /// <summary>
    /// Whether a condition may be outdated although it could be decided: a purge may count as removing all up to the newest checkpoint.
    /// </summary>
    public bool MayBeOutdated(AppendCondition condition) => condition.After.Value > 0 && condition.After.Value < newestAtPurge;

    /// <summary>The stored events that match, in checkpoint order.</summary>
    public IEnumerable<RecordedEvent> Matching(Func<RecordedEvent, bool> matches) =>
        streams.Values.SelectMany(stream => stream.Events).Where(matches).OrderBy(recorded => recorded.Checkpoint.Value);

    /// <summary>The outcome that an attempt must have now, with the member and the checkpoint that it names.</summary>
    public (CommitOutcomeKind Kind, int Member, long Checkpoint) Decide(CommitAttempt attempt)
    {
        var members = MembersOf(attempt);
        var known = members.ConvertAll(member => Find(member.Stream)?.Commits.GetValueOrDefault(attempt.CommitId));
        if (known.FindIndex(commit => commit is not null) is >= 0 and var first)
        {
            var unit = known[first]!.Unit;
            var isSame = unit.Size == members.Count && known.TrueForAll(commit => commit?.Unit == unit);
            return isSame ? (CommitOutcomeKind.Duplicate, 0, 0) : (CommitOutcomeKind.Reused, first, 0);
        }

        var at = members.FindIndex(member => StateOf(member.Stream).IsSealed);
        if (at >= 0) return (CommitOutcomeKind.Sealed, at, 0);
        at = members.FindIndex(member => !Meets(StateOf(member.Stream), member.Expected));
        if (at >= 0) return (CommitOutcomeKind.Conflict, at, 0);
        if (attempt.Condition is not { } condition) return (CommitOutcomeKind.Committed, 0, 0);
        var after = condition.After.Value;
        if (after != 0 && after < highestRemoved) return (CommitOutcomeKind.ConditionOutdated, 0, highestRemoved);
        var inTheWay = Matching(recorded => recorded.Checkpoint.Value > after && condition.Criteria.Matches(recorded)).ToList();
        return inTheWay.Count > 0
            ? (CommitOutcomeKind.ConditionNotMet, 0, inTheWay[0].Checkpoint.Value)
            : (CommitOutcomeKind.Committed, 0, 0);
    }

    /// <summary>Checks the numbers of the stored commits of an attempt, and adds them.</summary>
    public void Store(CommitAttempt attempt, IReadOnlyList<CommitRecord> commits)
    {
        var members = MembersOf(attempt);
        Assert.Equal(members.Count, commits.Count);
        var next = commits[0].FirstCheckpoint.Value;
        Assert.True(next > Newest, $"checkpoint {next} after {Newest}");
        var unit = new UnitPlace(new Checkpoint(next), members.Count);
        for (var i = 0; i < commits.Count; i++)
        {
            if (!streams.TryGetValue(members[i].Stream, out var stream))
                streams.Add(members[i].Stream, stream = new ModelStream(members[i].Stream, new Checkpoint(next)));
            Assert.Equal(
                (stream.Revision + 1, stream.Commits.Count + 1, members[i].Events.Count, next, unit),
                (commits[i].FirstRevision.Value, commits[i].Sequence.Value, commits[i].EventCount, commits[i].FirstCheckpoint.Value,
                    commits[i].Unit));
            stream.Add(commits[i], members[i].Events);
            next += members[i].Events.Count;
        }

        Newest = next - 1;
    }

    public StreamChange Delete(StreamId stream, StreamExpectation expected) => Change(stream, expected, found =>
    {
        Remove(found.Events);
        streams.Remove(stream);
        return true;
    });

    public StreamChange Truncate(StreamId stream, long before, StreamExpectation expected) => Change(stream, expected, found =>
    {
        var first = Math.Min(before, found.Revision + 1);
        if (first <= found.State.FirstRevision.Value) return false;
        Remove(found.Truncate(first));
        return true;
    });

    public StreamChange Seal(StreamId stream, StreamExpectation expected) => Change(stream, expected, found => found.Seal());

    public void Purge(string bucket)
    {
        foreach (var gone in streams.Values.Where(stream => stream.Name.Bucket == bucket).ToList())
        {
            Remove(gone.Events);
            streams.Remove(gone.Name);
        }

        newestAtPurge = Newest;
    }

    private static List<CommitAttempt> MembersOf(CommitAttempt attempt) => [attempt, .. attempt.Rest];

    private static bool Meets(StreamState state, StreamExpectation expected) =>
        (expected.Revision == ExpectedRevision.Any
            || (expected.Revision == ExpectedRevision.StreamExists ? state.Revision.Value > 0 : expected.Revision.Exact == state.Revision))
        && (expected.Incarnation.Value == 0 || expected.Incarnation == state.Incarnation);

    private StreamChange Change(StreamId stream, StreamExpectation expected, Func<ModelStream, bool> change)
    {
        var found = Find(stream);
        if (!Meets(StateOf(stream), expected)) return new(StreamChangeKind.Conflict, StateOf(stream));
        if (found is null) return new(StreamChangeKind.Missing, default);
        return new(change(found) ? StreamChangeKind.Changed : StreamChangeKind.Unchanged, found.State);
    }

    private void Remove(IEnumerable<RecordedEvent> events)
    {
        foreach (var removed in events) highestRemoved = Math.Max(highestRemoved, removed.Checkpoint.Value);
    }
}

/// <summary>A stream of the model.</summary>
internal sealed class ModelStream(StreamId name, Checkpoint incarnation)
{
    private readonly List<RecordedEvent> events = [];
    private bool isSealed;

    public StreamId Name => name;

    /// <summary>The events that are not truncated.</summary>
    public IReadOnlyList<RecordedEvent> Events => events;

    public Dictionary<Guid, CommitRecord> Commits { get; } = [];

    public SortedSet<(long Revision, int SchemaVersion)> Snapshots { get; } = [];

    public long Revision { get; private set; }

    public long SnapshotRevision => Snapshots.Count == 0 ? 0 : Snapshots.Max.Revision;

    public StreamState State => new(incarnation, new(Revision), new(Revision - events.Count + 1), isSealed);

    public void Add(CommitRecord commit, IReadOnlyList<EventRecord> added)
    {
        Commits.Add(commit.CommitId, commit);
        for (var i = 0; i < added.Count; i++) events.Add(new RecordedEvent(commit, i, added[i]));
        Revision += added.Count;
    }

    /// <summary>Removes the events below a revision, and returns them.</summary>
    public List<RecordedEvent> Truncate(long before)
    {
        var removed = events.FindAll(recorded => recorded.Revision.Value < before);
        events.RemoveRange(0, removed.Count);
        Snapshots.RemoveWhere(snapshot => snapshot.Revision < before - 1);
        return removed;
    }

    /// <summary>Seals the stream. Returns whether it was not sealed before.</summary>
    public bool Seal()
    {
        var wasSealed = isSealed;
        isSealed = true;
        return !wasSealed;
    }
}

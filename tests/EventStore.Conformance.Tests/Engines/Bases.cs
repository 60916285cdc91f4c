namespace EventStore.Conformance.Tests.Engines;

/// <summary>An engine that breaks nothing, for comparison through the same harness.</summary>
internal sealed class Sound(IPersistenceEngine inner) : DelegatingEngine(inner);

/// <summary>For engines that break the way one attempt is decided. Keeps the limits and the order of a batch.</summary>
internal abstract class AttemptByAttempt(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public sealed override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        foreach (var attempt in attempts) Description.Limits.Require(attempt);
        var outcomes = new List<CommitOutcome>();
        foreach (var attempt in attempts) outcomes.Add(await DecideAsync(attempt, cancellationToken));
        return outcomes;
    }

    protected abstract ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken);

    /// <summary>The correct behavior.</summary>
    protected async ValueTask<CommitOutcome> StoreAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        (await Inner.CommitAsync([attempt], cancellationToken))[0];

    /// <summary>The stream's revision; 0 for none.</summary>
    protected async ValueTask<Revision> RevisionOfAsync(StreamId stream) => (await Inner.FindHeadAsync(stream))?.Revision ?? Revision.None;

    /// <summary>The stream's state; default for no stream.</summary>
    protected async ValueTask<StreamState> StateOfAsync(StreamId stream) => StreamState.Of(await Inner.FindHeadAsync(stream));

    protected static CommitAttempt Expecting(CommitAttempt attempt, StreamExpectation expected) =>
        new(attempt.Stream, attempt.CommitId, attempt.Events)
        {
            Expected = expected,
            Headers = attempt.Headers,
            Condition = attempt.Condition,
            Stamp = attempt.Stamp,
            Rest = attempt.Rest,
        };

    /// <summary>The same attempt with another condition; null for none.</summary>
    protected static CommitAttempt On(CommitAttempt attempt, AppendCondition? condition) =>
        new(attempt.Stream, attempt.CommitId, attempt.Events)
        {
            Expected = attempt.Expected,
            Headers = attempt.Headers,
            Condition = condition,
            Stamp = attempt.Stamp,
            Rest = attempt.Rest,
        };

    protected static CommitAttempt UnderNewId(CommitAttempt attempt)
    {
        var id = SequentialGuid.Next();
        return new(attempt.Stream, id, attempt.Events)
        {
            Headers = attempt.Headers,
            Rest = [.. attempt.Rest.Select(member => new CommitAttempt(member.Stream, id, member.Events) { Headers = member.Headers })],
        };
    }

    /// <summary>A commit that is not stored, as it would be if the attempt had been appended.</summary>
    protected static CommitRecord Imagine(CommitAttempt attempt, Revision head, Checkpoint last) =>
        new(
            attempt.Stream,
            attempt.CommitId,
            new CommitSequence(1),
            DateTimeOffset.UnixEpoch,
            head + 1,
            last + 1,
            attempt.Events.Count,
            attempt.Headers);
}

/// <summary>For engines that change returned events and commits.</summary>
internal abstract class ChangesWhatIsRead(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    protected virtual EventRecord Change(EventRecord record) => record;

    protected virtual CommitRecord Change(CommitRecord commit) => commit;

    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read, cancellationToken);
        return page with { Events = Change(page.Events) };
    }

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page with { Events = Change(page.Events) };
    }

    private RecordedEvent[] Change(ReadOnlyMemory<RecordedEvent> events) =>
        [
            .. events.ToArray().Select(
                recorded => new RecordedEvent(Change(recorded.Commit), recorded.IndexInCommit, Change(recorded.Record))),
        ];
}

/// <summary>For engines that show another log of all events than the one stored.</summary>
internal abstract class ShowsAnotherLog(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    protected abstract IEnumerable<RecordedEvent> Show(IReadOnlyList<RecordedEvent> stored);

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var head = (await Inner.ReadAllAsync(read, cancellationToken)).Head;
        var range = Show(await EverythingAsync()).Where(
            recorded => recorded.Checkpoint > read.After
                && recorded.Checkpoint <= read.UpTo).OrderBy(recorded => recorded.Checkpoint).ToArray();
        if (read.Direction == ReadDirection.Backward) Array.Reverse(range);
        RecordedEvent[] matching = [.. range.Where(recorded => read.Filter.Matches(recorded))];
        if (matching.Length > read.Limit.MaxEvents)
            return new StorePage(
                matching.AsMemory(0, read.Limit.MaxEvents), matching[read.Limit.MaxEvents - 1].Checkpoint, head, IsEnd: false);
        return new StorePage(
            matching,
            range.Length == 0 ? read.Direction == ReadDirection.Forward ? read.After : read.UpTo : range[^1].Checkpoint,
            head,
            IsEnd: true);
    }

    protected async ValueTask<List<RecordedEvent>> EverythingAsync()
    {
        var all = new List<RecordedEvent>();
        while (true)
        {
            var after = all.Count == 0 ? Checkpoint.Origin : all[^1].Checkpoint;
            var page = await Inner.ReadAllAsync(
                new StoreRead(
                    EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(int.MaxValue, long.MaxValue)));
            all.AddRange(page.Events.Span);
            if (page.IsEnd) return all;
        }
    }
}

/// <summary>For engines that store streams under other names than they were given.</summary>
internal abstract class Renames(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected abstract StreamId Rename(StreamId stream);

    protected override ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken) =>
        StoreAsync(
            new CommitAttempt(Rename(attempt.Stream), attempt.CommitId, attempt.Events)
            {
                Expected = attempt.Expected,
                Headers = attempt.Headers,
            },
            cancellationToken);

    public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadStreamAsync(read with { Stream = Rename(read.Stream) }, cancellationToken);

    public override ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        Inner.FindHeadAsync(Rename(stream), cancellationToken);

    public override ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        Inner.SaveSnapshotAsync(snapshot with { Stream = Rename(snapshot.Stream) }, cancellationToken);

    public override ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        Inner.FindSnapshotAsync(Rename(stream), atMost, cancellationToken);

    public override ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        Inner.PruneSnapshotsAsync(Rename(stream), keep, cancellationToken);

    public override ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.DeleteStreamAsync(Rename(stream), expected, cancellationToken);
}

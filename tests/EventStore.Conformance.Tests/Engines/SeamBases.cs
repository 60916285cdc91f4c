namespace EventStore.Conformance.Tests.Engines;

/// <summary>For engines that give criteria another meaning when they read. Everything else of a filter keeps its meaning.</summary>
internal abstract class ReadsByOtherCriteria(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    /// <summary>How often a page contains the event; 0 where it does not match.</summary>
    protected virtual int CountMatches(EventCriteria criteria, RecordedEvent recorded) =>
        criteria.Any.Any(criterion => Matches(criterion, recorded)) ? 1 : 0;

    protected virtual bool Matches(EventCriterion criterion, RecordedEvent recorded) => criterion.Matches(recorded);

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        if (read.Filter.Criteria is not { } criteria) return await Inner.ReadAllAsync(read, cancellationToken);
        var everything = read with
        {
            Filter = read.Filter with { Criteria = null },
            Limit = new PageLimit(int.MaxValue, long.MaxValue),
        };
        var page = await Inner.ReadAllAsync(everything, cancellationToken);
        RecordedEvent[] found =
            [.. page.Events.ToArray().SelectMany(recorded => Enumerable.Repeat(recorded, CountMatches(criteria, recorded)))];
        return found.Length <= read.Limit.MaxEvents
            ? page with { Events = found }
            : page with
            {
                Events = found.AsMemory(0, read.Limit.MaxEvents),
                Position = found[read.Limit.MaxEvents - 1].Checkpoint,
                IsEnd = false,
            };
    }
}

/// <summary>For engines that decide conditions by themselves, where nothing else refuses the attempt.</summary>
internal abstract class DecidesConditions(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    /// <summary>The outcome by the condition; null where it is met.</summary>
    protected abstract ValueTask<CommitOutcome?> RefuseAsync(CommitAttempt attempt, AppendCondition condition);

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        if (attempt.Condition is not { } condition) return await StoreAsync(attempt, cancellationToken);
        var state = await StateOfAsync(attempt.Stream);
        if (await Inner.FindCommitAsync(attempt.Stream, attempt.CommitId, cancellationToken) is not null
            || state.IsSealed || !attempt.Expected.IsMetBy(state))
            return await StoreAsync(attempt, cancellationToken);
        return await RefuseAsync(attempt, condition) ?? await StoreAsync(On(attempt, null), cancellationToken);
    }

    /// <summary>The correct decision, except that removed events are not noticed.</summary>
    protected async ValueTask<CommitOutcome?> RefuseByAsync(EventFilter filter, Checkpoint after, Func<RecordedEvent, bool>? matches = null)
    {
        var page = await Inner.ReadAllAsync(
            new StoreRead(filter, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(int.MaxValue, long.MaxValue)));
        var found = page.Events.ToArray().Where(recorded => matches?.Invoke(recorded) ?? true).ToArray();
        return found.Length == 0 ? null : CommitOutcome.ConditionNotMet(found[0].Checkpoint);
    }

    protected static EventFilter FilterOf(AppendCondition condition) => new() { Criteria = condition.Criteria };
}

/// <summary>For engines that show another state of streams than the stored one.</summary>
internal abstract class ShowsOtherStates(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    /// <summary>The state to show of a stream that exists.</summary>
    protected abstract StreamState Change(StreamId stream, StreamState state);

    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read, cancellationToken);
        return page.State.Exists ? page with { State = Change(read.Stream, page.State) } : page;
    }

    public override async ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        await Inner.FindHeadAsync(stream, cancellationToken) is { } head ? Change(head) : null;

    public override async ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(
        HeadQuery query, CancellationToken cancellationToken = default) =>
        [.. (await Inner.ListHeadsAsync(query, cancellationToken)).Select(Change)];

    private StreamHead Change(StreamHead head)
    {
        var state = Change(head.Stream, StreamState.Of(head));
        return head with { FirstRevision = state.FirstRevision, IsSealed = state.IsSealed, Incarnation = state.Incarnation };
    }
}

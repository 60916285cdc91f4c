namespace EventStore.Dispatch;

/// <summary>Where commits are dispatched to, as a whole or event by event.</summary>
internal sealed record DispatchTarget(IDispatchCommits Dispatcher, bool IsPerEvent)
{
    /// <summary>Makes the units of the events of one commit that are to be dispatched.</summary>
    /// <param name="shown">The events as the read hooks show them.</param>
    /// <param name="first">The first stored checkpoint of the commit.</param>
    /// <param name="last">The last stored checkpoint of the commit.</param>
    public IEnumerable<DispatchUnit> UnitsOf(IReadOnlyList<CommittedEvent> shown, long first, long last)
    {
        if (!IsPerEvent) return shown.Count == 0 ? [] : [new DispatchUnit(new Commit(shown), first, last)];
        return shown.Select(committed => new DispatchUnit(new Commit([committed]), committed.Checkpoint.Value, committed.Checkpoint.Value));
    }
}

/// <summary>A delegate that takes commits.</summary>
internal sealed class DelegateDispatcher(Func<Commit, CancellationToken, ValueTask> dispatch) : IDispatchCommits
{
    public ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken) => dispatch(commit, cancellationToken);
}

/// <summary>A delegate that takes events one by one.</summary>
internal sealed class DelegateEventDispatcher(Func<CommittedEvent, CancellationToken, ValueTask> dispatch) : IDispatchCommits
{
    public async ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken)
    {
        foreach (var committed in commit.Events) await dispatch(committed, cancellationToken).ConfigureAwait(false);
    }
}

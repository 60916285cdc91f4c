using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>To whom commits are handed, and whether whole or event by event.</summary>
internal sealed record DispatchTarget(IDispatchCommits Dispatcher, bool IsPerEvent)
{
    /// <summary>What is still to be dispatched of a whole stored commit, as the read hooks show it; nothing where they hide all.</summary>
    public IEnumerable<DispatchUnit> UnitsOf(List<RecordedEvent> commit, ReadPath reads, DispatchProgress progress)
    {
        var shown = new List<CommittedEvent>(commit.Count);
        foreach (var recorded in commit)
        {
            if (progress.IsMarked(recorded.Checkpoint.Value) || reads.Show(recorded, EventDecoding.OnDemand) is not { } seen) continue;
            if (IsPerEvent) yield return new DispatchUnit(new Commit([seen])) { First = seen.Checkpoint.Value, Last = seen.Checkpoint.Value };
            else shown.Add(seen);
        }

        if (shown.Count > 0) yield return new DispatchUnit(new Commit(shown)) { First = commit[0].Checkpoint.Value, Last = commit[^1].Checkpoint.Value };
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

using System.Runtime.CompilerServices;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>Reads from the store what is still to be dispatched, as whole units.</summary>
internal sealed class UndispatchedCommits(ReadPath reads, Ledger<DispatchProgress> ledger, DispatchTarget target)
{
    /// <summary>Reads everything stored after a checkpoint.</summary>
    /// <exception cref="PositionAheadException">The store ends before the checkpoint: it was set back.</exception>
    public async IAsyncEnumerable<StorePage> ReadAsync(Checkpoint after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pages = reads.Pages.ReadAllAsync(EventFilter.Everything, after, Checkpoint.Max, cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            if (page.Head < after) throw new PositionAheadException("dispatch", after, page.Head);
            yield return page;
        }
    }

    /// <summary>The units of a stored commit that are not dispatched yet.</summary>
    public IEnumerable<DispatchUnit> UnitsOf(IReadOnlyList<RecordedEvent> commit) => UnitsOf(commit, ledger.Known);

    /// <summary>Whether a unit that failed was marked as dispatched meanwhile, or its stream was deleted.</summary>
    public async ValueTask<bool> IsSettledElsewhereAsync(DispatchUnit unit, CancellationToken cancellationToken)
    {
        var progress = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        var pages = reads.Pages.ReadAllAsync(
            EventFilter.Everything, new Checkpoint(unit.First - 1), new Checkpoint(unit.Last), cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            foreach (ref readonly var recorded in page.Events.Span)
            {
                if (!progress.IsMarked(recorded.Checkpoint.Value)) return false;
            }
        }

        return true;
    }

    /// <summary>Returns when there may be commits after a checkpoint, at the latest after some time.</summary>
    public ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken) =>
        reads.Pages.WaitForCommitsAsync(after, atMost, cancellationToken);

    /// <summary>Dispatches a stored commit, or a part of it, again.</summary>
    public async ValueTask DispatchAgainAsync(IReadOnlyList<RecordedEvent> commit, CancellationToken cancellationToken)
    {
        foreach (var unit in UnitsOf(commit, DispatchProgress.Empty))
            await target.Dispatcher.DispatchAsync(unit.Commit, cancellationToken).ConfigureAwait(false);
    }

    private IEnumerable<DispatchUnit> UnitsOf(IReadOnlyList<RecordedEvent> commit, DispatchProgress progress)
    {
        var shown = new List<CommittedEvent>(commit.Count);
        foreach (var recorded in commit)
        {
            if (!progress.IsMarked(recorded.Checkpoint.Value) && reads.Show(recorded, EventDecoding.OnDemand) is { } seen) shown.Add(seen);
        }

        return target.UnitsOf(shown, commit[0].Checkpoint.Value, commit[^1].Checkpoint.Value);
    }
}

/// <summary>Puts the events of a commit together, which may lie on several pages.</summary>
internal sealed class CommitAssembly
{
    private readonly List<RecordedEvent> events = [];
    private bool isComplete;

    /// <summary>Whether no commit is incomplete.</summary>
    public bool IsEmpty => isComplete || events.Count == 0;

    /// <summary>Adds the next event. The rest of an incomplete commit may have been deleted between two pages.</summary>
    /// <returns>The commit when it is complete, until the next call; otherwise null.</returns>
    public IReadOnlyList<RecordedEvent>? Complete(in RecordedEvent next)
    {
        if (isComplete || (events.Count > 0 && events[0].Commit.FirstCheckpoint != next.Commit.FirstCheckpoint)) events.Clear();
        events.Add(next);
        isComplete = next.IndexInCommit == next.Commit.EventCount - 1;
        return isComplete ? events : null;
    }

    /// <summary>Drops an incomplete commit whose rest would have to be on the page that ended, and so was deleted.</summary>
    public void EndPage(Checkpoint position)
    {
        if (!IsEmpty && position >= events[0].Commit.LastCheckpoint) events.Clear();
    }
}

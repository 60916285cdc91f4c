using System.Runtime.CompilerServices;
using EventStore.Leases;
using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>Reads from the store what is still to be dispatched, as whole units.</summary>
internal sealed class UndispatchedCommits(ReadPath reads, Ledger<DispatchProgress> ledger, DispatchTarget target)
{
    /// <summary>Reads everything stored after a position. Each part of the result moves the position on, also without a unit.</summary>
    public async IAsyncEnumerable<Part> ReadAsync(
        CommitAssembly assembly, Checkpoint after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var pages = reads.Pages.ReadAllAsync(EventFilter.Everything, after, Checkpoint.Max, cancellationToken);
        await foreach (var page in pages.ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++)
            {
                if (assembly.Complete(page.Events.Span[i]) is not { } commit) continue;
                foreach (var unit in UnitsOf(commit, ledger.Known)) yield return new Part(unit, default, default);
            }

            assembly.EndPage(page.Position);
            yield return new Part(null, page.Position, page.Head);
        }
    }

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
        foreach (var unit in UnitsOf(commit, new DispatchProgress()))
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

    /// <summary>A unit to be dispatched, or the end of a page.</summary>
    /// <param name="Unit">The unit; null at the end of a page.</param>
    /// <param name="Position">How far the page was read, at its end.</param>
    /// <param name="Head">The newest checkpoint of the store when the page was read.</param>
    internal readonly record struct Part(DispatchUnit? Unit, Checkpoint Position, Checkpoint Head);
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

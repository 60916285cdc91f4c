using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>A stream at its head with its state, ready to be committed to. Not thread-safe.</summary>
internal sealed class LoadedStream<TState>(IEventStore store, Fold<TState> fold, IEventStream opened, FoldedState<TState> start)
    where TState : notnull
{
    private FoldedState<TState> folded = start;

    public IEventStream Opened => opened;

    public TState State => folded.State;

    public Revision Revision => folded.Revision;

    /// <summary>Commits events at the revision and to the incarnation that were loaded.</summary>
    public async ValueTask<CommitResult> CommitAsync(
        IReadOnlyList<EventMessage> messages, Guid commitId, CancellationToken cancellationToken)
    {
        opened.ClearChanges();
        foreach (var message in messages) opened.Add(message);
        var result = await opened.CommitChangesAsync(commitId, cancellationToken).ConfigureAwait(false);
        if (!result.IsDuplicate) await FollowAsync(isBehind: false, cancellationToken).ConfigureAwait(false);
        return result;
    }

    /// <summary>
    /// Takes a snapshot where one is due, and keeps the state in the cache. Never throws: what comes after a commit does not make it fail.
    /// </summary>
    /// <param name="isBehind">Whether the commit was not made here, so that its events are to be read.</param>
    /// <param name="cancellationToken">Ends it; the next command follows then.</param>
    public async ValueTask FollowAsync(bool isBehind, CancellationToken cancellationToken)
    {
        if (fold.Snapshots is null && fold.Cache is null) return;
        try
        {
            if (isBehind) await opened.RefreshAsync(cancellationToken).ConfigureAwait(false);

            // The state comes from what was stored, not from the objects that were decided: so it is the same as after a replay.
            folded = folded.After(opened.CommittedEvents, fold) with { Incarnation = opened.Incarnation };
            if (folded.Revision != opened.Revision) return;
            fold.Cache?.Put(store, opened.Stream, folded);
            if (fold.Snapshots?.IsDue(folded) != true) return;
            await TakeSnapshotAsync(fold.Snapshots, cancellationToken).ConfigureAwait(false);
            fold.Cache?.Put(store, opened.Stream, folded);
        }
        catch (Exception error)
        {
            DomainLog.NotKept(store.Loggers.CreateLogger(DomainLog.Category), error, opened.Stream, opened.Revision);
        }
    }

    private async ValueTask TakeSnapshotAsync(SnapshotPolicy policy, CancellationToken cancellationToken)
    {
        var snapshot = new Snapshot(opened.Stream, folded.Revision, folded.State, policy.SchemaVersion)
        {
            Incarnation = folded.Incarnation,
        };
        await store.Snapshots.SaveAsync(snapshot, cancellationToken).ConfigureAwait(false);
        folded = new FoldedState<TState>(folded.State, folded.Revision, folded.Incarnation);
    }
}

using EventStore.Engines;

namespace EventStore;

/// <summary>Decisions that are repeated until no other writer was faster.</summary>
public static class DecisionExtensions
{
    /// <summary>
    /// Loads a stream, lets the application decide, and commits what it added. If other writers were faster, it loads and decides again.
    /// If the stream already has a commit of the given id, nothing is decided: the result is that commit, as a duplicate.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="decide">Adds events to the stream. May run several times, each time on a stream that was read again.</param>
    /// <param name="maxAttempts">The highest number of attempts.</param>
    /// <param name="commitId">The commit's id; null for a new one, kept over all attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before a commit is sent.</param>
    /// <returns>The commit, or null when the last decision added nothing.</returns>
    /// <exception cref="ConcurrencyException">Other writers were faster every time.</exception>
    /// <exception cref="StreamTruncatedException">
    /// Events at the beginning of the stream were truncated, so it cannot be decided on.
    /// </exception>
    public static async ValueTask<CommitResult?> TransactAsync(
        this IEventStore store,
        StreamId stream,
        Func<IEventStream, CancellationToken, ValueTask> decide,
        int maxAttempts = 25,
        Guid? commitId = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(decide);
        var id = commitId ?? SequentialGuid.Next();
        return await Conflicts.RetryAsync(async () =>
        {
            var opened = await store.OpenStreamAsync(stream, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (opened.FirstRevision > new Revision(1)) throw new StreamTruncatedException(stream, opened.FirstRevision);
            if (FindStored(opened.CommittedEvents, commitId).FirstOrDefault() is { } stored) return stored;
            await decide(opened, cancellationToken).ConfigureAwait(false);
            return opened.UncommittedEvents.Count == 0
                ? null
                : await opened.CommitChangesAsync(id, cancellationToken).ConfigureAwait(false);
        }, maxAttempts, store.Time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Reads the events that match criteria, lets the application decide, and commits what it added as one unit, if nothing that matches
    /// was stored meanwhile. Otherwise it reads and decides again. If the given id is found among the events, nothing is decided: the
    /// result is what is stored under it there, as a duplicate.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="criteria">What the decision depends on. All criteria name one bucket, and each a category or a tag.</param>
    /// <param name="decide">Adds events. May run several times, each time on events that were read again.</param>
    /// <param name="maxAttempts">The highest number of attempts.</param>
    /// <param name="commitId">The unit's id; null for a new one, kept over all attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before a unit is sent.</param>
    /// <returns>The unit, or null when the last decision added nothing.</returns>
    /// <exception cref="AppendConditionException">Other writers were faster every time.</exception>
    /// <exception cref="ConcurrencyException">A stream was not at the revision that the decision expected, every time.</exception>
    public static async ValueTask<UnitResult?> TransactAsync(
        this IEventStore store,
        EventCriteria criteria,
        Func<Decision, CancellationToken, ValueTask> decide,
        int maxAttempts = 25,
        Guid? commitId = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(criteria);
        ArgumentNullException.ThrowIfNull(decide);
        var id = commitId ?? SequentialGuid.Next();
        return await Conflicts.RetryAsync(async () =>
        {
            var selection = await store.SelectAsync(criteria, cancellationToken: cancellationToken).ConfigureAwait(false);
            CommitResult[] stored = [.. FindStored(selection.Events, commitId)];
            if (stored.Length > 0) return new UnitResult(id, stored, IsDuplicate: true);
            var decision = new Decision(selection, id);
            await decide(decision, cancellationToken).ConfigureAwait(false);
            return decision.Unit.Commits.Count == 0
                ? null
                : await store.CommitAsync(decision.Unit, cancellationToken).ConfigureAwait(false);
        }, maxAttempts, store.Time, cancellationToken).ConfigureAwait(false);
    }

    // The results of the commits of an id among events, by stream.
    private static IEnumerable<CommitResult> FindStored(IReadOnlyList<CommittedEvent> events, Guid? commitId) => commitId is null
        ? []
        : events.Where(committed => committed.CommitId == commitId).DistinctBy(committed => committed.Stream).Select(ResultOf);

    // The result of the stored commit to which an event belongs.
    private static CommitResult ResultOf(CommittedEvent stored)
    {
        var (before, after) = (stored.IndexInCommit, stored.CommitEventCount - 1 - stored.IndexInCommit);
        return new CommitResult(
            stored.Stream,
            stored.CommitId,
            stored.CommitSequence,
            stored.Stamp,
            stored.Revision + -before,
            stored.Revision + after,
            stored.Checkpoint + after,
            IsDuplicate: true);
    }
}

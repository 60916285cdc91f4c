namespace EventStore;

/// <summary>Shorter ways to say what <see cref="IEventStore"/> says in full.</summary>
public static class EventStoreExtensions
{
    /// <summary>Appends one event, whatever the stream's revision.</summary>
    public static ValueTask<CommitResult> AppendAsync(this IEventStore store, StreamId stream, object body, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.AppendAsync(stream, ExpectedRevision.Any, [AsMessage(body)], cancellationToken: cancellationToken);
    }

    /// <summary>Appends events as one commit.</summary>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store,
        StreamId stream,
        ExpectedRevision expected,
        IEnumerable<object> bodies,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.AppendAsync(stream, expected, [.. bodies.Select(AsMessage)], commitId, headers, cancellationToken);
    }

    /// <summary>Opens a stream from its newest snapshot, at or below a revision if one is given; whole where there is none.</summary>
    /// <returns>The snapshot, or null; and the stream with only the events after it.</returns>
    public static async ValueTask<(Snapshot? Snapshot, IEventStream Stream)> OpenFromSnapshotAsync(
        this IEventStore store, StreamId stream, Revision? atMost = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var snapshot = await store.Snapshots.FindAsync(stream, atMost, cancellationToken).ConfigureAwait(false);
        var opened = snapshot is null
            ? await store.OpenStreamAsync(stream, cancellationToken: cancellationToken).ConfigureAwait(false)
            : await store.OpenStreamAsync(snapshot, cancellationToken).ConfigureAwait(false);
        return (snapshot, opened);
    }

    /// <summary>Adds an event that needs no headers.</summary>
    public static void Add(this IEventStream stream, object body)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Add(AsMessage(body));
    }

    /// <summary>
    /// Loads a stream, lets the application decide, and commits what it added; when others were faster, loads and decides again.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="decide">Looks at the stream and adds events. May run several times, each time on a stream read anew.</param>
    /// <param name="maxAttempts">How often to decide at most.</param>
    /// <param name="commitId">The commit's id; null for a new one, kept over all attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before sending.</param>
    /// <returns>The commit, or null when the last decision added nothing.</returns>
    /// <exception cref="ConcurrencyException">Others were faster every time.</exception>
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
        ArgumentOutOfRangeException.ThrowIfLessThan(maxAttempts, 1);
        var id = commitId ?? NewId.Next();
        for (var attempt = 1; ; attempt++)
        {
            var opened = await store.OpenStreamAsync(stream, cancellationToken: cancellationToken).ConfigureAwait(false);
            await decide(opened, cancellationToken).ConfigureAwait(false);
            if (opened.UncommittedEvents.Count == 0) return null;
            try
            {
                return await opened.CommitChangesAsync(id, cancellationToken).ConfigureAwait(false);
            }
            catch (ConcurrencyException) when (attempt < maxAttempts)
            {
                // Racers that lost together would meet again: each waits a random moment, longer as it goes on.
                var most = Math.Min(50, 1 << Math.Min(attempt, 6));
                await Task.Delay(Random.Shared.Next(most), cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static EventMessage AsMessage(object body) => body as EventMessage ?? new EventMessage(body);
}

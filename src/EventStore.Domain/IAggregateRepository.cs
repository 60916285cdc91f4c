namespace EventStore;

/// <summary>Loads and saves aggregates of one kind. Thread-safe; the aggregates are not.</summary>
/// <typeparam name="T">The aggregate.</typeparam>
public interface IAggregateRepository<T> where T : class
{
    /// <summary>Loads an aggregate; a new one where there is no stream.</summary>
    /// <exception cref="StreamTruncatedException">Events were truncated that no snapshot replaces.</exception>
    ValueTask<T> LoadAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Commits the events of an aggregate at the revision at which it was loaded here. One that was not is a new stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="aggregate">The aggregate.</param>
    /// <param name="context">The id of the command, and what it belongs to; null for a command without.</param>
    /// <param name="cancellationToken">Cancelled before the commit is sent, nothing is stored; after that, the outcome is unknown.</param>
    /// <returns>
    /// The commit; null without uncommitted events. A duplicate stored nothing: load the aggregate again before using it further.
    /// </returns>
    /// <exception cref="ConcurrencyException">The stream was changed by another writer; load, decide and save again.</exception>
    /// <exception cref="ArgumentException">The aggregate was loaded from another stream.</exception>
    ValueTask<CommitResult?> SaveAsync(
        StreamId stream, T aggregate, CommandContext? context = null, CancellationToken cancellationToken = default);

    /// <summary>Loads an aggregate, lets it act, and saves it; again on the newer state where another writer was faster.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="act">Calls the aggregate. May run several times, each time with an aggregate that was loaded again.</param>
    /// <param name="context">The id of the command, and what it belongs to; null for a command without.</param>
    /// <param name="maxAttempts">The highest number of attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before a commit is sent.</param>
    /// <returns>The commit; null without uncommitted events.</returns>
    /// <exception cref="ConcurrencyException">Other writers were faster every time.</exception>
    ValueTask<CommitResult?> ExecuteAsync(
        StreamId stream,
        Action<T> act,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default);

    /// <inheritdoc cref="ExecuteAsync(StreamId, Action{T}, CommandContext?, int, CancellationToken)"/>
    ValueTask<CommitResult?> ExecuteAsync(
        StreamId stream,
        Func<T, Task> act,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default);
}

/// <summary>Makes repositories.</summary>
public static class AggregateExtensions
{
    /// <summary>A repository of aggregates of one kind.</summary>
    /// <param name="store">The store.</param>
    /// <param name="fold">How the state of an aggregate comes from its events, and how it is kept.</param>
    /// <param name="create">Makes an aggregate of a state.</param>
    public static IAggregateRepository<T> AggregatesOf<T, TState>(this IEventStore store, Fold<TState> fold, Func<TState, T> create)
        where T : class, IAggregate<TState>
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(fold);
        ArgumentNullException.ThrowIfNull(create);
        return new AggregateRepository<T, TState>(store, fold, create);
    }
}

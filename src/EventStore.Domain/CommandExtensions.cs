using EventStore.Engines;

namespace EventStore;

/// <summary>Executes commands: loads a state, decides on it, and appends the events if nothing came between.</summary>
public static class CommandExtensions
{
    /// <summary>
    /// Loads the state of a stream, decides, and appends the events at the revision that was loaded. If another writer was faster, it loads
    /// and decides again. A command whose id the stream has already stores nothing: the result is that commit, as a duplicate.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="decider">How to decide.</param>
    /// <param name="command">The command.</param>
    /// <param name="context">The id of the command, and what it belongs to; null for a command without.</param>
    /// <param name="maxAttempts">The highest number of attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before a commit is sent.</param>
    /// <returns>The commit; null where the decision made no events.</returns>
    /// <exception cref="ConcurrencyException">Other writers were faster every time.</exception>
    /// <exception cref="StreamTruncatedException">Events were truncated that no snapshot replaces.</exception>
    /// <exception cref="CommitRefusedException">The state is terminal, or a hook refused the commit.</exception>
    /// <exception cref="CommitOutcomeUnknownException">The outcome is unknown; repeat the command with the same id.</exception>
    public static ValueTask<CommitResult?> ExecuteAsync<TState, TCommand>(
        this IEventStore store,
        StreamId stream,
        Decider<TState, TCommand> decider,
        TCommand command,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default)
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(decider);
        return Commands.ExecuteAsync(
            store, stream, decider, state => new(decider.DecideOn(stream, state, command, context)),
            new CommandRun(context?.CommandId, maxAttempts, cancellationToken));
    }

    /// <summary>
    /// Decides on the state of all events that match criteria, whichever streams they are of. Appends to one stream, if no further event
    /// matches meanwhile. Snapshots and cache of the decider are not used.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="criteria">What the decision depends on. All criteria name one bucket, and each a category or a tag.</param>
    /// <param name="stream">The stream to which is appended, at any revision.</param>
    /// <param name="decider">How to decide.</param>
    /// <param name="command">The command.</param>
    /// <param name="context">The id of the command, and what it belongs to; null for a command without.</param>
    /// <param name="maxAttempts">The highest number of attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before a commit is sent.</param>
    /// <returns>The commit; null where the decision made no events.</returns>
    /// <exception cref="AppendConditionException">Other writers were faster every time.</exception>
    public static ValueTask<CommitResult?> ExecuteAsync<TState, TCommand>(
        this IEventStore store,
        EventCriteria criteria,
        StreamId stream,
        Decider<TState, TCommand> decider,
        TCommand command,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default)
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(criteria);
        ArgumentNullException.ThrowIfNull(decider);
        _ = stream.Id;
        return Commands.SettleAsync(TransactAsync, FindAsync, context?.CommandId);

        async ValueTask<CommitResult?> TransactAsync(Guid id)
        {
            var unit = await store.TransactAsync(criteria, DecideAsync, maxAttempts, id, cancellationToken).ConfigureAwait(false);
            return unit?.Commits[0];
        }

        ValueTask DecideAsync(Decision decision, CancellationToken token)
        {
            var messages = decider.DecideOn(stream, decider.StateOf(decision.Events), command, context);
            if (messages.Count > 0) decision.Append(stream, messages);
            return ValueTask.CompletedTask;
        }

        ValueTask<CommitResult?> FindAsync(Guid id) => store.FindCommitAsync(stream, id, cancellationToken);
    }

    /// <summary>
    /// Decides on several streams, each by its own command, and appends to all of them or to none. If another writer was faster on one of
    /// them, all are loaded and decided again.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="unit">The commands.</param>
    /// <param name="context">The id of the unit, and what it belongs to; null for a unit without.</param>
    /// <param name="maxAttempts">The highest number of attempts.</param>
    /// <param name="cancellationToken">Ends it between attempts and before the unit is sent.</param>
    /// <returns>The unit, with the commits of the commands that made events; null where none did.</returns>
    /// <exception cref="ConcurrencyException">Other writers were faster every time; the exception names a stream.</exception>
    /// <exception cref="CommitIdReusedException">A part of the streams has commits of the id.</exception>
    public static ValueTask<UnitResult?> ExecuteAsync(
        this IEventStore store,
        CommandUnit unit,
        CommandContext? context = null,
        int maxAttempts = Commands.DefaultAttempts,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(unit);
        return unit.ExecuteAsync(store, context, new CommandRun(context?.CommandId, maxAttempts, cancellationToken));
    }

    /// <summary>Loads the state of a stream, from the cache or a snapshot and the events after it, or from all events.</summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream; one that does not exist has the initial state at revision 0.</param>
    /// <param name="fold">How the state comes from the events; a decider is one.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="StreamTruncatedException">Events were truncated that no snapshot replaces.</exception>
    public static async ValueTask<LoadedState<TState>> LoadAsync<TState>(
        this IEventStore store, StreamId stream, Fold<TState> fold, CancellationToken cancellationToken = default)
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(fold);
        var loaded = await StateLoader.LoadAsync(store, stream, fold, cancellationToken).ConfigureAwait(false);
        return new LoadedState<TState>(loaded.State, loaded.Revision);
    }
}

/// <summary>The state of a stream at a revision.</summary>
/// <param name="State">The state.</param>
/// <param name="Revision">The revision of the last event in it; 0 for no stream.</param>
public readonly record struct LoadedState<TState>(TState State, Revision Revision);

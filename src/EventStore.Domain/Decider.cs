namespace EventStore;

/// <summary>
/// A decision as three values: the initial state, what a command decides on a state, and how an event changes the state. Plain functions
/// that know no store, so that they are tested without one.
/// </summary>
/// <typeparam name="TState">The state.</typeparam>
/// <typeparam name="TCommand">The command.</typeparam>
/// <param name="Initial">The state of a stream without events.</param>
/// <param name="Decide">
/// Returns the events that a command makes on a state, each an <see cref="EventMessage"/> or a body; none where there is nothing to do.
/// Throws to refuse the command. May be called several times for one command.
/// </param>
/// <param name="Evolve">Returns the state after an event.</param>
public sealed record Decider<TState, TCommand>(
    TState Initial, Func<TCommand, TState, IEnumerable<object>> Decide, Func<TState, object, TState> Evolve)
    : Fold<TState>(Initial, Evolve)
    where TState : notnull
{
    /// <summary>Whether a state is the last one of its stream, where every further command is refused; null for no such state.</summary>
    public Func<TState, bool>? IsTerminal { get; init; }

    /// <summary>The messages of the events that a command makes on the state of a stream.</summary>
    /// <exception cref="CommitRefusedException">The state is terminal.</exception>
    internal IReadOnlyList<EventMessage> DecideOn(StreamId stream, TState state, TCommand command, CommandContext? context)
    {
        if (IsTerminal?.Invoke(state) == true)
            throw new CommitRefusedException(stream, "the decider", "Its state is terminal, so no command changes it any more.");
        return CommandContext.MessagesOf(Decide(command, state), context);
    }
}

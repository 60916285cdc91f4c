namespace EventStore.Testing;

/// <summary>Tests deciders and aggregates by examples: given events, when a command comes, then events. No store takes part.</summary>
public static class ScenarioExtensions
{
    /// <summary>Begins a test of a decider.</summary>
    /// <param name="decider">The decider.</param>
    /// <param name="events">The events so far, in order, each an <see cref="EventMessage"/> or a body; none for a new stream.</param>
    public static DeciderScenario<TState, TCommand> Given<TState, TCommand>(
        this Decider<TState, TCommand> decider, params IReadOnlyList<object> events)
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(decider);
        ArgumentNullException.ThrowIfNull(events);
        return new DeciderScenario<TState, TCommand>(decider, Evolution.StateAfter(decider, decider.Initial, events));
    }

    /// <summary>Begins a test of an aggregate, or of a state.</summary>
    /// <param name="fold">How the state comes from the events.</param>
    /// <param name="events">The events so far, in order, each an <see cref="EventMessage"/> or a body; none for a new stream.</param>
    public static FoldScenario<TState> Given<TState>(this Fold<TState> fold, params IReadOnlyList<object> events)
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(fold);
        ArgumentNullException.ThrowIfNull(events);
        return new FoldScenario<TState>(fold, Evolution.StateAfter(fold, fold.Initial, events));
    }
}

/// <summary>A decider after the given events.</summary>
public sealed class DeciderScenario<TState, TCommand> where TState : notnull
{
    private readonly Decider<TState, TCommand> decider;

    internal DeciderScenario(Decider<TState, TCommand> decider, TState state) => (this.decider, State) = (decider, state);

    /// <summary>The state after the given events.</summary>
    public TState State { get; }

    /// <summary>Decides on a command. What it throws is kept for <see cref="ScenarioOutcome{TState}.ThenThrows"/>.</summary>
    public ScenarioOutcome<TState> When(TCommand command) => ScenarioOutcome<TState>.Of(decider, State, () =>
        decider.IsTerminal?.Invoke(State) == true
            ? throw new ScenarioException("The state is terminal, so a store refuses the command without deciding on it.")
            : decider.Decide(command, State));
}

/// <summary>A state after the given events.</summary>
public sealed class FoldScenario<TState> where TState : notnull
{
    private readonly Fold<TState> fold;

    internal FoldScenario(Fold<TState> fold, TState state) => (this.fold, State) = (fold, state);

    /// <summary>The state after the given events.</summary>
    public TState State { get; }

    /// <summary>Makes an aggregate of the state and lets it act. What it throws is kept.</summary>
    /// <param name="create">Makes an aggregate of a state.</param>
    /// <param name="act">Calls the aggregate.</param>
    public ScenarioOutcome<TState> When<T>(Func<TState, T> create, Action<T> act) where T : IAggregate<TState>
    {
        ArgumentNullException.ThrowIfNull(create);
        ArgumentNullException.ThrowIfNull(act);
        return ScenarioOutcome<TState>.Of(fold, State, () =>
        {
            var aggregate = create(State);
            act(aggregate);
            return aggregate.UncommittedEvents;
        });
    }

    /// <summary>Checks the state after the given events.</summary>
    /// <exception cref="ScenarioException">It is another one.</exception>
    public void ThenState(TState expected) => Difference.RequireSame("state", expected, State);
}

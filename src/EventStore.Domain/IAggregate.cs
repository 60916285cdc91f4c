namespace EventStore;

/// <summary>What a repository needs of an aggregate. Implement it, or derive from <see cref="AggregateRoot{TState}"/>.</summary>
/// <typeparam name="TState">The state, from which the aggregate is made and which its events change.</typeparam>
public interface IAggregate<out TState> where TState : notnull
{
    /// <summary>The state, with the uncommitted events.</summary>
    TState State { get; }

    /// <summary>The events since the last commit, in order, each an <see cref="EventMessage"/> or a body.</summary>
    IReadOnlyList<object> UncommittedEvents { get; }

    /// <summary>Called when they are committed.</summary>
    void ClearUncommittedEvents();
}

/// <summary>A base for aggregates: objects that check a command against their state and raise events.</summary>
/// <typeparam name="TState">The state.</typeparam>
/// <param name="fold">How an event changes the state.</param>
/// <param name="state">The state up to the last committed event.</param>
public abstract class AggregateRoot<TState>(Fold<TState> fold, TState state) : IAggregate<TState> where TState : notnull
{
    private readonly List<object> uncommitted = [];

    /// <inheritdoc/>
    public TState State { get; private set; } = state;

    /// <inheritdoc/>
    public IReadOnlyList<object> UncommittedEvents => uncommitted;

    /// <inheritdoc/>
    public void ClearUncommittedEvents() => uncommitted.Clear();

    /// <summary>Adds an event and changes the state by it.</summary>
    /// <param name="event">An <see cref="EventMessage"/> or a body.</param>
    protected void Raise(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        State = fold.Evolve(State, @event is EventMessage message ? message.Body : @event);
        uncommitted.Add(@event);
    }
}

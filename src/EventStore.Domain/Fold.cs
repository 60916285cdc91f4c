namespace EventStore;

/// <summary>How the state of a stream comes from its events, and how it is kept. Immutable; one for each kind of stream.</summary>
/// <typeparam name="TState">The state. Where states are cached, a value that is never changed, such as a record.</typeparam>
/// <param name="Initial">The state of a stream without events.</param>
/// <param name="Evolve">Returns the state after an event. Events that do not matter to the state leave it as it is.</param>
public record Fold<TState>(TState Initial, Func<TState, object, TState> Evolve) where TState : notnull
{
    /// <summary>When snapshots of the state are taken; null, the default, for neither reading nor taking any.</summary>
    public SnapshotPolicy? Snapshots { get; init; }

    /// <summary>Keeps the newest states in memory; null, the default, for none.</summary>
    public StateCache<TState>? Cache { get; init; }

    /// <summary>The state after events, in their order.</summary>
    internal TState StateOf(IEnumerable<CommittedEvent> events)
    {
        var state = Initial;
        foreach (var committed in events) state = Evolve(state, committed.Body);
        return state;
    }
}

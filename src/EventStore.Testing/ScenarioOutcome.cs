namespace EventStore.Testing;

/// <summary>What a command came to. Its checks throw <see cref="ScenarioException"/> with the difference.</summary>
public sealed class ScenarioOutcome<TState> where TState : notnull
{
    private readonly Exception? thrown;

    private ScenarioOutcome(IReadOnlyList<object> events, TState state, Exception? error) =>
        (Events, State, thrown) = (events, state, error);

    /// <summary>The events that the command made, each an <see cref="EventMessage"/> or a body; none where it threw.</summary>
    public IReadOnlyList<object> Events { get; }

    /// <summary>The state after these events.</summary>
    public TState State { get; }

    /// <summary>
    /// Checks that the command made exactly these events, in order. Bodies are the same if they are equal, or of one type with the same
    /// public properties and fields. Tags and headers are compared where an <see cref="EventMessage"/> is expected.
    /// </summary>
    /// <returns>The same outcome.</returns>
    /// <exception cref="ScenarioException">It made others, or threw.</exception>
    public ScenarioOutcome<TState> Then(params IReadOnlyList<object> expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        if (thrown is not null)
            throw new ScenarioException($"The command threw {thrown.GetType().Name}, but events were expected: {thrown.Message}", thrown);
        Difference.RequireSameEvents(expected, Events);
        return this;
    }

    /// <summary>Checks that the command made no event.</summary>
    /// <exception cref="ScenarioException">It made some, or threw.</exception>
    public ScenarioOutcome<TState> ThenNothing() => Then();

    /// <summary>Checks the state after the events of the command.</summary>
    /// <returns>The same outcome.</returns>
    /// <exception cref="ScenarioException">It is another one, or the command threw.</exception>
    public ScenarioOutcome<TState> ThenState(TState expected)
    {
        if (thrown is not null)
            throw new ScenarioException($"The command threw {thrown.GetType().Name}, but a state was expected: {thrown.Message}", thrown);
        Difference.RequireSame("state", expected, State);
        return this;
    }

    /// <summary>Checks that the command was refused with an exception of a type, or of one derived from it.</summary>
    /// <returns>The exception.</returns>
    /// <exception cref="ScenarioException">It threw another one, or made events.</exception>
    public TException ThenThrows<TException>() where TException : Exception => thrown switch
    {
        TException expected => expected,
        null => throw new ScenarioException(
            $"The command did not throw {typeof(TException).Name}. It made {Difference.Describe(Events)}."),
        _ => throw new ScenarioException(
            $"The command threw {thrown.GetType().Name} in the place of {typeof(TException).Name}: {thrown.Message}", thrown),
    };

    internal static ScenarioOutcome<TState> Of(Fold<TState> fold, TState state, Func<IEnumerable<object>> decide)
    {
        object[] events;
        try
        {
            events = [.. decide()];
        }
        catch (ScenarioException)
        {
            throw;
        }
        catch (Exception error)
        {
            return new ScenarioOutcome<TState>([], state, error);
        }

        return new ScenarioOutcome<TState>(events, Evolution.StateAfter(fold, state, events), error: null);
    }
}

/// <summary>States after events that are not stored.</summary>
internal static class Evolution
{
    public static TState StateAfter<TState>(Fold<TState> fold, TState state, IEnumerable<object> events) where TState : notnull
    {
        foreach (var given in events) state = fold.Evolve(state, given is EventMessage message ? message.Body : given);
        return state;
    }
}

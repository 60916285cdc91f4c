using EventStore.Engines;

namespace EventStore;

/// <summary>A consumer of this name is already running, or another process took the name over. No event was lost.</summary>
public sealed class ConsumerTakenException(string name, string why, string? advice = null) : EventStoreException(
    $"The consumer '{Names.Printable(name)}' is already running: {why} "
    + (advice ?? "Stop it, choose another name, or wait for it with WhenTaken.Wait."))
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;
}

/// <summary>A consumer stopped before an event that its handler could not handle. Started again, it begins with that event.</summary>
public sealed class ConsumerStoppedException(string name, StreamId stream, Checkpoint checkpoint, Exception inner) : EventStoreException(
    $"The consumer '{Names.Printable(name)}' stopped before checkpoint {checkpoint} of stream '{stream}': "
    + $"its handler failed with {inner?.GetType().Name}. "
    + "Fix the handler and start the consumer again, or set MaxRetries and FailureAction so that it parks or skips the event.", inner)
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;

    /// <summary>The stream of the event.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The event's position.</summary>
    public Checkpoint Checkpoint { get; } = checkpoint;
}

/// <summary>
/// A handler, a dispatcher, a hook or a callback called a member that waits for it, or that would close what it still uses. Nothing was
/// changed.
/// </summary>
public sealed class CalledFromInsideException(string member, string caller) : EventStoreException(
    $"{member} was called from inside {caller}, which has to return before that. Nothing was changed. "
    + "Return from there first, and call it elsewhere: signal the code that owns the store or the consumer.")
{
    /// <summary>The member that was called.</summary>
    public string Member { get; } = member;

    /// <summary>The part of the store that called the code.</summary>
    public string Caller { get; } = caller;
}

/// <summary>
/// A consumer or the dispatch scheduler did not stop within its StopTimeout, because application code that it called is still running.
/// What was being handled is delivered again.
/// </summary>
public sealed class NotStoppedException(string what, TimeSpan waited) : EventStoreException(
    $"{what} did not stop within {waited}: application code that it called is still running. "
    + "What was being handled is delivered again. Let that code observe its cancellation token, or raise StopTimeout.")
{
    /// <summary>What did not stop.</summary>
    public string What { get; } = what;

    /// <summary>How long was waited for it.</summary>
    public TimeSpan Waited { get; } = waited;
}

/// <summary>
/// A consumer is started under the name of one with another source or another state, or of another store. Its position or state would be
/// wrong, so nothing was delivered or changed.
/// </summary>
public sealed class ConsumerChangedException(string name, string problem, string advice) : EventStoreException(
    $"The consumer '{Names.Printable(name)}' {problem} Nothing was delivered or changed. {advice}")
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;
}

/// <summary>
/// A projection returned null instead of a state. The consumer ends at once, whatever its options say about failures. The state before the
/// event is kept, and the event is not counted.
/// </summary>
public sealed class ProjectionException(string name, StreamId stream, Checkpoint checkpoint) : EventStoreException(
    $"The projection of the consumer '{Names.Printable(name)}' returned null for checkpoint {checkpoint} of stream '{stream}'. "
    + "Correct the projection, and start the consumer again: it begins with that event. "
    + "Return a state for every event: the same one where the event changes nothing.")
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;

    /// <summary>The stream of the event.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The event's position.</summary>
    public Checkpoint Checkpoint { get; } = checkpoint;
}

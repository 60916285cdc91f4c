namespace EventStore;

/// <summary>
/// Named, durable, resumable readers of a stream, a category, a bucket, a filter, a read stream or everything. Position and state of a
/// consumer are one document, which the process that holds its name writes by compare-and-swap.
/// </summary>
public interface IConsumers
{
    /// <summary>Starts a consumer that passes each event to a handler. The position advances only after the handler has returned.</summary>
    /// <param name="name">Its name: not empty, at most 900 bytes in UTF-8.</param>
    /// <param name="source">What it reads.</param>
    /// <param name="handle">
    /// Handles one event. Called for one event at a time, or for one of each stream with <see cref="ConsumerOptions.Parallelism"/>.
    /// </param>
    /// <param name="options">How it works; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the start, not the consumer.</param>
    /// <returns>The consumer, running; dispose it to stop it.</returns>
    /// <exception cref="ConsumerTakenException">A consumer of this name is running.</exception>
    /// <exception cref="ConsumerChangedException">A consumer of this name was started with another source, or with a state.</exception>
    /// <exception cref="PositionAheadException">The consumer has handled more than the store holds.</exception>
    ValueTask<IConsumer> StartAsync(
        string name,
        ConsumerSource source,
        Func<CommittedEvent, CancellationToken, ValueTask> handle,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default);

    /// <summary>Starts a consumer that passes events to a handler in batches, as large as the options allow.</summary>
    /// <exception cref="ConsumerTakenException">A consumer of this name is running.</exception>
    /// <exception cref="ConsumerChangedException">A consumer of this name was started with another source, or with a state.</exception>
    /// <exception cref="PositionAheadException">The consumer has handled more than the store holds.</exception>
    ValueTask<IConsumer> StartBatchesAsync(
        string name,
        ConsumerSource source,
        Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask> handle,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Starts a consumer with a state that is written together with its position, so that every event counts exactly once.
    /// </summary>
    /// <typeparam name="TState">
    /// The state, of a type the store's serializer knows. A step returns a new state and never changes the old one.
    /// </typeparam>
    /// <param name="name">Its name: not empty, at most 900 bytes in UTF-8.</param>
    /// <param name="source">What it reads.</param>
    /// <param name="projection">The initial state and the step.</param>
    /// <param name="options">How it works; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the start, not the consumer.</param>
    /// <exception cref="ConsumerTakenException">A consumer of this name is running.</exception>
    /// <exception cref="ConsumerChangedException">
    /// A consumer of this name was started with another source, without a state, or with one of another type and the same schema version.
    /// </exception>
    /// <exception cref="TypeNotRegisteredException">The serializer has no name for the type of the initial state.</exception>
    /// <exception cref="EventSerializationException">The initial state cannot be stored or read back.</exception>
    /// <exception cref="PositionAheadException">The consumer has handled more than the store holds.</exception>
    ValueTask<IConsumer<TState>> StartAsync<TState>(
        string name,
        ConsumerSource source,
        Projection<TState> projection,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default)
        where TState : class;

    /// <summary>Opens a consumer whose events are pulled by enumerating it, and acknowledged one by one.</summary>
    /// <exception cref="ConsumerTakenException">A consumer of this name is running.</exception>
    /// <exception cref="ConsumerChangedException">A consumer of this name was started with another source, or with a state.</exception>
    /// <exception cref="PositionAheadException">The consumer has handled more than the store holds.</exception>
    ValueTask<IPullConsumer> OpenAsync(
        string name, ConsumerSource source, ConsumerOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads stored and new events without end. It has no name, and stores no position. Ended by the token or by leaving the loop. An
    /// exception ends it too; then continue with <see cref="ConsumerStart.AfterCheckpoint"/> of the last event.
    /// </summary>
    /// <exception cref="PositionAheadException">The store ends before what was read: it was set back.</exception>
    IAsyncEnumerable<CommittedEvent> SubscribeAsync(
        ConsumerSource source, ConsumerStart startFrom = default, CancellationToken cancellationToken = default);

    /// <summary>Deletes a consumer with its position and state. Returns whether it existed.</summary>
    /// <exception cref="ConsumerTakenException">A consumer of this name is running. Stop it first.</exception>
    ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Lists the names of all consumers that were started and not deleted.</summary>
    IAsyncEnumerable<string> ListAsync(CancellationToken cancellationToken = default);
}

/// <summary>
/// A consumer that runs in this process. Disposing it stops it, writes what is handled, and releases the name. Called from its own handler,
/// disposing and pausing do not wait, and take effect when the handler returns. Members that would wait for ever throw
/// <see cref="CalledFromInsideException"/> there.
/// </summary>
public interface IConsumer : IAsyncDisposable
{
    /// <summary>Its name.</summary>
    string Name { get; }

    /// <summary>Everything of its source up to this checkpoint is handled.</summary>
    Checkpoint Position { get; }

    /// <summary>Completes when the consumer is stopped; faults when it ends with a failure.</summary>
    Task Completion { get; }

    /// <summary>Returns how far the consumer is.</summary>
    ValueTask<ConsumerStatus> GetStatusAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until the handlers that run have returned, and delivers nothing until it is resumed. The name is kept.</summary>
    ValueTask PauseAsync(CancellationToken cancellationToken = default);

    /// <summary>Continues after a pause.</summary>
    void Resume();

    /// <summary>Waits until everything up to a checkpoint is handled, so that a caller can read its own writes.</summary>
    /// <exception cref="InvalidOperationException">The consumer ended before that.</exception>
    /// <exception cref="CalledFromInsideException">Its own handler called this for an event that is not handled yet.</exception>
    ValueTask WaitForAsync(Checkpoint checkpoint, CancellationToken cancellationToken = default);

    /// <summary>Waits until everything that is stored now is handled.</summary>
    /// <exception cref="InvalidOperationException">The consumer ended before that.</exception>
    /// <exception cref="CalledFromInsideException">Its own handler called this for an event that is not handled yet.</exception>
    ValueTask WaitUntilCaughtUpAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists the events that were parked, in checkpoint order.</summary>
    IAsyncEnumerable<CommittedEvent> GetParkedAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Passes the parked events to the handler again, in checkpoint order, until one fails. Nothing else is delivered meanwhile. Their
    /// removal from the parked ones is written together with the state, as often as positions are. Returns how many succeeded.
    /// </summary>
    /// <exception cref="CalledFromInsideException">Its own handler called this.</exception>
    ValueTask<int> ReplayParkedAsync(CancellationToken cancellationToken = default);
}

/// <summary>A consumer with a state.</summary>
/// <typeparam name="TState">The state.</typeparam>
public interface IConsumer<TState> : IConsumer where TState : class
{
    /// <summary>The state at <see cref="IConsumer.Position"/>. Do not change the object.</summary>
    TState State { get; }
}

/// <summary>
/// A consumer whose events are pulled. Enumerate it once. At most <see cref="ConsumerOptions.Window"/> events are delivered and not
/// acknowledged.
/// </summary>
public interface IPullConsumer : IConsumer, IAsyncEnumerable<Delivery>;

/// <summary>A pulled event, to be acknowledged.</summary>
public abstract class Delivery
{
    /// <summary>Creates a delivery of an event.</summary>
    protected Delivery(CommittedEvent committed) => Event = committed;

    /// <summary>The event.</summary>
    public CommittedEvent Event { get; }

    /// <summary>Acknowledges this event. A second call does nothing.</summary>
    public abstract ValueTask AcknowledgeAsync(CancellationToken cancellationToken = default);

    /// <summary>Acknowledges this event and all events pulled before it.</summary>
    public abstract ValueTask AcknowledgeThroughAsync(CancellationToken cancellationToken = default);
}

/// <summary>Computes a state from events.</summary>
/// <typeparam name="TState">The state, of a type the store's serializer knows.</typeparam>
public sealed class Projection<TState> where TState : class
{
    /// <summary>Creates a projection with a pure step. A step that returns null fails with <see cref="ProjectionException"/>.</summary>
    public Projection(TState initial, Func<TState, CommittedEvent, TState> apply)
    {
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentNullException.ThrowIfNull(apply);
        Initial = initial;
        ApplyAsync = (state, committed, _) => new(apply(state, committed));
    }

    /// <summary>
    /// Creates a projection with an asynchronous step. A step that returns null fails with <see cref="ProjectionException"/>.
    /// </summary>
    public Projection(TState initial, Func<TState, CommittedEvent, CancellationToken, ValueTask<TState>> apply)
    {
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentNullException.ThrowIfNull(apply);
        Initial = initial;
        ApplyAsync = apply;
    }

    /// <summary>The state before any event.</summary>
    public TState Initial { get; }

    /// <summary>The step from one state to the next.</summary>
    public Func<TState, CommittedEvent, CancellationToken, ValueTask<TState>> ApplyAsync { get; }

    /// <summary>
    /// The version of the state's form and meaning. Raise it when they change: a state of another version is computed again, from where the
    /// consumer began at its first start. Default 1.
    /// </summary>
    public int SchemaVersion { get; init; } = 1;
}

/// <summary>How far a consumer is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Position">Everything of its source up to this checkpoint is handled.</param>
/// <param name="Lag">
/// How much of its source is not handled at the time of asking. Counts events of its stream, links of its read stream, otherwise
/// checkpoints.
/// </param>
/// <param name="Parked">How many events are parked.</param>
/// <param name="Skipped">How many events were skipped.</param>
/// <param name="State">Its state.</param>
public sealed record ConsumerStatus(string Name, Checkpoint Position, long Lag, int Parked, long Skipped, ConsumerState State)
{
    /// <summary>The bytes of the state as it was last stored; 0 without a state.</summary>
    public long StateBytes { get; init; }
}

/// <summary>The states of a consumer.</summary>
public enum ConsumerState
{
    /// <summary>It waits while another process holds its name.</summary>
    Waiting,

    /// <summary>It reads and delivers.</summary>
    Running,

    /// <summary>It is paused.</summary>
    Paused,

    /// <summary>It ended, as it was disposed.</summary>
    Stopped,

    /// <summary>It ended with a failure, which <see cref="IConsumer.Completion"/> carries. Its name is free.</summary>
    Faulted,
}

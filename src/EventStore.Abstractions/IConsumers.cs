namespace EventStore;

/// <summary>
/// Named, durable, resumable readers of a stream, a category, a bucket, a filter, a read stream or everything. Position and state of a consumer
/// are one document, written by compare-and-swap by the one process that holds its name.
/// </summary>
public interface IConsumers
{
    /// <summary>Starts a consumer that hands each event to a handler. The position moves on only once the handler has returned.</summary>
    /// <param name="name">Its name: not empty, at most 900 bytes in UTF-8.</param>
    /// <param name="source">What it reads.</param>
    /// <param name="handle">Handles one event; called for one at a time, or for one of each stream with <see cref="ConsumerOptions.Parallelism"/>.</param>
    /// <param name="options">How it works; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the start, not the consumer.</param>
    /// <returns>The consumer, running; dispose it to stop it.</returns>
    /// <exception cref="ConsumerTakenException">The name has an active subscriber.</exception>
    ValueTask<IConsumer> StartAsync(
        string name, ConsumerSource source, Func<CommittedEvent, CancellationToken, ValueTask> handle, ConsumerOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Starts a consumer that hands over events by batches, as many as are there and the options allow.</summary>
    /// <exception cref="ConsumerTakenException">The name has an active subscriber.</exception>
    ValueTask<IConsumer> StartBatchesAsync(
        string name,
        ConsumerSource source,
        Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask> handle,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default);

    /// <summary>Starts a consumer with a state that is written together with its position: every event counts exactly once.</summary>
    /// <typeparam name="TState">The state, of a type the store's serializer knows. A step returns a new one and never changes the old.</typeparam>
    /// <param name="name">Its name: not empty, at most 900 bytes in UTF-8.</param>
    /// <param name="source">What it reads.</param>
    /// <param name="projection">The initial state and the step.</param>
    /// <param name="options">How it works; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the start, not the consumer.</param>
    /// <exception cref="ConsumerTakenException">The name has an active subscriber.</exception>
    ValueTask<IConsumer<TState>> StartAsync<TState>(
        string name, ConsumerSource source, Projection<TState> projection, ConsumerOptions? options = null, CancellationToken cancellationToken = default)
        where TState : class;

    /// <summary>Opens a consumer whose events are pulled by enumerating it, and acknowledged one by one.</summary>
    /// <exception cref="ConsumerTakenException">The name has an active subscriber.</exception>
    ValueTask<IPullConsumer> OpenAsync(string name, ConsumerSource source, ConsumerOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Reads events as they come, for ever, without a name and without remembering anything. Ended by the token or by leaving the loop.</summary>
    IAsyncEnumerable<CommittedEvent> SubscribeAsync(ConsumerSource source, ConsumerStart startFrom = default, CancellationToken cancellationToken = default);

    /// <summary>Forgets a consumer, with position and state; answers whether there was one. Started again, it begins anew.</summary>
    /// <exception cref="ConsumerTakenException">The name has an active subscriber. Stop it first.</exception>
    ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Lists the names of all consumers that ever wrote a position and were not deleted.</summary>
    IAsyncEnumerable<string> ListAsync(CancellationToken cancellationToken = default);
}

/// <summary>A consumer that runs here. Disposing it stops it: what is handled is written, and the name is let go.</summary>
public interface IConsumer : IAsyncDisposable
{
    /// <summary>Its name.</summary>
    string Name { get; }

    /// <summary>Everything of its source up to here is handled.</summary>
    Checkpoint Position { get; }

    /// <summary>Completes when it ends: by being stopped, or faulted by the failure that stopped it.</summary>
    Task Completion { get; }

    /// <summary>Tells how far it is.</summary>
    ValueTask<ConsumerStatus> GetStatusAsync(CancellationToken cancellationToken = default);

    /// <summary>Lets what is being handled finish, and delivers nothing further until resumed. It keeps its name.</summary>
    ValueTask PauseAsync(CancellationToken cancellationToken = default);

    /// <summary>Goes on after a pause.</summary>
    void Resume();

    /// <summary>Returns once everything up to a checkpoint is handled, which is how a caller reads its own writes.</summary>
    /// <exception cref="InvalidOperationException">The consumer ended before.</exception>
    ValueTask WaitForAsync(Checkpoint checkpoint, CancellationToken cancellationToken = default);

    /// <summary>Returns once everything that is stored now is handled.</summary>
    /// <exception cref="InvalidOperationException">The consumer ended before.</exception>
    ValueTask WaitUntilCaughtUpAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists the events that were parked, in checkpoint order.</summary>
    IAsyncEnumerable<CommittedEvent> GetParkedAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Hands the parked events to the handler again, in checkpoint order, until one fails; answers how many succeeded. Nothing else is delivered meanwhile; a
    /// state takes each in and is written together with its leaving the parked ones. Not to be called by the handler, for which it would wait.
    /// </summary>
    ValueTask<int> ReplayParkedAsync(CancellationToken cancellationToken = default);
}

/// <summary>A consumer with a state.</summary>
/// <typeparam name="TState">The state.</typeparam>
public interface IConsumer<TState> : IConsumer where TState : class
{
    /// <summary>The state that belongs to <see cref="IConsumer.Position"/>. Not to be changed.</summary>
    TState State { get; }
}

/// <summary>
/// A consumer whose events are pulled. Enumerate it once; no more than <see cref="ConsumerOptions.Window"/> events are out unacknowledged.
/// </summary>
public interface IPullConsumer : IConsumer, IAsyncEnumerable<Delivery>;

/// <summary>An event that was pulled and is to be acknowledged.</summary>
public abstract class Delivery
{
    /// <summary>Wraps an event.</summary>
    protected Delivery(CommittedEvent committed) => Event = committed;

    /// <summary>The event.</summary>
    public CommittedEvent Event { get; }

    /// <summary>Says that this event is done. Saying it again changes nothing.</summary>
    public abstract ValueTask AcknowledgeAsync(CancellationToken cancellationToken = default);

    /// <summary>Says that this event and all pulled before it are done.</summary>
    public abstract ValueTask AcknowledgeThroughAsync(CancellationToken cancellationToken = default);
}

/// <summary>How a state comes about from events.</summary>
/// <typeparam name="TState">The state, of a type the store's serializer knows.</typeparam>
public sealed class Projection<TState> where TState : class
{
    /// <summary>A state made by a pure step.</summary>
    public Projection(TState initial, Func<TState, CommittedEvent, TState> apply)
    {
        ArgumentNullException.ThrowIfNull(initial);
        ArgumentNullException.ThrowIfNull(apply);
        Initial = initial;
        ApplyAsync = (state, committed, _) => new(apply(state, committed));
    }

    /// <summary>A state made by a step that may wait for something.</summary>
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

    /// <summary>Raise it when the state's form or meaning changes: a state of another version is dropped and made anew from the start. Default 1.</summary>
    public int SchemaVersion { get; init; } = 1;
}

/// <summary>How far a consumer is.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Position">Everything of its source up to here is handled.</param>
/// <param name="Lag">How many places of its source lie before it: events of its stream, links of its read stream, otherwise checkpoints of the store.</param>
/// <param name="Parked">How many events are parked.</param>
/// <param name="Skipped">How many events were skipped, ever.</param>
/// <param name="State">What it does.</param>
public sealed record ConsumerStatus(string Name, Checkpoint Position, long Lag, int Parked, long Skipped, ConsumerState State);

/// <summary>What a consumer does.</summary>
public enum ConsumerState
{
    /// <summary>Another process has its name, and it waits to take over.</summary>
    Waiting,

    /// <summary>It reads and delivers.</summary>
    Running,

    /// <summary>It is paused.</summary>
    Paused,

    /// <summary>It ended.</summary>
    Stopped,
}

using System.Globalization;

namespace EventStore.Conformance;

/// <summary>The ways to read on from a position.</summary>
internal enum ReaderKind
{
    Handler,
    Lanes,
    Batches,
    State,
    Pull,
    Subscription,
}

/// <summary>One reader of a life: a consumer of any kind, or a subscription. Records what it is given, over all its starts.</summary>
internal sealed class DeliveryReader(string name, ReaderKind kind, ConsumerSource source, ConsumerOptions options) : IAsyncDisposable
{
    private static readonly Projection<string> Collect = new("", (state, committed) => $"{state}{committed.Checkpoint},");
    private readonly HashSet<long> failedOnce = [];
    private CancellationTokenSource? stopping;
    private Task? loop;
    private long last;

    public required Expectation Expected { get; init; }

    /// <summary>The head of the store before and after its first start at the present moment; null before that.</summary>
    public (long Before, long After)? Present { get; private set; }

    public string Name => name;

    public ReaderKind Kind => kind;

    public ConsumerStart Start => options.StartFrom;

    public IConsumer? Consumer { get; private set; }

    public bool IsStarted { get; private set; }

    /// <summary>Why it ended although it was not stopped; null while it runs.</summary>
    public Exception? Failure =>
        (Consumer?.Completion is { IsFaulted: true } ended ? ended.Exception : loop?.Exception)?.GetBaseException();

    public required DeliveryLog Log { get; init; }

    /// <summary>Whether a subscription that is ended by unavailable storage is begun again, as an application does.</summary>
    public required bool IsFailing { get; init; }

    public async Task StartAsync(IEventStore store)
    {
        Log.Begin();
        stopping = new CancellationTokenSource();
        Consumer = kind switch
        {
            ReaderKind.Handler or ReaderKind.Lanes => await store.Consumers.StartAsync(name, source, HandleAsync, options),
            ReaderKind.Batches => await store.Consumers.StartBatchesAsync(name, source, HandleAsync, options),
            ReaderKind.State => await store.Consumers.StartAsync(name, source, Collect, options),
            ReaderKind.Pull => await store.Consumers.OpenAsync(name, source, options),
            _ => null,
        };
        loop = Consumer is IPullConsumer pulling ? Task.Run(() => PullAsync(pulling, stopping.Token))
            : Consumer is null ? Task.Run(() => SubscribeAsync(store, stopping.Token))
            : null;
        IsStarted = true;
    }

    /// <summary>Records between which heads of the store it began at the present moment.</summary>
    public void BeganBetween(long before, long after) => Present = (before, after);

    public async Task StopAsync()
    {
        if (stopping is null) return;
        await stopping.CancelAsync();
        if (Consumer is not null) await Consumer.DisposeAsync();
        if (loop is not null) await loop.ContinueWith(static _ => { }, TaskScheduler.Default);
        stopping.Dispose();
        (stopping, IsStarted) = (null, false);
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    /// <summary>The events that it was not given yet.</summary>
    public IReadOnlyList<long> MissingFrom(DeliveryModel model)
    {
        TakeState();
        return Log.MissingFrom(Expected.Of(model, Present).Required);
    }

    /// <summary>Waits until it was given more, or has ended.</summary>
    /// <param name="added">Completes with the next event; a consumer with state waits for its position instead.</param>
    /// <param name="missing">The first event that it was not given yet.</param>
    /// <param name="patience">Ends the wait.</param>
    public async Task WaitForMoreAsync(Task added, long missing, CancellationToken patience)
    {
        var more = Consumer is IConsumer<string> consumer ? consumer.WaitForAsync(new Checkpoint(missing), patience).AsTask() : added;
        Task any = Task.WhenAny(more, loop ?? Consumer?.Completion ?? more);
        await any.WaitAsync(patience)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
    }

    public void Check(DeliveryModel model)
    {
        TakeState();
        Log.Check(ToString(), Expected.Of(model, Present));
    }

    public override string ToString() =>
        $"{name}: {kind} of {Describe()} from {Describe(Start)}, every {options.EventsPerCheckpoint}, window {options.Window}, "
        + $"batch {options.BatchSize}, lanes {options.Parallelism}";

    // For a consumer with state counts what its state holds, not how often its projection was called.
    private void TakeState()
    {
        if (Consumer is not IConsumer<string> { State: var state }) return;
        Log.Replace(state.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(text => long.Parse(text, CultureInfo.InvariantCulture)));
    }

    private async ValueTask HandleAsync(CommittedEvent committed, CancellationToken cancellationToken)
    {
        if (kind == ReaderKind.Lanes) await Task.Yield();
        if (committed.Checkpoint.Value % 89 == 0 && IsFirstTry(committed.Checkpoint.Value)) throw new InvalidOperationException("once");
        Add(committed);
    }

    private ValueTask HandleAsync(IReadOnlyList<CommittedEvent> batch, CancellationToken cancellationToken)
    {
        foreach (var committed in batch) Add(committed);
        return default;
    }

    private async Task PullAsync(IPullConsumer pulling, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var delivery in pulling.WithCancellation(cancellationToken))
            {
                Add(delivery.Event);
                await delivery.AcknowledgeAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped, or another term begins: what is not acknowledged is delivered again.
        }
    }

    // A subscription has no position of its own: the application continues after the last event it has seen.
    private async Task SubscribeAsync(IEventStore store, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var from = Interlocked.Read(ref last) is > 0 and var seen ? ConsumerStart.AfterCheckpoint(new Checkpoint(seen)) : Start;
            try
            {
                await foreach (var committed in store.Consumers.SubscribeAsync(source, from, cancellationToken))
                {
                    Add(committed);
                    Interlocked.Exchange(ref last, committed.Checkpoint.Value);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (StorageUnavailableException) when (IsFailing)
            {
                await Task.Yield();
            }
        }
    }

    private void Add(CommittedEvent committed) => Log.Add(committed.Stream, committed.Checkpoint.Value);

    private bool IsFirstTry(long checkpoint)
    {
        lock (failedOnce) return failedOnce.Add(checkpoint);
    }

    private string Describe() =>
        source.Stream is { } stream ? $"stream '{stream}'"
        : source.ReadStream is { } readStream ? $"read stream '{readStream}'"
        : source.Condition is not null ? "condition"
        : $"filter {source.Filter.Bucket}/{source.Filter.Category}";

    private static string Describe(ConsumerStart start) =>
        start.IsCurrent ? "current"
        : start.Revision != Revision.None ? $"after revision {start.Revision}"
        : $"after checkpoint {start.Checkpoint}";
}

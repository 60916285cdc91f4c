using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using EventStore.Deliveries;

namespace EventStore.Consumers;

/// <summary>
/// The events that a pull consumer has made available, and those not acknowledged yet: at most as many as the window is wide.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A disposed semaphore would never end its waits; it holds nothing else.")]
internal sealed class PulledEvents(int width)
{
    private readonly Channel<Delivery> deliveries = Channel.CreateUnbounded<Delivery>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly SemaphoreSlim window = new(width);

    // The unacknowledged events, oldest first, and the number of the newest one; guarded by the queue.
    private readonly Queue<PulledEvent> unacknowledged = new();
    private long newest;
    private volatile bool isEnded;

    public ChannelReader<Delivery> Deliveries => deliveries.Reader;

    /// <summary>Waits for a free place in the window. <see cref="Add"/> uses it, <see cref="LeaveWindow"/> gives it back.</summary>
    public Task EnterWindowAsync(CancellationToken cancellationToken) => window.WaitAsync(cancellationToken);

    public void LeaveWindow() => window.Release();

    /// <summary>Makes an event available.</summary>
    public void Add(CommittedEvent committed, DeliveryUnit unit, PumpContext context)
    {
        var pulled = new PulledEvent(committed, this) { Number = ++newest, Unit = unit, Context = context };
        lock (unacknowledged) unacknowledged.Enqueue(pulled);
        deliveries.Writer.TryWrite(pulled);
    }

    /// <summary>Removes all events: they are delivered again from the written position.</summary>
    public void Clear()
    {
        while (deliveries.Reader.TryRead(out _))
        {
            // Not pulled yet, and not to be pulled any more.
        }

        lock (unacknowledged)
        {
            while (unacknowledged.TryDequeue(out var forgotten))
            {
                if (forgotten.TryAcknowledge()) window.Release();
            }
        }
    }

    /// <summary>Ends the enumeration of the consumer. What was not acknowledged is delivered again when it is started again.</summary>
    public void End(Exception? failure)
    {
        isEnded = true;
        Clear();
        deliveries.Writer.TryComplete(failure);
    }

    // After a name was lost, an acknowledgement changes nothing that is stored: the progress of that term is never written again.
    private async ValueTask AcknowledgeAsync(PulledEvent pulled, bool andAllBefore, CancellationToken cancellationToken)
    {
        if (isEnded)
            throw new ObjectDisposedException(
                nameof(IPullConsumer), "The consumer was stopped before the event was acknowledged. It is delivered again.");
        List<PulledEvent> done;
        lock (unacknowledged)
        {
            done = andAllBefore ? [.. unacknowledged.TakeWhile(other => other.Number <= pulled.Number)] : [pulled];
            foreach (var one in done)
            {
                if (one.TryAcknowledge()) window.Release();
            }

            while (unacknowledged.TryPeek(out var oldest) && oldest.IsAcknowledged) unacknowledged.Dequeue();
        }

        foreach (var one in done) one.Context.Progress.Finish(one.Unit);
        await pulled.Context.WriteIfDueAsync(cancellationToken).ConfigureAwait(false);
    }

    private sealed class PulledEvent(CommittedEvent committed, PulledEvents events) : Delivery(committed)
    {
        public required long Number { get; init; }

        public required DeliveryUnit Unit { get; init; }

        public required PumpContext Context { get; init; }

        public bool IsAcknowledged { get; private set; }

        public bool TryAcknowledge() => !IsAcknowledged && (IsAcknowledged = true);

        public override ValueTask AcknowledgeAsync(CancellationToken cancellationToken = default) =>
            events.AcknowledgeAsync(this, andAllBefore: false, cancellationToken);

        public override ValueTask AcknowledgeThroughAsync(CancellationToken cancellationToken = default) =>
            events.AcknowledgeAsync(this, andAllBefore: true, cancellationToken);
    }
}

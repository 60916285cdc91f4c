using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Puts events out to be pulled, as many unacknowledged at once as the window is wide.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Disposing a semaphore would leave those who wait for their turn waiting for ever; it holds nothing else.")]
internal sealed class PullPump(int width) : IPump
{
    private PumpContext context = null!;
    private readonly Channel<Delivery> deliveries = Channel.CreateUnbounded<Delivery>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly SemaphoreSlim window = new(width);

    // Those that are out, oldest first, and the number of the newest; guarded by the queue.
    private readonly Queue<PulledEvent> unacknowledged = new();
    private long newest;

    public ChannelReader<Delivery> Deliveries => deliveries.Reader;

    /// <summary>Sets what surrounds its deliveries.</summary>
    public IPump In(PumpContext surrounding)
    {
        context = surrounding;
        return this;
    }

    public async ValueTask DeliverAsync(ReadOnlyMemory<FeedEvent> events, ConsumerProgress progress, CancellationToken cancellationToken)
    {
        for (var i = 0; i < events.Length; i++)
        {
            var (committed, position) = events.Span[i];
            await window.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await context.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                window.Release();
                throw;
            }

            var pulled = new PulledEvent(committed, ++newest, new DeliveredUnit(position, 1), this, progress);
            progress.Begin(pulled.Unit);
            lock (unacknowledged) unacknowledged.Enqueue(pulled);
            deliveries.Writer.TryWrite(pulled);
            context.Gate.Leave();
        }
    }

    public ValueTask HandleAgainAsync(CommittedEvent committed, ConsumerProgress progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Events that are pulled are never parked: leave them unacknowledged, or acknowledge them.");

    /// <summary>Forgets what is out: it comes again from the position that was written.</summary>
    public void Restart()
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

    /// <summary>Says that nothing more comes, and why.</summary>
    public void End(Exception? failure) => deliveries.Writer.TryComplete(failure);

    // Once a name was lost, acknowledging changes nothing that is stored: the progress of that time is never written again.
    private async ValueTask AcknowledgeAsync(PulledEvent pulled, bool andAllBefore, CancellationToken cancellationToken)
    {
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

        foreach (var one in done) one.Progress.Finish(one.Unit);
        await context.WriteIfDueAsync(pulled.Progress, cancellationToken).ConfigureAwait(false);
    }

    private sealed class PulledEvent(CommittedEvent committed, long number, DeliveredUnit unit, PullPump pump, ConsumerProgress progress) : Delivery(committed)
    {
        public long Number => number;

        public DeliveredUnit Unit => unit;

        public ConsumerProgress Progress => progress;

        public bool IsAcknowledged { get; private set; }

        public bool TryAcknowledge() => !IsAcknowledged && (IsAcknowledged = true);

        public override ValueTask AcknowledgeAsync(CancellationToken cancellationToken = default) => pump.AcknowledgeAsync(this, andAllBefore: false, cancellationToken);

        public override ValueTask AcknowledgeThroughAsync(CancellationToken cancellationToken = default) => pump.AcknowledgeAsync(this, andAllBefore: true, cancellationToken);
    }
}

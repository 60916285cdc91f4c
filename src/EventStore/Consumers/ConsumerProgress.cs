using EventStore.Deliveries;
using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>
/// The progress of a consumer in one term: its position, the state at that position, and what of both is not written yet.
/// </summary>
internal sealed class ConsumerProgress(FeedPosition start, StateKeeper? keeper, object? state)
    : DeliveryProgress<DeliveryUnit>(start), IWrittenProgress<ConsumerRecord>
{
    private readonly StateKeeper? keeper = keeper;
    private readonly ParkedChanges parked = new();
    private object? state = state;
    private long skipped;
    private long writtenSkipped;
    private Exception? ended;
    private ConsumerProgress? successor;

    /// <summary>How many events were skipped in earlier terms.</summary>
    public long SkippedBefore { get; init; }

    public object? State
    {
        get
        {
            lock (Gate) return state;
        }
    }

    /// <summary>The bytes of the state as it was last stored.</summary>
    public long StateBytes => keeper?.Bytes ?? 0;

    /// <summary>The bytes of it that are written beside the consumer's document.</summary>
    public long StateBytesBeside => keeper?.BytesBeside ?? 0;

    public bool HasUnwritten
    {
        get
        {
            lock (Gate) return DoneSinceWrite > 0 || Reached != WrittenPosition || !parked.IsEmpty || skipped > writtenSkipped;
        }
    }

    /// <summary>Moves on after the next event was handled, where one is handled after the other.</summary>
    /// <returns>How many events were handled since the last write.</returns>
    public int MoveTo(FeedPosition handled, object? newState)
    {
        lock (Gate)
        {
            state = newState;
            return Advance(handled);
        }
    }

    public void Park(IEnumerable<CommittedEvent> events)
    {
        lock (Gate)
        {
            foreach (var committed in events) parked.Park(committed.Checkpoint.Value, committed.Checkpoint.Value);
        }
    }

    /// <summary>Takes an event off the parked ones, because it was handled or is deleted.</summary>
    /// <param name="checkpoint">The event.</param>
    /// <param name="newState">The state now.</param>
    public void Unpark(long checkpoint, object? newState)
    {
        lock (Gate)
        {
            state = newState;
            parked.Unpark(checkpoint);
        }
    }

    public void Skip(int count)
    {
        lock (Gate) skipped += count;
    }

    /// <summary>What is not written yet. Confirm it after it is written.</summary>
    public Unwritten Take()
    {
        lock (Gate)
        {
            return new(this, Reached, parked.Take())
            {
                State = state,
                Skipped = skipped,
                SkippedBefore = SkippedBefore,
                Done = DoneSinceWrite,
            };
        }
    }

    IUnwritten<ConsumerRecord> IWrittenProgress<ConsumerRecord>.Take() => Take();

    /// <summary>Returns when everything up to a checkpoint is handled.</summary>
    public Task WaitForAsync(long checkpoint)
    {
        lock (Gate)
        {
            if (successor is not null) return successor.WaitForAsync(checkpoint);
            if (Reached.Checkpoint >= checkpoint) return Task.CompletedTask;
            return ended is null ? Waiters.Add(checkpoint) : Task.FromException(ended);
        }
    }

    /// <summary>Moves all waits, present and future ones, to the progress of the next term.</summary>
    public void HandOverTo(ConsumerProgress next)
    {
        lock (Gate)
        {
            lock (next.Gate)
            {
                Waiters.MoveTo(next.Waiters);
                next.Waiters.Release(next.Reached.Checkpoint);
            }

            successor = next;
        }
    }

    /// <summary>Fails all waits: the consumer has ended.</summary>
    public void End(Exception reason)
    {
        lock (Gate)
        {
            ended = reason;
            Waiters.Fail(reason);
        }
    }

    internal sealed class Unwritten(
        ConsumerProgress progress, FeedPosition position, ParkedChanges.Taken parked) : IUnwritten<ConsumerRecord>
    {
        public required object? State { get; init; }

        public required long Skipped { get; init; }

        public required long SkippedBefore { get; init; }

        public required int Done { get; init; }

        /// <summary>The parked events, given the record that is stored.</summary>
        public IReadOnlyList<long> ParkedIn(ConsumerRecord record) =>
        [
            .. record.Parked
                .Union(parked.Parked.Select(range => range.First))
                .Except(parked.Unparked.Select(range => range.First))
                .Order(),
        ];

        public ValueTask<bool> TryPrepareAsync(CancellationToken cancellationToken) =>
            progress.keeper?.TryStoreAsync(State, position.Checkpoint, cancellationToken) ?? new(true);

        // A write whose outcome was unknown may have been stored, so everything is written as it is now, not as a difference.
        public ConsumerRecord AddTo(ConsumerRecord document)
        {
            var moved = document with { Position = position, Parked = ParkedIn(document), Skipped = SkippedBefore + Skipped };
            return progress.keeper?.AddTo(moved) ?? moved;
        }

        public void Confirm()
        {
            lock (progress.Gate)
            {
                progress.RecordWrite(position, Done);
                progress.writtenSkipped = Skipped;
                progress.parked.Remove(parked);
            }

            progress.keeper?.Confirm();
        }
    }
}

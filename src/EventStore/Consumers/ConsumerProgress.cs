using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Events that were delivered together and are done together.</summary>
internal sealed class DeliveredUnit(FeedPosition position, int count)
{
    /// <summary>The position of whoever has handled them.</summary>
    public FeedPosition Position => position;

    public int Count => count;

    /// <summary>Guarded by the progress.</summary>
    public bool IsDone { get; set; }
}

/// <summary>
/// Up to where everything is handled, although units may finish out of order; the state at that place; and what of it is not yet written.
/// Wakes those who wait for a position.
/// </summary>
internal sealed class ConsumerProgress(FeedPosition start, object? state)
{
    // All guarded by the gate.
    private readonly Lock gate = new();
    private readonly Queue<DeliveredUnit> outstanding = new();
    private readonly List<(long Checkpoint, TaskCompletionSource Reached)> waiters = [];
    private readonly SortedSet<long> newlyParked = [];
    private readonly SortedSet<long> newlyUnparked = [];
    private FeedPosition position = start;
    private FeedPosition scanned = start;
    private FeedPosition written = start;
    private object? state = state;
    private long newlySkipped;
    private int handledSinceWrite;
    private Exception? ended;
    private ConsumerProgress? successor;

    public FeedPosition Position
    {
        get
        {
            lock (gate) return position;
        }
    }

    public object? State
    {
        get
        {
            lock (gate) return state;
        }
    }

    /// <summary>Whether nothing delivered is still to be done.</summary>
    public bool IsIdle
    {
        get
        {
            lock (gate) return outstanding.Count == 0;
        }
    }

    /// <summary>Says that the next event was handled, where one is handled after the other; answers how many were since the last write.</summary>
    public int MoveTo(FeedPosition handled, object? newState)
    {
        lock (gate)
        {
            (position, scanned, state) = (handled, handled, newState);
            if (waiters.Count > 0) Release();
            return ++handledSinceWrite;
        }
    }

    /// <summary>Says that a unit is about to be delivered. Units come in order.</summary>
    public void Begin(DeliveredUnit unit)
    {
        lock (gate)
        {
            outstanding.Enqueue(unit);
            scanned = unit.Position;
        }
    }

    public void Finish(DeliveredUnit unit)
    {
        lock (gate)
        {
            if (unit.IsDone) return;
            unit.IsDone = true;
            handledSinceWrite += unit.Count;
            while (outstanding.TryPeek(out var first) && first.IsDone) position = outstanding.Dequeue().Position;
            if (outstanding.Count == 0) position = scanned;
            Release();
        }
    }

    /// <summary>Says that everything up to a position was delivered or is not meant.</summary>
    public void Scanned(FeedPosition upTo)
    {
        lock (gate)
        {
            scanned = upTo;
            if (outstanding.Count == 0) position = upTo;
            Release();
        }
    }

    public void Park(IEnumerable<CommittedEvent> events)
    {
        lock (gate) newlyParked.UnionWith(events.Select(committed => committed.Checkpoint.Value));
    }

    /// <summary>Says that a parked event was handled after all, or is no more, and what the state is now.</summary>
    public void Unpark(long checkpoint, object? newState)
    {
        lock (gate)
        {
            state = newState;
            newlyUnparked.Add(checkpoint);
        }
    }

    public void Skip(int count)
    {
        lock (gate) newlySkipped += count;
    }

    /// <summary>Whether so many events were handled since the last write, or anything at all for 1.</summary>
    public bool IsWriteDue(int events)
    {
        lock (gate) return handledSinceWrite >= events;
    }

    public bool HasUnwritten
    {
        get
        {
            lock (gate) return handledSinceWrite > 0 || position != written || newlyParked.Count > 0 || newlyUnparked.Count > 0 || newlySkipped > 0;
        }
    }

    /// <summary>What is to be written now. Hand it to <see cref="Written"/> once it is.</summary>
    public Unwritten Take()
    {
        lock (gate) return new(position, state, [.. newlyParked], [.. newlyUnparked], newlySkipped, handledSinceWrite);
    }

    public void Written(Unwritten done)
    {
        lock (gate)
        {
            written = done.Position;
            handledSinceWrite -= done.Handled;
            newlySkipped -= done.Skipped;
            newlyParked.ExceptWith(done.Parked);
            newlyUnparked.ExceptWith(done.Unparked);
        }
    }

    /// <summary>Returns when everything up to a checkpoint is handled.</summary>
    public Task WaitForAsync(long checkpoint)
    {
        lock (gate)
        {
            if (successor is not null) return successor.WaitForAsync(checkpoint);
            if (position.Checkpoint >= checkpoint) return Task.CompletedTask;
            if (ended is not null) return Task.FromException(ended);
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiters.Add((checkpoint, reached));
            return reached.Task;
        }
    }

    /// <summary>Lets those who wait here, now or later, wait there.</summary>
    public void HandOverTo(ConsumerProgress next)
    {
        lock (gate)
        {
            lock (next.gate)
            {
                next.waiters.AddRange(waiters);
                next.Release();
            }

            waiters.Clear();
            successor = next;
        }
    }

    /// <summary>Lets those go who wait for what will not come.</summary>
    public void End(Exception why)
    {
        lock (gate)
        {
            ended = why;
            foreach (var (_, reached) in waiters) reached.TrySetException(why);
            waiters.Clear();
        }
    }

    private void Release()
    {
        for (var i = waiters.Count - 1; i >= 0; i--)
        {
            if (waiters[i].Checkpoint > position.Checkpoint) continue;
            waiters[i].Reached.TrySetResult();
            waiters.RemoveAt(i);
        }
    }

    internal sealed record Unwritten(FeedPosition Position, object? State, IReadOnlyList<long> Parked, IReadOnlyList<long> Unparked, long Skipped, int Handled)
    {
        /// <summary>What is parked, given what is written.</summary>
        public IEnumerable<long> ParkedIn(ConsumerRecord record) => record.Parked.Union(Parked).Except(Unparked).Order();
    }
}

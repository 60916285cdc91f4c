using EventStore.Feeds;

namespace EventStore.Deliveries;

/// <summary>What is delivered at once, and is done as a whole.</summary>
/// <param name="after">The position when it is done, and everything before it.</param>
/// <param name="count">How many deliveries it counts as.</param>
internal class DeliveryUnit(FeedPosition after, int count)
{
    public FeedPosition After => after;

    public int Count => count;

    /// <summary>The position while it is the first one that is not done. Guarded by the progress, as is <see cref="IsDone"/>.</summary>
    public FeedPosition Before { get; private set; }

    public bool IsDone { get; private set; }

    public void Begin(FeedPosition before) => Before = before;

    public virtual void Finish() => IsDone = true;
}

/// <summary>
/// Keeps the units that are being delivered, in order, and the position up to which everything is done although units finish out of order.
/// Completes the waits for a position.
/// </summary>
/// <remarks>All members of derived classes are guarded by the gate.</remarks>
internal abstract class DeliveryProgress<TUnit>(FeedPosition start) where TUnit : DeliveryUnit
{
    private readonly Queue<TUnit> outstanding = new();
    private FeedPosition scanned = start;

    /// <summary>Everything up to here is done.</summary>
    public FeedPosition Position
    {
        get
        {
            lock (Gate) return Reached;
        }
    }

    /// <summary>Whether every delivered unit is done.</summary>
    public bool IsIdle
    {
        get
        {
            lock (Gate) return outstanding.Count == 0;
        }
    }

    protected Lock Gate { get; } = new();

    protected PositionWaiters Waiters { get; } = new();

    protected FeedPosition Reached => outstanding.TryPeek(out var first) ? first.Before : scanned;

    /// <summary>Everything up to here was added, or need not be delivered.</summary>
    protected FeedPosition ScannedPosition => scanned;

    /// <summary>The units that are not done, and those done after them.</summary>
    protected IReadOnlyCollection<TUnit> Outstanding => outstanding;

    /// <summary>The position of the last write.</summary>
    protected FeedPosition WrittenPosition { get; private set; } = start;

    protected int DoneSinceWrite { get; private set; }

    /// <summary>Adds a unit that is about to be delivered. Units are added in order.</summary>
    public void Begin(TUnit unit)
    {
        lock (Gate) Begin(unit, scanned);
    }

    /// <summary>Marks a unit as done. Does nothing if it is done already.</summary>
    public void Finish(TUnit unit)
    {
        lock (Gate)
        {
            if (unit.IsDone) return;
            unit.Finish();
            DoneSinceWrite += unit.Count;
            while (outstanding.TryPeek(out var first) && first.IsDone) outstanding.Dequeue();
            if (Waiters.Any) Waiters.Release(Reached.Checkpoint);
        }
    }

    /// <summary>Records that everything up to a position was delivered or need not be.</summary>
    public void Scanned(FeedPosition upTo)
    {
        lock (Gate)
        {
            scanned = upTo;
            Waiters.Release(Reached.Checkpoint);
        }
    }

    /// <summary>Whether so many deliveries are done that progress must be written.</summary>
    public virtual bool IsWriteDue(int deliveries)
    {
        lock (Gate) return DoneSinceWrite >= deliveries;
    }

    /// <summary>Adds a unit. Called with the gate held.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="before">Everything up to here was added before, or need not be delivered.</param>
    protected void Begin(TUnit unit, FeedPosition before)
    {
        unit.Begin(before);
        outstanding.Enqueue(unit);
        scanned = unit.After;
        if (outstanding.Count == 1 && Waiters.Any) Waiters.Release(before.Checkpoint);
    }

    /// <summary>Moves on after a delivery without a unit of its own. Called with the gate held and nothing outstanding.</summary>
    /// <returns>How many deliveries are done since the last write.</returns>
    protected int Advance(FeedPosition to)
    {
        scanned = to;
        if (Waiters.Any) Waiters.Release(to.Checkpoint);
        return ++DoneSinceWrite;
    }

    /// <summary>Records a write. Called with the gate held.</summary>
    protected void RecordWrite(FeedPosition position, int done)
    {
        WrittenPosition = position;
        DoneSinceWrite -= done;
    }
}

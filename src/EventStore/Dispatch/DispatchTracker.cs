using EventStore.Deliveries;
using EventStore.Feeds;

namespace EventStore.Dispatch;

/// <summary>What is dispatched at once: a commit, or one event of it.</summary>
/// <param name="commit">What is dispatched.</param>
/// <param name="first">Its first checkpoint in the store.</param>
/// <param name="last">Its last checkpoint in the store.</param>
internal sealed class DispatchUnit(Commit commit, long first, long last) : DeliveryUnit(new FeedPosition(last, 0), count: 1)
{
    private Commit? held = commit;

    public Commit Commit => held ?? throw new InvalidOperationException("The unit is done.");

    public long First => first;

    public long Last => last;

    /// <summary>Whether a dispatch of it failed. Touched by its lane only.</summary>
    public bool HasFailed { get; private set; }

    public void RecordFailure() => HasFailed = true;

    /// <summary>Releases the events. A unit that is done while an earlier one fails keeps its place only.</summary>
    public override void Finish()
    {
        base.Finish();
        held = null;
    }
}

/// <summary>The progress of dispatch in one term of leadership.</summary>
internal sealed class DispatchTracker(long watermark)
    : DeliveryProgress<DispatchUnit>(new FeedPosition(watermark, 0)), IWrittenProgress<DispatchProgress>
{
    private readonly ParkedChanges parked = new();
    private volatile bool isCaughtUp;

    /// <summary>Everything up to here is dispatched, parked or deleted.</summary>
    public long Watermark => Position.Checkpoint;

    /// <summary>Records that stored events are being read.</summary>
    public void BeginReading() => isCaughtUp = false;

    /// <summary>Records that all stored events were read. Progress is then written as soon as no unit is outstanding.</summary>
    public void EndReading() => isCaughtUp = true;

    /// <summary>Adds a unit that is about to be dispatched. Events between the unit before and this one need no dispatch.</summary>
    public void Add(DispatchUnit unit)
    {
        lock (Gate) Begin(unit, new FeedPosition(unit.First - 1, 0));
    }

    /// <summary>Records that every event up to a checkpoint was added or need not be dispatched.</summary>
    public void ScannedTo(long checkpoint)
    {
        lock (Gate)
        {
            if (checkpoint >= ScannedPosition.Checkpoint) Scanned(new FeedPosition(checkpoint, 0));
        }
    }

    public void Park(DispatchUnit unit)
    {
        lock (Gate)
        {
            parked.Park(unit.First, unit.Last);
            Finish(unit);
        }
    }

    public override bool IsWriteDue(int deliveries)
    {
        lock (Gate)
        {
            var isAllDone = isCaughtUp && Outstanding.Count == 0 && Reached.Checkpoint > WrittenPosition.Checkpoint;
            return DoneSinceWrite >= deliveries || isAllDone;
        }
    }

    public IUnwritten<DispatchProgress> Take()
    {
        lock (Gate)
        {
            var done = Outstanding.Where(unit => unit.IsDone).Select(unit => new CheckpointRange(unit.First, unit.Last));
            return new Unwritten(this, Reached.Checkpoint, [.. done], parked.Take()) { Done = DoneSinceWrite };
        }
    }

    /// <summary>Returns when everything up to a checkpoint is done, or when waiting was called off.</summary>
    public Task WaitForAsync(long checkpoint)
    {
        lock (Gate) return Reached.Checkpoint >= checkpoint ? Task.CompletedTask : Waiters.Add(checkpoint);
    }

    /// <summary>Completes all waits, because dispatch fails or another process took over.</summary>
    public void CallOffWaiting()
    {
        lock (Gate) Waiters.Release(long.MaxValue);
    }

    private sealed class Unwritten(
        DispatchTracker tracker, long watermark, CheckpointRange[] done, ParkedChanges.Taken parked) : IUnwritten<DispatchProgress>
    {
        public required int Done { get; init; }

        public DispatchProgress AddTo(DispatchProgress document) =>
            document.Park(parked.Parked.Where(range => !document.IsMarked(range.First))).Mark(watermark, done);

        public void Confirm()
        {
            lock (tracker.Gate)
            {
                tracker.parked.Remove(parked);
                tracker.RecordWrite(new FeedPosition(Math.Max(watermark, tracker.WrittenPosition.Checkpoint), 0), Done);
            }
        }
    }
}

namespace EventStore.Dispatch;

/// <summary>What is handed to the bus at once: a commit, or one event of it.</summary>
internal sealed class DispatchUnit(Commit commit)
{
    private Commit? held = commit;

    public Commit Commit => held ?? throw new InvalidOperationException("The unit is done.");

    public long First { get; init; }

    public long Last { get; init; }

    /// <summary>Whether it is done; guarded by the tracker. What is done behind a stuck stream keeps its place, not its events.</summary>
    public bool IsDone => held is null;

    public void Finish() => held = null;
}

/// <summary>
/// Keeps the units that are out for dispatch in checkpoint order, and tells up to where everything is done although streams finish out of order.
/// Wakes those who wait for that.
/// </summary>
internal sealed class DispatchTracker(long watermark)
{
    // All guarded by the gate.
    private readonly Lock gate = new();
    private readonly Queue<DispatchUnit> outstanding = new();
    private readonly List<CheckpointRange> newlyParked = [];
    private readonly List<(long Checkpoint, TaskCompletionSource Reached)> waiters = [];
    private long scannedTo = watermark;
    private long written = watermark;
    private int doneSinceWrite;

    /// <summary>Everything up to here is done or gone.</summary>
    public long Watermark
    {
        get
        {
            lock (gate) return CurrentWatermark;
        }
    }

    private long CurrentWatermark => outstanding.TryPeek(out var first) ? first.First - 1 : scannedTo;

    /// <summary>Says that a unit is about to be dispatched. Units come in checkpoint order.</summary>
    public void Add(DispatchUnit unit)
    {
        lock (gate)
        {
            outstanding.Enqueue(unit);
            scannedTo = Math.Max(scannedTo, unit.Last);
        }
    }

    /// <summary>Says that everything up to a checkpoint was added or is gone.</summary>
    public void ScannedTo(long checkpoint)
    {
        lock (gate)
        {
            scannedTo = Math.Max(scannedTo, checkpoint);
            Release(CurrentWatermark);
        }
    }

    public void Done(DispatchUnit unit, bool isParked)
    {
        lock (gate)
        {
            unit.Finish();
            doneSinceWrite++;
            if (isParked) newlyParked.Add(new(unit.First, unit.Last));
            while (outstanding.TryPeek(out var first) && first.IsDone) outstanding.Dequeue();
            Release(CurrentWatermark);
        }
    }

    /// <summary>Whether progress is worth writing: so many units are done, or all are and it was not said yet.</summary>
    public bool IsWriteDue(int unitsPerWrite, bool isCaughtUp)
    {
        lock (gate) return doneSinceWrite >= unitsPerWrite || (isCaughtUp && outstanding.Count == 0 && CurrentWatermark > written);
    }

    /// <summary>Copies what is done into the progress to be written.</summary>
    public void WriteTo(DispatchProgress progress)
    {
        lock (gate)
        {
            foreach (var parked in newlyParked.Where(parked => !progress.IsMarked(parked.First))) progress.Park(parked.First, parked.Last);
            progress.LiftWatermark(CurrentWatermark);
            foreach (var unit in outstanding.Where(unit => unit.IsDone)) progress.Mark(unit.First, unit.Last);
        }
    }

    /// <summary>Says that a progress taken from here was written.</summary>
    public void Written(DispatchProgress progress)
    {
        lock (gate)
        {
            written = Math.Max(written, progress.Watermark);
            doneSinceWrite = 0;
            newlyParked.RemoveAll(parked => progress.IsParked(parked.First) || progress.IsMarked(parked.First));
        }
    }

    /// <summary>Returns when everything up to a checkpoint is done, or when waiting was called off.</summary>
    public Task WaitForAsync(long checkpoint)
    {
        lock (gate)
        {
            if (CurrentWatermark >= checkpoint) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiters.Add((checkpoint, reached));
            return reached.Task;
        }
    }

    /// <summary>Lets everyone go who waits: dispatch fails, or has moved elsewhere.</summary>
    public void CallOffWaiting()
    {
        lock (gate) Release(long.MaxValue);
    }

    private void Release(long upTo)
    {
        for (var i = waiters.Count - 1; i >= 0; i--)
        {
            if (waiters[i].Checkpoint > upTo) continue;
            waiters[i].Reached.TrySetResult();
            waiters.RemoveAt(i);
        }
    }
}

using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Store;

/// <summary>
/// The one writer of a store. Carries out plans: a batch is written and, where the settings say so, flushed; only then it is indexed and
/// published.
/// </summary>
internal sealed class StoreWriter
{
    private readonly StoreView view;
    private readonly SegmentedLog log;
    private readonly LiveWriter live;
    private readonly SealedPacking? packing;

    // Held from the decision to the end of the flush.
    private readonly Lock gate = new();
    private readonly WritePlan plan = new();
    private volatile bool isClosed;

    public StoreWriter(StoreView view, SegmentedLog log, LiveWriter live, SealedPacking? packing) =>
        (this.view, this.log, this.live, this.packing) = (view, log, live, packing);

    /// <summary>Waits for the turn to write, which ends when the scope is disposed.</summary>
    public Lock.Scope Enter() => gate.EnterScope();

    /// <summary>Begins a plan. Only within a turn.</summary>
    /// <exception cref="IndexDamageException">A merge found damage that a decision might not see; the index has to be rebuilt
    /// first.</exception>
    /// <exception cref="StorageException">The store takes no more writes.</exception>
    public WritePlan BeginPlan()
    {
        RefuseIfClosed();
        if (view.Index.Keeper.Damage is { } damage) throw damage;
        log.MakeRoom();
        plan.Begin(log.End);
        return plan;
    }

    /// <summary>Carries out a plan, within the same turn. Returns a task that ends when the write may be acknowledged.</summary>
    /// <exception cref="StorageUnavailableException">There is no space; nothing is stored.</exception>
    /// <exception cref="BatchOutcomeUnknownException">The disk failed; the store takes no more writes.</exception>
    public Task CarryOut(WritePlan planned)
    {
        if (planned.IsEmpty) return Task.CompletedTask;
        var position = log.End.Position;
        log.Append(planned.Frames, planned.StampTicks);
        view.Reach(log.WrittenEnd);
        view.Index.ApplyAll(planned.Frames.Written, position, view.Names);
        Publish();
        var keeper = view.Index.Keeper;
        if (keeper.IsFreezeDue(log.End.Position)) keeper.Freeze(log.End);
        packing?.Notice();
        return keeper.CatchUp(log.End.Position);
    }

    /// <summary>Seals the segment that is written to, unless it is empty, so that it can be packed.</summary>
    public void SealActive()
    {
        lock (gate)
        {
            RefuseIfClosed();
            if (log.End.Position == view.Segments.All[^1].FirstFrame) return;
            log.BeginSegment();
            Publish();
        }
    }

    /// <summary>When this returns, other processes know everything that is indexed here, and which files were replaced.</summary>
    public void PublishToOthers()
    {
        lock (gate) live.Publish();
    }

    /// <summary>Builds the index from the log again.</summary>
    /// <exception cref="IndexDamageException">It is damaged again.</exception>
    /// <exception cref="CorruptStorageException">The log is damaged.</exception>
    public async ValueTask RebuildIndexAsync(IndexSettings settings)
    {
        var keeper = view.Index.Keeper;
        while (true)
        {
            await keeper.SettleAsync().ConfigureAwait(false);
            lock (gate)
            {
                RefuseIfClosed();
                if (!keeper.IsSettled) continue; // a write started another part in between
                keeper.Adopt(IndexRebuild.Run(view, log.End, settings));
                keeper.WriteCheckpoint();
                return;
            }
        }
    }

    /// <summary>Refuses everything from now on; false if it did so before.</summary>
    public bool TryClose()
    {
        lock (gate)
        {
            var wasClosed = isClosed;
            isClosed = true;
            return !wasClosed;
        }
    }

    /// <exception cref="ObjectDisposedException">The store is closed.</exception>
    public void RefuseIfClosed() => ObjectDisposedException.ThrowIf(isClosed, typeof(IPersistenceEngine));

    private void Publish()
    {
        view.Publish(log.End);
        live.Notice();
    }
}

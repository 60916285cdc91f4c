using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Store;

/// <summary>
/// The one writer of a store. Carries out plans: a batch is written and, where the settings say so, flushed; only then it is indexed and
/// published.
/// </summary>
internal sealed class StoreWriter
{
    private readonly SegmentedLog log;
    private readonly IndexUpkeep upkeep;
    private readonly LiveWriter live;
    private readonly SealedPacking? packing;

    // Held from the decision to the end of the flush.
    private readonly Lock gate = new();
    private readonly WritePlan plan;
    private volatile bool isClosed;

    public StoreWriter(SegmentedLog log, IndexUpkeep upkeep, LiveWriter live, SealedPacking? packing) =>
        (this.log, this.upkeep, this.live, this.packing, plan) = (log, upkeep, live, packing, new WritePlan(live.View.Index));

    private StoreView View => live.View;

    /// <summary>Waits for the turn to write, which ends when the scope is disposed.</summary>
    public Lock.Scope Enter() => gate.EnterScope();

    /// <summary>Begins a plan. Only within a turn.</summary>
    /// <exception cref="IndexDamageException">A merge found damage that a decision might not see; the index has to be rebuilt
    /// first.</exception>
    /// <exception cref="StorageException">The store takes no more writes.</exception>
    public WritePlan BeginPlan()
    {
        RefuseIfClosed();
        if (upkeep.Damage is { } damage) throw damage;
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
        log.Append(planned.Frames, planned.StampTicks);
        View.Reach(log.WrittenEnd);
        planned.Index(View.Names);
        Publish();
        if (upkeep.IsFreezeDue(log.End.Position)) upkeep.Freeze(log.End);
        packing?.Notice();
        return upkeep.CatchUp(log.End.Position);
    }

    /// <summary>Seals the segment that is written to, unless it is empty, so that it can be packed.</summary>
    public void SealActive()
    {
        lock (gate)
        {
            RefuseIfClosed();
            if (log.End.Position == View.Segments.All[^1].FirstFrame) return;
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
        while (true)
        {
            await upkeep.SettleAsync().ConfigureAwait(false);
            lock (gate)
            {
                RefuseIfClosed();
                if (!upkeep.IsSettled) continue; // a write started another part in between
                upkeep.Adopt(IndexRebuild.Run(View, log.End, settings));
                upkeep.WriteCheckpoint();
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
        View.Publish(log.End);
        live.Notice();
    }
}

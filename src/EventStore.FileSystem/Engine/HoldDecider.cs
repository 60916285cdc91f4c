using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>An import is to hold the store, or to end its hold.</summary>
internal readonly record struct HoldChange(string Holder, bool IsHeld);

/// <summary>Checkpoints up to this one are to be passed over.</summary>
internal readonly record struct CheckpointSkip(Checkpoint UpTo);

/// <summary>
/// Decides about the hold of an import. It is stored, so that it also keeps away the engines that open the store later.
/// </summary>
internal sealed class HoldDecider(StoreView store) : IDecider<HoldChange, bool>, IDecider<CheckpointSkip, bool>
{
    // A plan of this many takes 64 KB of the log.
    private const long MostInPlan = ushort.MaxValue * 1024L;

    // The name under which this engine holds the store; null where it does not.
    private volatile string? heldAs;

    /// <summary>Records under which name this engine holds the store; null for none.</summary>
    public void HoldAs(string? holder) => heldAs = holder;

    /// <exception cref="StorageHeldException">An import holds the store, and not through this engine.</exception>
    public void RequireFree()
    {
        if (store.Index.Removals.Holder is { } holder && holder != heldAs) throw new StorageHeldException(holder);
    }

    /// <exception cref="StorageHeldException">Another import holds the store.</exception>
    public bool Decide(HoldChange asked, WritePlan plan)
    {
        var holder = store.Index.Removals.Holder;
        if (holder is not null && holder != asked.Holder) throw new StorageHeldException(holder);
        if (asked.IsHeld == holder is not null) return false;
        plan.AddHold(asked.Holder, asked.IsHeld);
        return true;
    }

    /// <summary>Returns whether all of them are passed over.</summary>
    /// <exception cref="InvalidOperationException">This engine does not hold the store.</exception>
    public bool Decide(CheckpointSkip asked, WritePlan plan)
    {
        if (heldAs is null || store.Index.Removals.Holder != heldAs)
            throw new InvalidOperationException("Checkpoints are skipped only while the storage is held by this engine. Call HoldAsync.");
        var left = asked.UpTo.Value + 1 - plan.NextCheckpoint.Value;
        if (left <= 0) return true;
        plan.AddSkip(Math.Min(left, MostInPlan));
        return left <= MostInPlan;
    }
}

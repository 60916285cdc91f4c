using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>All but the newest snapshots of a stream are to be removed.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Keep">How many stay.</param>
internal readonly record struct SnapshotPruning(StreamId Stream, int Keep);

/// <summary>Decides about saving and pruning snapshots.</summary>
internal sealed class SnapshotDecider(StoreView store) : IDecider<SnapshotRecord, bool>, IDecider<SnapshotPruning, bool>
{
    // So that a frame never becomes longer than one can be.
    private const int MostPrunedPerFrame = 1_000_000;

    /// <exception cref="SnapshotRefusedException">The snapshot is not one of the stream as it is.</exception>
    public bool Decide(SnapshotRecord asked, WritePlan plan)
    {
        var state = plan.FindHead(asked.Stream).State;
        if (!AttemptRules.Accepts(asked, state)) throw new SnapshotRefusedException(asked.Stream, asked.Revision, state);
        plan.AddSnapshot(asked);
        return true;
    }

    public bool Decide(SnapshotPruning asked, WritePlan plan)
    {
        var pruned = SnapshotReading.ListOlder(store, asked.Stream, asked.Keep);
        if (pruned.Count == 0) return false;
        foreach (var part in pruned.Chunk(MostPrunedPerFrame)) plan.AddPruning(asked.Stream, part);
        return true;
    }
}

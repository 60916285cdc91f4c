using EventStore.FileSystem.Reading;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>A stream is to be deleted.</summary>
internal readonly record struct StreamDeletion(StreamId Stream, StreamExpectation Expected);

/// <summary>The events of a stream below a revision are to be removed.</summary>
internal readonly record struct StreamTruncation(StreamId Stream, Revision Before, StreamExpectation Expected);

/// <summary>A stream is to take no more commits.</summary>
internal readonly record struct StreamSealing(StreamId Stream, StreamExpectation Expected);

/// <summary>Everything in a bucket is to be removed; everything in the store if the bucket is null.</summary>
internal readonly record struct BucketPurge(string? Bucket);

/// <summary>Decides about deleting, truncating and sealing streams, and about purging.</summary>
internal sealed class RemovalDecider(StoreView store) : IDecider<StreamDeletion, StreamChange>, IDecider<StreamTruncation, StreamChange>,
    IDecider<StreamSealing, StreamChange>, IDecider<BucketPurge, bool>
{
    public StreamChange Decide(StreamDeletion asked, WritePlan plan)
    {
        var head = plan.FindHead(asked.Stream);
        if (Refuse(head, asked.Expected) is { } refused) return refused;
        plan.AddStreamDeletion(asked.Stream, CheckpointOf(asked.Stream, head, head.Revision, plan));
        return new StreamChange(StreamChangeKind.Changed, head.State);
    }

    public StreamChange Decide(StreamTruncation asked, WritePlan plan)
    {
        var head = plan.FindHead(asked.Stream);
        if (Refuse(head, asked.Expected) is { } refused) return refused;
        var first = Math.Min(asked.Before.Value, head.Revision + 1);
        if (first <= head.Entry.FirstRevision) return new StreamChange(StreamChangeKind.Unchanged, head.State);
        var changed = new PlannedHead(head.Entry with { FirstRevision = first });
        plan.AddStreamState(asked.Stream, changed, CheckpointOf(asked.Stream, head, first - 1, plan));
        return new StreamChange(StreamChangeKind.Changed, changed.State);
    }

    public StreamChange Decide(StreamSealing asked, WritePlan plan)
    {
        var head = plan.FindHead(asked.Stream);
        if (Refuse(head, asked.Expected) is { } refused) return refused;
        if (head.Entry.IsSealed) return new StreamChange(StreamChangeKind.Unchanged, head.State);
        var changed = new PlannedHead(head.Entry with { IsSealed = true });
        plan.AddStreamState(asked.Stream, changed, removed: 0);
        return new StreamChange(StreamChangeKind.Changed, changed.State);
    }

    public bool Decide(BucketPurge asked, WritePlan plan)
    {
        var newest = plan.NextCheckpoint.Value - 1;
        plan.AddPurge(asked.Bucket, asked.Bucket is { } bucket ? Math.Min(newest, CheckpointReading.NewestIn(store, bucket)) : newest);
        return true;
    }

    private static StreamChange? Refuse(PlannedHead head, StreamExpectation expected)
    {
        if (!expected.IsMetBy(head.State)) return new StreamChange(StreamChangeKind.Conflict, head.State);
        return head.Exists ? null : new StreamChange(StreamChangeKind.Missing, default);
    }

    // Where the commit of the event was lost, every checkpoint counts as removed.
    private long CheckpointOf(StreamId stream, PlannedHead head, long revision, WritePlan plan) =>
        CheckpointReading.Find(store, stream, head.Entry, revision) is > 0 and var found ? found : plan.NextCheckpoint.Value - 1;
}

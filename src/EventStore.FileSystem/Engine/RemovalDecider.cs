using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Engine;

/// <summary>Everything in a bucket is to be removed; everything in the store if the bucket is null.</summary>
internal readonly record struct BucketPurge(string? Bucket);

/// <summary>Decides about deleting streams and purging.</summary>
internal sealed class RemovalDecider : IDecider<StreamId, bool>, IDecider<BucketPurge, bool>
{
    /// <summary>Returns whether the stream existed.</summary>
    public bool Decide(StreamId asked, WritePlan plan)
    {
        if (!plan.FindHead(asked).Exists) return false;
        plan.AddStreamDeletion(asked);
        return true;
    }

    public bool Decide(BucketPurge asked, WritePlan plan)
    {
        plan.AddPurge(asked.Bucket);
        return true;
    }
}

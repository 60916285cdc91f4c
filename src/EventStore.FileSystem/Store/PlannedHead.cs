using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Store;

/// <summary>The head of a stream as a decider sees it: as stored, or with what the plan adds.</summary>
/// <param name="Entry">Its entry in the index.</param>
internal readonly record struct PlannedHead(HeadEntry Entry)
{
    public bool Exists => Entry.Exists;

    public long Revision => Entry.Revision;

    public long Sequence => Entry.Sequence;

    public StreamState State => Entry.State;
}

using System.Text.Json.Serialization;

namespace OwnBackend;

/// <summary>
/// What one line of the journal says. All lines applied in order are the store; numbers that follow from the order are not written.
/// </summary>
[JsonDerivedType(typeof(Begun), "journal")]
[JsonDerivedType(typeof(Committed), "commit")]
[JsonDerivedType(typeof(SnapshotSaved), "snapshot")]
[JsonDerivedType(typeof(SnapshotsPruned), "prune")]
[JsonDerivedType(typeof(DocumentPut), "put")]
[JsonDerivedType(typeof(DocumentDeleted), "delete")]
[JsonDerivedType(typeof(StreamDeleted), "deleteStream")]
[JsonDerivedType(typeof(StreamTruncated), "truncateStream")]
[JsonDerivedType(typeof(StreamSealed), "sealStream")]
[JsonDerivedType(typeof(Purged), "purge")]
[JsonDerivedType(typeof(Held), "hold")]
[JsonDerivedType(typeof(CheckpointsSkipped), "skip")]
internal abstract record JournalEntry
{
    /// <summary>The first line. A journal of another version is refused.</summary>
    public sealed record Begun(int Version) : JournalEntry;

    /// <summary>A commit of one stream, or a unit of several. It is one line, so it is whole or absent.</summary>
    public sealed record Committed(Guid CommitId, DateTimeOffset Stamp, Member[] Members) : JournalEntry;

    public sealed record SnapshotSaved(StreamName Stream, long Revision, int SchemaVersion, string StateType, ReadOnlyMemory<byte> Payload)
        : JournalEntry;

    public sealed record SnapshotsPruned(StreamName Stream, int Keep) : JournalEntry;

    public sealed record DocumentPut(string Name, ReadOnlyMemory<byte> Content) : JournalEntry;

    public sealed record DocumentDeleted(string Name) : JournalEntry;

    public sealed record StreamDeleted(StreamName Stream) : JournalEntry;

    public sealed record StreamTruncated(StreamName Stream, long FirstRevision) : JournalEntry;

    public sealed record StreamSealed(StreamName Stream) : JournalEntry;

    public sealed record Purged(string? Bucket) : JournalEntry;

    /// <summary>An import holds the store; null when it has released it.</summary>
    public sealed record Held(string? Holder) : JournalEntry;

    public sealed record CheckpointsSkipped(long UpTo) : JournalEntry;

    public readonly record struct Member(StreamName Stream, ReadOnlyMemory<byte> Headers, Event[] Events);

    public readonly record struct Event(Guid Id, string Type, ReadOnlyMemory<byte> Body, ReadOnlyMemory<byte> Headers, string[] Tags);

    /// <summary>A stream's name as three strings, so that no separator has to be chosen and escaped.</summary>
    public readonly record struct StreamName(string Bucket, string Category, string Id)
    {
        public static implicit operator StreamName(StreamId stream) => new(stream.Bucket, stream.Category, stream.Id);

        public static implicit operator StreamId(StreamName name) => new(name.Bucket, name.Category, name.Id);
    }
}

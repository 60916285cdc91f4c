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
[JsonDerivedType(typeof(Purged), "purge")]
internal abstract record JournalEntry
{
    /// <summary>The first line. A journal of another version is refused.</summary>
    public sealed record Begun(int Version) : JournalEntry;

    public sealed record Committed(StreamName Stream, Guid CommitId, DateTimeOffset Stamp, ReadOnlyMemory<byte> Headers, Event[] Events)
        : JournalEntry;

    public sealed record SnapshotSaved(StreamName Stream, long Revision, int SchemaVersion, string StateType, ReadOnlyMemory<byte> Payload)
        : JournalEntry;

    public sealed record SnapshotsPruned(StreamName Stream, int Keep) : JournalEntry;

    public sealed record DocumentPut(string Name, ReadOnlyMemory<byte> Content) : JournalEntry;

    public sealed record DocumentDeleted(string Name) : JournalEntry;

    public sealed record StreamDeleted(StreamName Stream) : JournalEntry;

    public sealed record Purged(string? Bucket) : JournalEntry;

    public readonly record struct Event(Guid Id, string Type, ReadOnlyMemory<byte> Body, ReadOnlyMemory<byte> Headers);

    /// <summary>A stream's name as three strings, so that no separator has to be chosen and escaped.</summary>
    public readonly record struct StreamName(string Bucket, string Category, string Id)
    {
        public static implicit operator StreamName(StreamId stream) => new(stream.Bucket, stream.Category, stream.Id);

        public static implicit operator StreamId(StreamName name) => new(name.Bucket, name.Category, name.Id);
    }
}

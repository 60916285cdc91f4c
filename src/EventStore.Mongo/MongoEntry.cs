using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// A link of the chain: a commit or unit, a change of streams, or neither. The last is a gap, the begin or end of a hold, or the rest of
/// what was removed.
/// </summary>
internal sealed class MongoEntry
{
    private readonly BsonDocument document;

    private MongoEntry(BsonDocument document)
    {
        this.document = document;
        Link = MongoRows.NumberOf(document, MongoRows.Key);
        Last = MongoRows.NumberOf(document, MongoRows.Last, least: 0);
        Count = MongoRows.NumberOf(document, MongoRows.Count, least: 0);
        if (Count > Last) throw MongoRows.OutOfRange(MongoRows.Count);
        Stamp = MongoRows.StampOf(document);
        Removed = MongoRows.NumberOr(document, MongoRows.Removed, missing: 0, least: 1);
        if (Removed > Last) throw MongoRows.OutOfRange(MongoRows.Removed);
        Holder = document.TryGetValue(MongoRows.Holder, out var holder) ? holder.AsString : null;
        Born = document.TryGetValue(MongoRows.Born, out var born) ? born.AsString : null;
        if (document.Contains(MongoRows.Change)) Change = new MongoChange(document);
        if (!document.TryGetValue(MongoRows.Commits, out var commits))
        {
            // What is emptied loses all of this at once.
            if (Change is null && MongoEmptying.Emptied.Any(document.Contains)) throw new FormatException("It has no commits.");
            return;
        }

        var members = commits.AsBsonArray;
        if (members.Count == 0) throw MongoRows.OutOfRange(MongoRows.Commits);
        Members = new MongoMember[members.Count];
        var next = First;
        for (var i = 0; i < members.Count; i++)
        {
            Members[i] = new MongoMember(members[i].AsBsonDocument, next);
            next += Members[i].Count;
        }

        if (next != Last + 1) throw MongoRows.OutOfRange(MongoRows.Count);
        CommitId = document[MongoRows.Commit].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard);
    }

    /// <summary>Its number in the chain, which is its key.</summary>
    public long Link { get; }

    /// <summary>The highest checkpoint up to it.</summary>
    public long Last { get; }

    /// <summary>How many checkpoints are its own.</summary>
    public long Count { get; }

    /// <summary>Its first checkpoint, if any is its own.</summary>
    public long First => Last - Count + 1;

    /// <summary>In microseconds.</summary>
    public long Stamp { get; }

    /// <summary>The highest checkpoint that was removed up to here; 0 for none.</summary>
    public long Removed { get; }

    /// <summary>The import that holds the storage; null for none.</summary>
    public string? Holder { get; }

    /// <summary>The key of the first stream that begins with it; null for none.</summary>
    public string? Born { get; }

    /// <summary>What it changes; null for none.</summary>
    public MongoChange? Change { get; }

    /// <summary>Its commits; several in a unit, some of which may have been removed. Empty where it has none.</summary>
    public MongoMember[] Members { get; } = [];

    /// <summary>The id of its commits.</summary>
    public Guid CommitId { get; }

    /// <summary>Whether it is a commit or unit of which nothing was removed.</summary>
    public bool IsWhole => Members.Length > 0 && Array.TrueForAll(Members, member => member.IsThere);

    public static MongoEntry Of(BsonDocument document) => MongoRows.Read(document, () => new MongoEntry(document));

    /// <summary>Where a stream stands after it; no stream where it does not concern it.</summary>
    public MongoHead HeadOf(StreamId stream) => Find(stream) is { } member ? member.After
        : Change is { IsRemoval: false } change && change.Target.Covers(stream) ? change.Head : default;

    /// <summary>The commit of a stream; null for none.</summary>
    public MongoMember? Find(StreamId stream) => Array.Find(Members, member => member.IsThere && member.Stream == stream);

    /// <summary>The tokens by which it is found.</summary>
    public HashSet<BsonValue> ReadTokens() =>
        MongoRows.Read(document, () => ReadArrays(MongoRows.Streams, MongoRows.Lives, MongoRows.Terms));

    /// <summary>The streams by which it is found.</summary>
    public HashSet<BsonValue> ReadStreams() => MongoRows.Read(document, () => ReadArrays(MongoRows.Streams));

    /// <summary>A commit of it. The headers are empty where they were not asked for.</summary>
    public CommitRecord ToCommit(MongoMember member) => MongoRows.Read(document, () => new CommitRecord(
        member.Stream, CommitId, new CommitSequence(member.Sequence), MongoRows.ToStamp(Stamp), new Revision(member.Revision),
        new Checkpoint(member.FirstCheckpoint), member.Count, member.ReadHeaders())
    {
        Unit = Members.Length > 1 ? new UnitPlace(new Checkpoint(First), Members.Length) : default,
    });

    /// <summary>The events of a commit that are not truncated, where they were asked for.</summary>
    public RecordedEvent[] ToEvents(MongoMember member, CommitRecord commit) =>
        MongoRows.Read(document, () => member.ReadEvents(commit));

    private HashSet<BsonValue> ReadArrays(params string[] fields) => [.. fields.SelectMany(field => document[field].AsBsonArray)];
}

/// <summary>Where a stream stands: no stream is the default.</summary>
/// <param name="Start">The first checkpoint of the stream, which distinguishes it from an earlier one of the same name.</param>
/// <param name="Revision">Its revision.</param>
/// <param name="Sequence">The number of its newest commit.</param>
/// <param name="First">Its first revision that is not truncated.</param>
/// <param name="Newest">The checkpoint of its newest event.</param>
/// <param name="IsSealed">Whether it refuses commits.</param>
internal readonly record struct MongoHead(long Start, long Revision, long Sequence, long First, long Newest, bool IsSealed)
{
    public bool Exists => Revision > 0;

    public StreamState State => new(new Checkpoint(Start), new Revision(Revision), new Revision(First), IsSealed);

    /// <summary>As an engine returns it; null for no stream.</summary>
    public StreamHead? ToHead(StreamId stream, long snapshotRevision) => Exists
        ? new StreamHead(stream, new Revision(Revision), new CommitSequence(Sequence), new Revision(snapshotRevision))
        {
            FirstRevision = new Revision(First),
            IsSealed = IsSealed,
            Incarnation = new Checkpoint(Start),
        }
        : null;
}

/// <summary>Where the chain ends: its newest entry.</summary>
/// <param name="Link">The entry's number; 0 before the first entry.</param>
/// <param name="Last">The highest checkpoint, after which the next entry begins.</param>
/// <param name="Stamp">The newest stamp the store ever gave.</param>
/// <param name="Removed">The highest checkpoint that was ever removed.</param>
/// <param name="Holder">The import that holds the storage; null for none.</param>
internal readonly record struct MongoEnd(long Link, long Last, DateTimeOffset Stamp, long Removed, string? Holder)
{
    public static MongoEnd Origin => default;

    /// <summary>The number of the entry that follows.</summary>
    /// <exception cref="CorruptStorageException">The chain is longer than any store reaches.</exception>
    public long Next => Link < MongoRows.MostNumber ? Link + 1 : throw new CorruptStorageException(
        $"entry {Link} of the chain", "no store reaches it. Nothing was written.", "Run VerifyAsync, and restore the store from a backup.");

    public static MongoEnd Of(MongoEntry entry) =>
        new(entry.Link, entry.Last, MongoRows.ToStamp(entry.Stamp), entry.Removed, entry.Holder);
}

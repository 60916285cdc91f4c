using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>What an entry changes without storing events: it removes, truncates or seals streams.</summary>
/// <remarks>
/// <c>change</c> its kind · <c>bucket</c>, <c>category</c>, <c>id</c> its target · <c>streams</c> the target's token · <c>commit</c>
/// "removing" and <c>lives</c> its own number as long as it is not carried out. After a truncation or seal the stream is as <c>start</c>,
/// <c>revision</c>, <c>sequence</c>, <c>first</c>, <c>newest</c> and <c>sealed</c> say; <c>before</c> is the first revision before it.
/// </remarks>
internal sealed class MongoChange
{
    public const string Removal = "removal";
    public const string Truncation = "truncation";
    public const string Seal = "seal";

    public MongoChange(BsonDocument document)
    {
        var kind = document[MongoRows.Change].AsString;
        (IsRemoval, IsTruncation) = (kind == Removal, kind == Truncation);
        if (!IsRemoval && !IsTruncation && kind != Seal) throw MongoRows.OutOfRange(MongoRows.Change);
        Target = new(document[MongoRows.Bucket].AsString, document[MongoRows.Category].AsString, document[MongoRows.Id].AsString);
        if (Target.IsStream || !IsRemoval) Target.RequireStream();
        if (IsRemoval) return;
        Head = new MongoHead(
            MongoRows.NumberOf(document, MongoRows.Start), MongoRows.NumberOf(document, MongoRows.Revision),
            MongoRows.NumberOf(document, MongoRows.Sequence), MongoRows.NumberOf(document, MongoRows.First),
            MongoRows.NumberOf(document, MongoRows.Newest), document[MongoRows.Sealed].AsBoolean);
        if (Head.First > Head.Revision + 1) throw MongoRows.OutOfRange(MongoRows.First);
        if (Head.Newest < Head.Start) throw MongoRows.OutOfRange(MongoRows.Newest);
        Before = MongoRows.NumberOf(document, MongoRows.Before);
        if (Before > Head.First) throw MongoRows.OutOfRange(MongoRows.Before);
    }

    public bool IsRemoval { get; }

    public bool IsTruncation { get; }

    /// <summary>The stream; of a removal also a bucket or everything.</summary>
    public MongoTarget Target { get; }

    /// <summary>Where the stream stands after it; no stream after a removal.</summary>
    public MongoHead Head { get; }

    /// <summary>The first revision of the stream before it.</summary>
    public long Before { get; }

    /// <summary>The entry that removes a target.</summary>
    public static BsonDocument ToRemoval(in MongoEnd end, MongoTarget target, long removed) =>
        ToGoing(ToDocument(end with { Removed = Math.Max(end.Removed, removed) }, target, Removal));

    /// <summary>The entry that truncates a stream.</summary>
    /// <param name="end">What it comes behind.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="head">The stream before it.</param>
    /// <param name="first">The first revision after it, and the checkpoint of the one before that.</param>
    public static BsonDocument ToTruncation(
        in MongoEnd end, StreamId stream, MongoHead head, (long Revision, long Removed) first) =>
        ToGoing(Add(ToDocument(end with { Removed = Math.Max(end.Removed, first.Removed) }, MongoTarget.Of(stream), Truncation),
            head with { First = first.Revision }, head.First));

    /// <summary>The entry that seals a stream.</summary>
    public static BsonDocument ToSeal(in MongoEnd end, StreamId stream, MongoHead head) =>
        Add(ToDocument(end, MongoTarget.Of(stream), Seal), head with { IsSealed = true }, head.First);

    private static BsonDocument ToDocument(in MongoEnd end, MongoTarget target, string kind)
    {
        var document = MongoRows.ToEntry(end);
        document.Add(MongoRows.Change, kind);
        document.Add(MongoRows.Streams, new BsonArray { target.Token });
        document.Add(MongoRows.Bucket, target.Bucket);
        document.Add(MongoRows.Category, target.Category);
        document.Add(MongoRows.Id, target.Id);
        return document;
    }

    private static BsonDocument Add(BsonDocument document, in MongoHead head, long before)
    {
        document.Add(MongoRows.Start, head.Start);
        document.Add(MongoRows.Revision, head.Revision);
        document.Add(MongoRows.Sequence, head.Sequence);
        document.Add(MongoRows.First, head.First);
        document.Add(MongoRows.Newest, head.Newest);
        document.Add(MongoRows.Sealed, head.IsSealed);
        document.Add(MongoRows.Before, before);
        return document;
    }

    private static BsonDocument ToGoing(BsonDocument document)
    {
        document.Add(MongoRows.Commit, MongoRows.Removing);
        document.Add(MongoRows.Lives, new BsonArray { document[MongoRows.Key] });
        return document;
    }
}

/// <summary>
/// What a removal removes: a stream, a bucket, or everything. A bucket stands as a stream without id, which no stream is; everything as no
/// bucket.
/// </summary>
internal readonly record struct MongoTarget(string Bucket, string Category, string Id)
{
    public static MongoTarget Everything => new("", "", "");

    public bool IsStream => Id.Length > 0;

    /// <summary>By what its entries are found beside those of the streams.</summary>
    public string Token => IsStream ? MongoTokens.Of(Bucket, Category, Id)
        : Bucket.Length > 0 ? MongoTokens.OfBucket(Bucket) : MongoTokens.Everything;

    public static MongoTarget Of(StreamId stream) => new(stream.Bucket, stream.Category, stream.Id);

    public static MongoTarget Of(string? bucket) => bucket is null ? Everything : new(bucket, "", "");

    /// <exception cref="InvalidNameException">It is no stream.</exception>
    public void RequireStream() => _ = new StreamId(Bucket, Category, Id);

    public bool Covers(StreamId stream) =>
        IsStream ? Id == stream.Id && Category == stream.Category && Bucket == stream.Bucket : Bucket.Length == 0
            || Bucket == stream.Bucket;

    /// <summary>Its entries, whether commits or changes: a range of an index, which what is emptied leaves.</summary>
    public BsonDocument ToEntryFilter() => new(MongoRows.Streams, IsStream ? Token : new BsonDocument("$elemMatch", ToKeyRange()));

    /// <summary>The names of its streams in the register.</summary>
    public BsonDocument ToNameFilter() => new(MongoRows.Key, IsStream ? Token : ToKeyRange());

    /// <summary>Its snapshots.</summary>
    public BsonDocument ToSnapshotFilter() => IsStream
        ? new() { { MongoRows.Bucket, Bucket }, { MongoRows.Category, Category }, { MongoRows.Id, Id } }
        : new BsonDocument(MongoRows.Bucket, Bucket.Length > 0 ? Bucket : new BsonDocument("$gte", ""));

    private BsonDocument ToKeyRange() => Bucket.Length > 0
        ? new() { { "$gte", MongoTokens.OfBucket(Bucket) }, { "$lt", MongoTokens.BeyondBucket(Bucket) } }
        : new("$gte", "");
}

using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// What a removal removes: a stream, a bucket, or everything. A bucket stands as a stream without id, which no stream is; everything as no
/// bucket.
/// </summary>
internal readonly record struct MongoTarget(string Bucket, string Category, string Id)
{
    public static MongoTarget Everything => new("", "", "");

    public bool IsStream => Id.Length > 0;

    public static MongoTarget Of(StreamId stream) => new(stream.Bucket, stream.Category, stream.Id);

    public static MongoTarget Of(string? bucket) => bucket is null ? Everything : new(bucket, "", "");

    /// <exception cref="InvalidNameException">It is no stream.</exception>
    public void RequireStream() => _ = new StreamId(Bucket, Category, Id);

    public bool Covers(StreamId stream) =>
        IsStream ? Id == stream.Id && Category == stream.Category && Bucket == stream.Bucket : Bucket.Length == 0
            || Bucket == stream.Bucket;

    /// <summary>
    /// Its documents, whether commits, removals or snapshots: in each case a range of an index, which what is emptied leaves.
    /// </summary>
    public BsonDocument ToFilter() => IsStream ? MongoRows.OfStream(Bucket, Category, Id)
        : new BsonDocument(MongoRows.Bucket, Bucket.Length > 0 ? Bucket : new BsonDocument("$gte", ""));
}

/// <summary>A link of the chain without its payloads: a commit, a removal, or what is left of a removed one.</summary>
internal readonly record struct MongoEntry
{
    private MongoEntry(BsonDocument document)
    {
        First = MongoRows.NumberOf(document, MongoRows.Key);
        Count = MongoRows.CountOf(document);
        Stamp = MongoRows.StampOf(document);
        if (!document.Contains(MongoRows.Start))
        {
            // What is removed loses all of this at once.
            if (document.Contains(MongoRows.Bucket) || document.Contains(MongoRows.Revision) || document.Contains(MongoRows.Commit))
                throw new FormatException("It has no start.");
            return;
        }

        Start = MongoRows.NumberOf(document, MongoRows.Start);
        Revision = MongoRows.NumberOf(document, MongoRows.Revision, least: 0);
        Target = new(document[MongoRows.Bucket].AsString, document[MongoRows.Category].AsString, document[MongoRows.Id].AsString);
        if (IsCommit) Sequence = MongoRows.NumberOf(document, MongoRows.Sequence);
        if (IsCommit || Target.IsStream) Target.RequireStream();
        if (!IsCommit && document.GetValue(MongoRows.Commit, MongoRows.Removing) != MongoRows.Removing)
            throw new FormatException("It is neither a commit nor a removal.");
    }

    /// <summary>Its first checkpoint, which is its key.</summary>
    public long First { get; }

    /// <summary>How many checkpoints it takes.</summary>
    public int Count { get; }

    /// <summary>Its last checkpoint.</summary>
    public long Last => First + Count - 1;

    /// <summary>In microseconds.</summary>
    public long Stamp { get; }

    /// <summary>The first checkpoint of its stream; 0 where nothing is left.</summary>
    public long Start { get; }

    /// <summary>The revision of its first event; 0 for a removal.</summary>
    public long Revision { get; }

    /// <summary>The number of the commit in its stream.</summary>
    public long Sequence { get; }

    /// <summary>The stream of a commit; what a removal removes.</summary>
    public MongoTarget Target { get; }

    public bool IsCommit => Revision > 0;

    public bool IsRemoval => Start > 0 && Revision == 0;

    public static MongoEntry Of(BsonDocument document) => MongoRows.Read(document, () => new MongoEntry(document));
}

/// <summary>Where a stream stands: no stream is the default.</summary>
/// <param name="Start">The first checkpoint of the stream, which distinguishes it from an earlier one of the same name.</param>
/// <param name="Revision">Its revision.</param>
/// <param name="Sequence">The number of its newest commit.</param>
internal readonly record struct MongoHead(long Start, long Revision, long Sequence)
{
    public bool Exists => Revision > 0;

    /// <summary>What a stream is after an entry of its own, or after a removal.</summary>
    public static MongoHead After(in MongoEntry entry) =>
        entry.IsCommit ? new(entry.Start, entry.Revision + entry.Count - 1, entry.Sequence) : default;
}

/// <summary>Where the chain ends: its newest entry.</summary>
/// <param name="First">The entry's first checkpoint; 0 before the first entry.</param>
/// <param name="Last">Its last checkpoint, after which the next entry begins.</param>
/// <param name="Stamp">The newest stamp the store ever gave.</param>
internal readonly record struct MongoEnd(long First, long Last, DateTimeOffset Stamp)
{
    public static MongoEnd Origin => default;

    /// <summary>The key of the entry that follows.</summary>
    /// <exception cref="CorruptStorageException">The chain is longer than any store reaches.</exception>
    public long Next => Last < MongoRows.MostNumber ? Last + 1 : throw new CorruptStorageException(
        $"checkpoint {Last}", "no store reaches it. Nothing was written.", "Run VerifyAsync, and restore the store from a backup.");

    public static MongoEnd Of(in MongoEntry entry) => new(entry.First, entry.Last, MongoRows.ToStamp(entry.Stamp));
}

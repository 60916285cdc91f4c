using System.Text;
using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// The documents of a store, field by field. They are written and read without class maps, so that no convention or serializer that an
/// application registers changes them. See docs/decisions/0007-mongodb-chain.md for what they mean together.
/// </summary>
/// <remarks>
/// A commit: <c>_id</c> its first checkpoint · <c>count</c> of its events · <c>stamp</c> in microseconds since 1970 · <c>bucket</c>,
/// <c>category</c>, <c>id</c> its stream · <c>start</c> the first checkpoint of the stream · <c>revision</c> of its first event ·
/// <c>sequence</c> · <c>commit</c> its id · <c>headers</c> · <c>events</c>. A removal: <c>_id</c>, <c>count</c> 1, <c>stamp</c>, what it
/// removes in <c>bucket</c>, <c>category</c>, <c>id</c>, <c>start</c> = <c>_id</c>, <c>revision</c> 0, <c>commit</c> "removing" as long as
/// it goes on. What was removed keeps <c>_id</c>, <c>count</c> and <c>stamp</c>.
/// </remarks>
internal static class MongoRows
{
    public const string Key = "_id";
    public const string Count = "count";
    public const string Stamp = "stamp";
    public const string Bucket = "bucket";
    public const string Category = "category";
    public const string Id = "id";
    public const string Start = "start";
    public const string Revision = "revision";
    public const string Sequence = "sequence";
    public const string Commit = "commit";
    public const string Headers = "headers";
    public const string Events = "events";
    public const string EventType = "type";
    public const string Body = "body";
    public const string SchemaVersion = "schemaVersion";
    public const string StateType = "stateType";
    public const string State = "state";
    public const string Version = "version";
    public const string Content = "content";

    /// <summary>Stands for the commit id in a removal that is not finished, so that one index finds both.</summary>
    public const string Removing = "removing";

    /// <summary>The highest number in a document of the chain. No store reaches it, so that sums of such numbers never overflow.</summary>
    public const long MostNumber = AttemptRules.MaxNumber;

    /// <summary>MongoDB takes documents of 16 MiB.</summary>
    public const int MaxDocumentBytes = 16 << 20;

    private static readonly long EarliestStamp = ToMicroseconds(DateTimeOffset.MinValue);
    private static readonly long LatestStamp = ToMicroseconds(DateTimeOffset.MaxValue) - 1;

    // Names of fields, types and lengths of an event with its place in the array, rounded up; the same for a commit.
    private const int EventOverheadBytes = 80;
    private const int CommitOverheadBytes = 512;
    private const int NamesOfStreamBytes = (2 * StreamId.MaxBucketBytes) + StreamId.MaxIdBytes;

    /// <summary>Everything but the payloads.</summary>
    public static BsonDocument WithoutPayloads => new() { { Events, 0 }, { Headers, 0 } };

    /// <summary>Everything but the events.</summary>
    public static BsonDocument WithoutEvents => new(Events, 0);

    public static BsonDocument OfStream(StreamId stream) => OfStream(stream.Bucket, stream.Category, stream.Id);

    public static BsonDocument OfStream(string bucket, string category, string id) =>
        new() { { Bucket, bucket }, { Category, category }, { Id, id } };

    /// <summary>The stream of a commit or snapshot.</summary>
    public static StreamId StreamOf(BsonDocument document) => Read(document, () =>
        new StreamId(document[Bucket].AsString, document[Category].AsString, document[Id].AsString));

    public static BsonBinaryData ToBson(Guid id) => new(id, GuidRepresentation.Standard);

    public static BsonBinaryData ToBson(ReadOnlyMemory<byte> bytes) => new(bytes.ToArray());

    /// <summary>Microseconds since 1970; a fraction of one counts as a whole, so that a bound never lets in what is older.</summary>
    public static long ToMicroseconds(DateTimeOffset stamp)
    {
        var ticks = stamp.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        return (ticks / TimeSpan.TicksPerMicrosecond) + (ticks % TimeSpan.TicksPerMicrosecond > 0 ? 1 : 0);
    }

    public static DateTimeOffset ToStamp(long microseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>
    /// The most bytes that a commit's document can have: the limit of the engine counts bodies and headers only, names come on top.
    /// </summary>
    public static long MaxSizeOf(CommitAttempt attempt) =>
        attempt.SizeBytes + CommitOverheadBytes + NamesOfStreamBytes
            + ((EventOverheadBytes + EventRecord.MaxTypeBytes) * (long)attempt.Events.Count);

    /// <summary>Refuses what no document of the servers can hold.</summary>
    /// <exception cref="TooLargeException">It would be larger than a document may be.</exception>
    public static void RequireFits(CommitAttempt attempt, int maxDocumentBytes)
    {
        var size = MaxSizeOf(attempt);
        if (size <= maxDocumentBytes) return;
        for (var i = 0; i < attempt.Events.Count; i++) size -= EventRecord.MaxTypeBytes - Encoding.UTF8.GetByteCount(
            attempt.Events[i].EventType);
        if (size > maxDocumentBytes) throw new TooLargeException("commit with its names", size, maxDocumentBytes, "bytes");
    }

    public static BsonDocument ToDocument(CommitRecord commit, long start, IReadOnlyList<EventRecord> events)
    {
        var document = new BsonDocument
        {
            { Key, commit.FirstCheckpoint.Value }, { Count, commit.EventCount }, { Stamp, ToMicroseconds(commit.Stamp) },
            { Bucket, commit.Stream.Bucket }, { Category, commit.Stream.Category }, { Id, commit.Stream.Id },
            { Start, start }, { Revision, commit.FirstRevision.Value }, { Sequence, commit.Sequence.Value },
                { Commit, ToBson(commit.CommitId) },
        };
        if (!commit.Headers.IsEmpty) document.Add(Headers, ToBson(commit.Headers));
        var array = new BsonArray(events.Count);
        for (var i = 0; i < events.Count; i++)
        {
            var stored = new BsonDocument { { Id, ToBson(events[i].EventId) }, { EventType, events[i].EventType },
                { Body, ToBson(events[i].Body) } };
            if (!events[i].Headers.IsEmpty) stored.Add(Headers, ToBson(events[i].Headers));
            array.Add(stored);
        }

        document.Add(Events, array);
        return document;
    }

    public static BsonDocument ToRemoval(long checkpoint, DateTimeOffset stamp, MongoTarget target) => new()
    {
        { Key, checkpoint }, { Count, 1 }, { Stamp, ToMicroseconds(stamp) }, { Bucket, target.Bucket }, { Category, target.Category },
            { Id, target.Id },
        { Start, checkpoint }, { Revision, 0L }, { Commit, Removing },
    };

    /// <summary>The commit of an entry, which must be one. The headers are empty where they were not asked for.</summary>
    public static CommitRecord ToCommit(BsonDocument document) => Read(document, () => new CommitRecord(
        StreamOf(document),
        document[Commit].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard),
        new CommitSequence(NumberOf(document, Sequence)), ToStamp(StampOf(document)), new Revision(NumberOf(document, Revision)),
        new Checkpoint(NumberOf(document, Key)), CountOf(document), BytesOf(document, Headers)));

    /// <summary>The events of a commit that was read whole.</summary>
    public static RecordedEvent[] ToEvents(CommitRecord commit, BsonDocument document) => Read(document, () =>
    {
        var stored = document[Events].AsBsonArray;
        if (stored.Count != commit.EventCount) throw new FormatException($"It has {stored.Count} events.");
        var events = new RecordedEvent[stored.Count];
        for (var i = 0; i < events.Length; i++)
        {
            var one = stored[i].AsBsonDocument;
            events[i] = new RecordedEvent(commit, i, new EventRecord(one[Id].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard),
                one[EventType].AsString, one[Body].AsByteArray, BytesOf(one, Headers)));
        }

        return events;
    });

    /// <summary>A position or count in a document that is read.</summary>
    /// <exception cref="FormatException">It is out of its range.</exception>
    public static long NumberOf(BsonDocument document, string field, long least = 1)
    {
        var number = document[field].AsInt64;
        return number >= least && number <= MostNumber ? number : throw OutOfRange(field);
    }

    /// <summary>The start of the stream of a commit or snapshot, and its revision.</summary>
    public static (long Start, long Revision) PlaceOf(BsonDocument document) =>
        Read(document, () => (NumberOf(document, Start), NumberOf(document, Revision)));

    /// <summary>How many checkpoints an entry takes.</summary>
    public static int CountOf(BsonDocument document)
    {
        var count = document[Count].AsInt32;
        return count >= 1 ? count : throw OutOfRange(Count);
    }

    /// <summary>The stamp of an entry, in microseconds.</summary>
    public static long StampOf(BsonDocument document)
    {
        var stamp = document[Stamp].AsInt64;
        return stamp >= EarliestStamp && stamp <= LatestStamp ? stamp : throw OutOfRange(Stamp);
    }

    public static byte[] BytesOf(BsonDocument document, string field) =>
        document.TryGetValue(field, out var value) ? value.AsByteArray : [];

    /// <summary>Reads a document of the chain; one that is not as this engine writes them is damaged.</summary>
    /// <exception cref="CorruptStorageException">A field is missing, of another type, or out of its range.</exception>
    public static T Read<T>(BsonDocument document, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidCastException or ArgumentException or FormatException)
        {
            throw new CorruptStorageException($"document {Names.Printable(document.GetValue(Key, BsonNull.Value).ToString())}",
                "it is not as this engine writes documents.", "Restore it from a backup.", error);
        }
    }

    private static FormatException OutOfRange(string field) => new($"Its {field} is out of range.");
}

using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// The documents of a store, field by field. They are written and read without class maps, so that no convention or serializer that an
/// application registers changes them. See docs/decisions/0007-mongodb-chain.md for what they mean together.
/// </summary>
/// <remarks>
/// Every entry: <c>_id</c> its number in the chain · <c>last</c> the highest checkpoint up to it · <c>count</c> how many of them are its
/// own · <c>stamp</c> in microseconds since 1970 · <c>removed</c> the highest checkpoint that was removed before · <c>holder</c> of an
/// import. An entry with no more is a gap, the begin or end of a hold, or what is left of a removed commit. A commit or unit:
/// <c>commit</c> its id · <c>commits</c>, see <see cref="MongoMember"/> · <c>streams</c>, <c>lives</c>, <c>terms</c>, <c>born</c> for the
/// indexes. A change of streams: see <see cref="MongoChange"/>.
/// </remarks>
internal static class MongoRows
{
    public const string Key = "_id";
    public const string Last = "last";
    public const string Count = "count";
    public const string Stamp = "stamp";
    public const string Removed = "removed";
    public const string Holder = "holder";
    public const string Commit = "commit";
    public const string Commits = "commits";
    public const string Streams = "streams";
    public const string Lives = "lives";
    public const string Terms = "terms";
    public const string Born = "born";
    public const string Change = "change";
    public const string Bucket = "bucket";
    public const string Category = "category";
    public const string Id = "id";
    public const string Start = "start";
    public const string Revision = "revision";
    public const string To = "to";
    public const string From = "from";
    public const string Sequence = "sequence";
    public const string First = "first";
    public const string Before = "before";
    public const string Newest = "newest";
    public const string Sealed = "sealed";
    public const string Headers = "headers";
    public const string Events = "events";
    public const string EventType = "type";
    public const string Body = "body";
    public const string Tags = "tags";
    public const string SchemaVersion = "schemaVersion";
    public const string StateType = "stateType";
    public const string State = "state";
    public const string Version = "version";
    public const string Content = "content";

    /// <summary>Stands for the commit id in a removal or truncation that is not finished, so that one index finds both.</summary>
    public const string Removing = "removing";

    /// <summary>The highest number in a document of the chain. No store reaches it, so that sums of such numbers never overflow.</summary>
    public const long MostNumber = AttemptRules.MaxNumber;

    private static readonly long EarliestStamp = ToMicroseconds(DateTimeOffset.MinValue);
    private static readonly long LatestStamp = ToMicroseconds(DateTimeOffset.MaxValue) - 1;

    /// <summary>Everything but the payloads and what only indexes need.</summary>
    public static BsonDocument WithoutPayloads => new() { { $"{Commits}.{Events}", 0 }, { $"{Commits}.{Headers}", 0 }, { Terms, 0 } };

    /// <summary>What the chain goes on from.</summary>
    public static BsonDocument OnlyEnd => new() { { Last, 1 }, { Count, 1 }, { Stamp, 1 }, { Removed, 1 }, { Holder, 1 } };

    /// <summary>Everything but the events.</summary>
    public static BsonDocument WithoutEvents => new() { { $"{Commits}.{Events}", 0 }, { Terms, 0 } };

    /// <summary>Everything but bodies and headers: what criteria ask for.</summary>
    public static BsonDocument WithoutBodies => new()
    {
        { $"{Commits}.{Events}.{Body}", 0 }, { $"{Commits}.{Events}.{Headers}", 0 }, { $"{Commits}.{Headers}", 0 },
    };

    public static BsonDocument OfStream(StreamId stream) =>
        new() { { Bucket, stream.Bucket }, { Category, stream.Category }, { Id, stream.Id } };

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
    /// The entry after an end, which takes no checkpoints and changes nothing. Its stamp is that of the end, as only commits move it.
    /// </summary>
    public static BsonDocument ToEntry(in MongoEnd end)
    {
        var document = new BsonDocument
        {
            { Key, end.Next }, { Last, end.Last }, { Count, 0L }, { Stamp, ToMicroseconds(end.Stamp) },
        };
        if (end.Removed > 0) document.Add(Removed, end.Removed);
        if (end.Holder is { } holder) document.Add(Holder, holder);
        return document;
    }

    /// <summary>A position or count in a document that is read.</summary>
    /// <exception cref="FormatException">It is out of its range.</exception>
    public static long NumberOf(BsonDocument document, string field, long least = 1)
    {
        var number = document[field].AsInt64;
        return number >= least && number <= MostNumber ? number : throw OutOfRange(field);
    }

    /// <summary>The same where the field may be missing.</summary>
    public static long NumberOr(BsonDocument document, string field, long missing, long least) =>
        document.Contains(field) ? NumberOf(document, field, least) : missing;

    /// <summary>The start of the stream of a snapshot, and its revision.</summary>
    public static (long Start, long Revision) PlaceOf(BsonDocument document) =>
        Read(document, () => (NumberOf(document, Start), NumberOf(document, Revision)));

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
        catch (Exception error) when (error is KeyNotFoundException or InvalidCastException or ArgumentException or FormatException
            or TooLargeException)
        {
            throw new CorruptStorageException($"document {Names.Printable(document.GetValue(Key, BsonNull.Value).ToString())}",
                "it is not as this engine writes documents.", "Restore it from a backup.", error);
        }
    }

    public static FormatException OutOfRange(string field) => new($"Its {field} is out of range.");
}

using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// A commit within its entry, alone or one of a unit. What was removed from a unit keeps its revisions, so that others stay in place.
/// </summary>
/// <remarks>
/// <c>bucket</c>, <c>category</c>, <c>id</c> its stream · <c>start</c> the first checkpoint of the stream · <c>revision</c>, <c>to</c> of
/// its first and last event · <c>sequence</c> · <c>first</c> revision of the stream that was not truncated, if not 1 · <c>from</c> the
/// first revision of it that is not truncated, if not the first · <c>headers</c> · <c>events</c> that are not truncated.
/// </remarks>
internal sealed class MongoMember
{
    private readonly BsonDocument document;

    /// <summary>Reads it.</summary>
    /// <param name="document">The part of the entry.</param>
    /// <param name="firstCheckpoint">The checkpoint of its first event.</param>
    public MongoMember(BsonDocument document, long firstCheckpoint)
    {
        (this.document, FirstCheckpoint) = (document, firstCheckpoint);
        Revision = MongoRows.NumberOf(document, MongoRows.Revision);
        To = MongoRows.NumberOf(document, MongoRows.To);
        if (To < Revision || To - Revision >= int.MaxValue) throw MongoRows.OutOfRange(MongoRows.To);
        if (!document.Contains(MongoRows.Start)) return;
        Start = MongoRows.NumberOf(document, MongoRows.Start);
        if (Start > firstCheckpoint) throw MongoRows.OutOfRange(MongoRows.Start);
        Sequence = MongoRows.NumberOf(document, MongoRows.Sequence);
        FirstOfStream = MongoRows.NumberOr(document, MongoRows.First, missing: 1, least: 1);
        if (FirstOfStream > Revision) throw MongoRows.OutOfRange(MongoRows.First);
        From = MongoRows.NumberOr(document, MongoRows.From, missing: Revision, least: Revision);
        if (From > To + 1) throw MongoRows.OutOfRange(MongoRows.From);
        Stream = new StreamId(
            document[MongoRows.Bucket].AsString, document[MongoRows.Category].AsString, document[MongoRows.Id].AsString);
    }

    /// <summary>Whether it was not removed with its stream.</summary>
    public bool IsThere => Start > 0;

    public StreamId Stream { get; }

    /// <summary>The first checkpoint of its stream.</summary>
    public long Start { get; }

    /// <summary>The revision of its first event, also of a truncated one.</summary>
    public long Revision { get; }

    /// <summary>The revision of its last event.</summary>
    public long To { get; }

    public int Count => (int)(To - Revision + 1);

    /// <summary>The number of the commit in its stream.</summary>
    public long Sequence { get; }

    /// <summary>The first revision of its stream when it was stored.</summary>
    public long FirstOfStream { get; }

    /// <summary>The first revision that it still has; one above the last where all are truncated.</summary>
    public long From { get; }

    public long FirstCheckpoint { get; }

    /// <summary>Where the stream stands after it.</summary>
    public MongoHead After => new(Start, To, Sequence, FirstOfStream, FirstCheckpoint + Count - 1, IsSealed: false);

    public byte[] ReadHeaders() => MongoRows.BytesOf(document, MongoRows.Headers);

    /// <summary>The events that are left, of a document that was read whole.</summary>
    public RecordedEvent[] ReadEvents(CommitRecord commit)
    {
        var stored = From > To ? [] : document[MongoRows.Events].AsBsonArray;
        if (stored.Count != To - From + 1) throw new FormatException($"It has {stored.Count} events.");
        var events = new RecordedEvent[stored.Count];
        for (var i = 0; i < events.Length; i++)
            events[i] = new RecordedEvent(commit, (int)(From - Revision) + i, ToRecord(stored[i].AsBsonDocument));
        return events;
    }

    /// <summary>Whether each of the events that are left has a body, of a document that was read whole.</summary>
    public bool HasBodies => From > To
        || document[MongoRows.Events].AsBsonArray.All(stored => stored.AsBsonDocument.Contains(MongoRows.Body));

    /// <summary>The part of the document with the events from a revision on.</summary>
    public BsonArray EventsFrom(long revision) => new(document[MongoRows.Events].AsBsonArray.Skip((int)(revision - From)));

    // Bodies and headers are empty where they were not asked for.
    private static EventRecord ToRecord(BsonDocument stored)
    {
        string[] tags = [];
        if (stored.TryGetValue(MongoRows.Tags, out var found))
        {
            tags = [.. found.AsBsonArray.Select(tag => tag.AsString)];
            if (tags.Length == 0 || EventTags.Require(tags, MongoRows.Tags).Count != tags.Length)
                throw MongoRows.OutOfRange(MongoRows.Tags);
        }

        return new EventRecord(stored[MongoRows.Id].AsBsonBinaryData.ToGuid(GuidRepresentation.Standard),
            stored[MongoRows.EventType].AsString, MongoRows.BytesOf(stored, MongoRows.Body), MongoRows.BytesOf(stored, MongoRows.Headers),
            tags);
    }
}

using System.Text;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Reads a commit that <see cref="CommitCodec"/> wrote: its own values at once, then its events one after another,
/// each once. Copies only the values that the caller keeps.
/// </summary>
internal ref struct CommitReader
{
    /// <summary>Set beside the distance to the incarnation where the stream was truncated; its first revision follows.</summary>
    public const int TruncatedMark = 1;

    /// <summary>Set there where an event has tags.</summary>
    public const int TagsMark = 2;

    private readonly MemberHead head;
    private readonly NameCache names;
    private readonly int nameStart;
    private readonly ReadOnlySpan<byte> headers;
    private BodyReader reader;
    private int next;

    /// <param name="names">Keeps the names that are decoded.</param>
    /// <param name="own">Stands behind what the frame says of the commit.</param>
    /// <param name="head">What the frame says of it.</param>
    public CommitReader(NameCache names, BodyReader own, MemberHead head)
    {
        var frame = own.Frame;
        (this.names, this.head, next) = (names, head, head.Removed);
        var start = own.Offset;
        FirstRevision = own.Number(Format.MaxCheckpoint);
        Sequence = own.Number(Format.MaxCheckpoint);
        StreamStart = frame.Position - (own.Number() * 8);
        var incarnation = own.Number(Format.MaxCheckpoint << 2);
        Incarnation = FirstCheckpoint - (incarnation >> 2);
        HasTags = (incarnation & TagsMark) != 0;
        StreamFirst = (incarnation & TruncatedMark) == 0 ? 1 : own.Number(FirstRevision);
        if (FirstRevision == 0 || Sequence == 0 || Sequence > FirstRevision || StreamStart <= 0 || Incarnation <= 0 || StreamFirst == 0
            || LastRevision > Format.MaxCheckpoint || FirstCheckpoint > Format.MaxCheckpoint - EventCount)
            throw frame.Impossible();
        nameStart = own.Offset - start;
        Bucket = own.Bytes(StreamId.MaxBucketBytes);
        Category = own.Bytes(StreamId.MaxBucketBytes);
        Id = own.Bytes(StreamId.MaxIdBytes);
        Fields = own.Since(start);
        headers = own.Bytes();
        reader = own;
    }

    public readonly StreamId Stream => names.StreamOf(Fields[nameStart..], Bucket, Category, Id) ?? throw reader.Frame.Impossible();

    public ReadOnlySpan<byte> Bucket { get; }

    public ReadOnlySpan<byte> Category { get; }

    public ReadOnlySpan<byte> Id { get; }

    /// <summary>Its own values as they are stored, headers apart.</summary>
    public ReadOnlySpan<byte> Fields { get; }

    /// <summary>Its headers as they are stored.</summary>
    public readonly ReadOnlySpan<byte> Headers => headers;

    public readonly Guid CommitId => head.CommitId;

    public readonly long StampTicks => head.StampTicks;

    public long FirstRevision { get; }

    public readonly long LastRevision => FirstRevision + EventCount - 1;

    public long Sequence { get; }

    public readonly long FirstCheckpoint => head.FirstCheckpoint;

    public readonly long LastCheckpoint => FirstCheckpoint + EventCount - 1;

    /// <summary>How many events it had when it was stored.</summary>
    public readonly int EventCount => head.EventCount;

    /// <summary>How many of them, the first ones, are no longer there.</summary>
    public readonly int Removed => head.Removed;

    public readonly long Position => reader.Frame.Position;

    /// <summary>
    /// The address of the first commit of its stream. It distinguishes a stream from an earlier, deleted one of the same name.
    /// </summary>
    public long StreamStart { get; }

    /// <summary>The checkpoint of the first event of its stream.</summary>
    public long Incarnation { get; }

    /// <summary>The first revision of its stream that was not truncated when it was stored.</summary>
    public long StreamFirst { get; }

    /// <summary>Whether an event has tags.</summary>
    public bool HasTags { get; }

    /// <summary>The head of its stream after it.</summary>
    public readonly HeadEntry ToHead() => new(StreamStart, LastRevision, Sequence, Incarnation, StreamFirst, IsSealed: false);

    /// <summary>The commit without its events.</summary>
    public readonly CommitRecord ToRecord(PageBytes kept) => new(
        Stream, CommitId, new CommitSequence(Sequence), new DateTimeOffset(StampTicks, TimeSpan.Zero),
        new Revision(FirstRevision), new Checkpoint(FirstCheckpoint), EventCount, kept.Keep(headers))
    {
        Unit = head.Unit,
    };

    /// <summary>Reads the next event, the first one that is left to begin with.</summary>
    /// <param name="kept">Keeps body and headers; null to leave them out.</param>
    public EventRecord NextEvent(PageBytes? kept)
    {
        var at = reader;
        var id = at.Id();
        var length = (int)at.Number((EventRecord.MaxTypeBytes << 1) | 1);
        var type = names.TextOf(at.Raw(length >> 1));
        if (string.IsNullOrEmpty(type) || id == Guid.Empty) throw reader.Frame.Impossible();
        var tags = (length & 1) == 0 ? null : ReadTags(ref at);
        var eventHeaders = at.Bytes();
        var body = at.Bytes();
        reader = at;
        next++;
        return kept is null ? new EventRecord(id, type, default, default, tags)
            : new EventRecord(id, type, kept.Keep(body), kept.Keep(eventHeaders), tags);
    }

    /// <summary>Checks all of it.</summary>
    /// <exception cref="CorruptStorageException">Something in it is impossible.</exception>
    public readonly void Require()
    {
        if (Bucket.IsEmpty || Id.IsEmpty || !NameCache.IsName(Bucket) || !NameCache.IsName(Category) || !NameCache.IsName(Id))
            throw reader.Frame.Impossible();
        var at = reader;
        for (var i = head.Removed; i < EventCount; i++)
        {
            if (at.Id() == Guid.Empty) throw reader.Frame.Impossible();
            var length = (int)at.Number((EventRecord.MaxTypeBytes << 1) | 1);
            var type = at.Raw(length >> 1);
            if (type.IsEmpty || !NameCache.IsName(type) || ((length & 1) != 0 && !HasTags)) throw reader.Frame.Impossible();
            if ((length & 1) != 0) RequireTags(ref at);
            at.Bytes();
            at.Bytes();
        }
    }

    /// <summary>Goes to an event: the next one that is read has this place in the commit.</summary>
    public void SkipTo(int index)
    {
        for (; next < index; next++) SkipEvent(ref reader);
    }

    /// <summary>Passes on the tags of all events, as they are stored.</summary>
    public readonly void VisitTags<TVisitor>(ref TVisitor visitor) where TVisitor : ITagVisitor, allows ref struct
    {
        var at = reader;
        for (var i = next; i < EventCount; i++)
        {
            at.Id();
            var length = (int)at.Number((EventRecord.MaxTypeBytes << 1) | 1);
            at.Raw(length >> 1);
            if ((length & 1) != 0)
            {
                for (var left = at.Number(EventTags.MaxCount); left > 0; left--) visitor.Visit(at.Bytes(EventTags.MaxBytes));
            }

            at.Bytes();
            at.Bytes();
        }
    }

    /// <summary>The events from a place in the commit on, as they are stored.</summary>
    public readonly ReadOnlySpan<byte> EventsFrom(int index)
    {
        var at = reader;
        for (var i = next; i < index; i++) SkipEvent(ref at);
        var start = at.Offset;
        for (var i = index; i < EventCount; i++) SkipEvent(ref at);
        return at.Since(start);
    }

    /// <summary>Reads on behind its events.</summary>
    public readonly BodyReader Behind()
    {
        var at = reader;
        for (var i = next; i < EventCount; i++) SkipEvent(ref at);
        return at;
    }

    private static void SkipEvent(ref BodyReader at)
    {
        at.Id();
        var length = (int)at.Number((EventRecord.MaxTypeBytes << 1) | 1);
        at.Raw(length >> 1);
        if ((length & 1) != 0)
        {
            for (var left = at.Number(EventTags.MaxCount); left > 0; left--) at.Bytes(EventTags.MaxBytes);
        }

        at.Bytes();
        at.Bytes();
    }

    private readonly string[] ReadTags(ref BodyReader at)
    {
        var tags = new string[at.Number(EventTags.MaxCount)];
        if (tags.Length == 0) throw reader.Frame.Impossible();
        for (var i = 0; i < tags.Length; i++) tags[i] = Encoding.UTF8.GetString(at.Name(EventTags.MaxBytes));
        return tags;
    }

    private readonly void RequireTags(ref BodyReader at)
    {
        var left = at.Number(EventTags.MaxCount);
        if (left == 0) throw reader.Frame.Impossible();
        for (; left > 0; left--) at.Name(EventTags.MaxBytes);
    }
}

/// <summary>Receives the tags of events, as they are stored.</summary>
internal interface ITagVisitor
{
    void Visit(ReadOnlySpan<byte> tag);
}

namespace EventStore.FileSystem.Log;

/// <summary>
/// A commit as it is read from its frame, which <see cref="CommitCodec"/> wrote: its own values at once, then its events one after another,
/// each once. Copies nothing but what it is told to keep.
/// </summary>
internal ref struct CommitReader
{
    private BodyReader reader;
    private readonly ReadOnlySpan<byte> headers;
    private readonly NameCache names;

    public CommitReader(Frame frame, NameCache names)
    {
        this.names = names;
        reader = new BodyReader(frame.Body);
        (FirstCheckpoint, EventCount, Position) = (frame.Checkpoint, frame.Count, frame.Position);
        CommitId = reader.Id();
        StampTicks = reader.Fixed();
        FirstRevision = reader.Number();
        Sequence = reader.Number();
        StreamStart = frame.Position - (reader.Number() * 8);
        Stream = names.StreamOf(ref reader);
        headers = reader.Bytes();
    }

    public StreamId Stream { get; }

    public Guid CommitId { get; }

    public long StampTicks { get; }

    public long FirstRevision { get; }

    public long LastRevision => FirstRevision + EventCount - 1;

    public long Sequence { get; }

    public long FirstCheckpoint { get; }

    public int EventCount { get; }

    public long Position { get; }

    /// <summary>The address of the first commit of its stream; tells a stream from an earlier, deleted one of the same name.</summary>
    public long StreamStart { get; }

    /// <summary>The commit without its events.</summary>
    public CommitRecord ToRecord(PageBytes kept) => new(
        Stream, CommitId, Sequence, new DateTimeOffset(StampTicks, TimeSpan.Zero), FirstRevision, FirstCheckpoint, EventCount, kept.Keep(headers));

    /// <summary>Reads the next event.</summary>
    public EventRecord NextEvent(PageBytes kept)
    {
        var id = reader.Id();
        var type = names.TextOf(reader.Bytes());
        var eventHeaders = kept.Keep(reader.Bytes());
        return new EventRecord(id, type, kept.Keep(reader.Bytes()), eventHeaders);
    }

    /// <summary>Passes over the next event.</summary>
    public void SkipEvent()
    {
        reader.Id();
        reader.Bytes();
        reader.Bytes();
        reader.Bytes();
    }
}

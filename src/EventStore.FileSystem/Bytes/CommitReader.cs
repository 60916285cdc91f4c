namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Reads a commit that <see cref="CommitCodec"/> wrote: its own values at once, then its events one after another,
/// each once. Copies only the values that the caller keeps.
/// </summary>
internal ref struct CommitReader
{
    private readonly Frame frame;
    private BodyReader reader;
    private readonly ReadOnlySpan<byte> name;
    private readonly ReadOnlySpan<byte> headers;
    private readonly NameCache names;

    public CommitReader(Frame frame, NameCache names)
    {
        this.frame = frame;
        this.names = names;
        (FirstCheckpoint, EventCount, Position) = (frame.Checkpoint, frame.Count, frame.Position);
        var own = new BodyReader(frame);
        CommitId = own.Id();
        StampTicks = own.Fixed();
        FirstRevision = own.Number(Format.MaxCheckpoint);
        Sequence = own.Number(Format.MaxCheckpoint);
        StreamStart = frame.Position - (own.Number() * 8);
        if (EventCount == 0 || FirstRevision == 0 || Sequence == 0 || StreamStart <= 0 || !CommitCodec.IsStamp(StampTicks))
            throw frame.Impossible();
        var nameStart = own.Offset;
        Bucket = own.Bytes(StreamId.MaxBucketBytes);
        Category = own.Bytes(StreamId.MaxBucketBytes);
        Id = own.Bytes(StreamId.MaxIdBytes);
        name = own.Since(nameStart);
        headers = own.Bytes();
        reader = own;
    }

    public StreamId Stream => names.StreamOf(name, Bucket, Category, Id) ?? throw frame.Impossible();

    public ReadOnlySpan<byte> Bucket { get; }

    public ReadOnlySpan<byte> Category { get; }

    public ReadOnlySpan<byte> Id { get; }

    public Guid CommitId { get; }

    public long StampTicks { get; }

    public long FirstRevision { get; }

    public long LastRevision => FirstRevision + EventCount - 1;

    public long Sequence { get; }

    public long FirstCheckpoint { get; }

    public int EventCount { get; }

    public long Position { get; }

    /// <summary>
    /// The address of the first commit of its stream. It distinguishes a stream from an earlier, deleted one of the same name.
    /// </summary>
    public long StreamStart { get; }

    /// <summary>The commit without its events.</summary>
    public CommitRecord ToRecord(PageBytes kept) => new(
        Stream, CommitId, new CommitSequence(Sequence), new DateTimeOffset(StampTicks, TimeSpan.Zero),
        new Revision(FirstRevision), new Checkpoint(FirstCheckpoint), EventCount, kept.Keep(headers));

    /// <summary>Reads the next event.</summary>
    public EventRecord NextEvent(PageBytes kept)
    {
        var at = reader;
        var id = at.Id();
        var type = names.TextOf(at.Bytes(EventRecord.MaxTypeBytes));
        if (string.IsNullOrEmpty(type) || id == Guid.Empty) throw frame.Impossible();
        var eventHeaders = kept.Keep(at.Bytes());
        var body = kept.Keep(at.Bytes());
        reader = at;
        return new EventRecord(id, type, body, eventHeaders);
    }

    /// <summary>Checks all of it.</summary>
    /// <exception cref="CorruptStorageException">Something in it is impossible.</exception>
    public void Require()
    {
        if (Bucket.IsEmpty || Id.IsEmpty || !NameCache.IsName(Bucket) || !NameCache.IsName(Category) || !NameCache.IsName(Id))
            throw frame.Impossible();
        for (var i = 0; i < EventCount; i++)
        {
            if (reader.Id() == Guid.Empty) throw frame.Impossible();
            reader.Name(EventRecord.MaxTypeBytes);
            reader.Bytes();
            reader.Bytes();
        }
    }

    /// <summary>Skips the next event.</summary>
    public void SkipEvent()
    {
        reader.Id();
        reader.Bytes();
        reader.Bytes();
        reader.Bytes();
    }
}

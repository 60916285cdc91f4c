namespace EventStore.FileSystem.Bytes;

/// <summary>Reads the commits of a frame that <see cref="CommitCodec"/> wrote, one after another, those that were removed apart.</summary>
internal ref struct FrameCommits
{
    private readonly Frame frame;
    private readonly NameCache names;
    private BodyReader reader;

    // The next commit: its number, and how many checkpoints of the frame are before it.
    private int number;
    private int offset;

    // The events of the one before it, which were not read.
    private CommitReader previous;
    private bool hasPrevious;

    /// <param name="frame">A frame that holds commits.</param>
    /// <param name="names">Keeps the names that are decoded.</param>
    public FrameCommits(Frame frame, NameCache names)
    {
        this.frame = frame;
        this.names = names;
        reader = frame.Kind == FrameKind.Shortened ? GapCodec.Behind(frame) : new BodyReader(frame);
        CommitId = reader.Id();
        StampTicks = reader.Fixed();
        Size = frame.Kind == FrameKind.Commit ? 1 : (int)reader.Number(frame.Count);
        if (frame.Count == 0 || Size == 0 || !CommitCodec.IsStamp(StampTicks)) throw frame.Impossible();
    }

    public Guid CommitId { get; }

    public long StampTicks { get; }

    /// <summary>How many commits were stored together, those that were removed included.</summary>
    public int Size { get; }

    /// <summary>Where the next commit is, to be returned to.</summary>
    public readonly MemberPlace Place => new(reader.Offset, number, offset);

    /// <summary>Goes on at a place.</summary>
    public void MoveTo(MemberPlace place)
    {
        reader.MoveTo(place.BodyOffset);
        (number, offset, hasPrevious) = (place.Number, place.Offset, false);
    }

    /// <summary>Goes to the end of the last commit, so that <see cref="Place"/> is that of the next one.</summary>
    public void Settle()
    {
        if (hasPrevious) reader = previous.Behind();
        hasPrevious = false;
    }

    /// <summary>Reads the next commit that is left; false if there is none.</summary>
    public bool TryNext(out CommitReader commit)
    {
        while (TryNext(out commit, out _))
        {
            if (commit.EventCount > 0) return true;
        }

        return false;
    }

    /// <summary>Goes to the next commit, left or not; false if there is none.</summary>
    /// <param name="commit">The commit; default for one that was removed.</param>
    /// <param name="count">How many events it had.</param>
    public bool TryNext(out CommitReader commit, out int count)
    {
        commit = default;
        count = frame.Count;
        if (number == Size) return false;
        Settle();
        var removed = 0;
        if (frame.Kind != FrameKind.Commit)
        {
            var head = reader.Number(((long)frame.Count << 1) | 1);
            count = (int)(head >> 1);
            if ((head & 1) != 0) removed = (int)reader.Number(count + 1L) - 1;
            if (count == 0 || count > frame.Count - offset) throw frame.Impossible();
        }

        var first = frame.Checkpoint + offset;
        offset += count;
        number++;
        if (number == Size && offset != frame.Count) throw frame.Impossible();
        if (removed < 0) return true;
        var unit = Size == 1 ? default : new UnitPlace(new Checkpoint(frame.Checkpoint), Size);
        previous = new CommitReader(names, reader, new MemberHead(CommitId, StampTicks, first, count, removed, unit));
        hasPrevious = number < Size;
        commit = previous;
        return true;
    }

    /// <summary>Reads the commit of a stream from a frame; false if it has none.</summary>
    public static bool TryFind(Frame frame, NameCache names, StreamId stream, out CommitReader commit)
    {
        commit = default;
        if (!frame.HoldsCommits) return false;
        if (frame.Kind == FrameKind.Commit)
        {
            commit = ReadSingle(frame, names);
            return commit.Stream == stream;
        }

        var commits = new FrameCommits(frame, names);
        while (commits.TryNext(out commit))
        {
            if (commit.Stream == stream) return true;
        }

        return false;
    }

    /// <summary>Reads the commit of a frame that has only one, as most have.</summary>
    public static CommitReader ReadSingle(Frame frame, NameCache names)
    {
        var body = new BodyReader(frame);
        var head = new MemberHead(body.Id(), body.Fixed(), frame.Checkpoint, frame.Count, Removed: 0, default);
        return head.EventCount > 0 && CommitCodec.IsStamp(head.StampTicks) ? new CommitReader(names, body, head) : throw frame.Impossible();
    }
}

/// <summary>The place of a commit in its frame.</summary>
/// <param name="BodyOffset">Where it begins in the body.</param>
/// <param name="Number">How many commits are before it.</param>
/// <param name="Offset">How many checkpoints of the frame are before it.</param>
internal readonly record struct MemberPlace(int BodyOffset, int Number, int Offset);

/// <summary>What a frame says of one of its commits.</summary>
/// <param name="CommitId">Its id.</param>
/// <param name="StampTicks">Its stamp.</param>
/// <param name="FirstCheckpoint">The checkpoint of its first event.</param>
/// <param name="EventCount">How many events it had.</param>
/// <param name="Removed">How many of them, the first ones, are no longer there.</param>
/// <param name="Unit">The unit it was stored in; default for a commit of one stream.</param>
internal readonly record struct MemberHead(
    Guid CommitId, long StampTicks, long FirstCheckpoint, int EventCount, int Removed, UnitPlace Unit);

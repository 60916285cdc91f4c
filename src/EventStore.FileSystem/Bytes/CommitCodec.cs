namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Commits as a frame's body, written as <see cref="FrameCommits"/> and <see cref="CommitReader"/> read them: id and stamp, then the commit
/// of each stream. A unit has their number, and that of the events of each.
/// </summary>
internal static class CommitCodec
{
    /// <summary>Writes a commit of one stream.</summary>
    /// <param name="into">Receives the frame.</param>
    /// <param name="attempt">What is committed.</param>
    /// <param name="numbers">Its place in its stream.</param>
    /// <param name="stampTicks">Its stamp.</param>
    public static void Write(LogBatch into, CommitAttempt attempt, in CommitNumbers numbers, long stampTicks)
    {
        Begin(into, attempt, stampTicks);
        WriteMember(into, attempt, numbers);
        into.EndFrame(FrameKind.Commit, attempt.Events.Count);
    }

    /// <summary>Writes a unit.</summary>
    /// <param name="into">Receives the frame.</param>
    /// <param name="attempt">What is committed.</param>
    /// <param name="numbers">The places of its commits in their streams.</param>
    /// <param name="stampTicks">Its stamp.</param>
    public static void WriteUnit(LogBatch into, CommitAttempt attempt, IReadOnlyList<CommitNumbers> numbers, long stampTicks)
    {
        Begin(into, attempt, stampTicks);
        into.Number(numbers.Count);
        for (var i = 0; i < numbers.Count; i++)
        {
            into.Number((long)attempt.Member(i).Events.Count << 1);
            WriteMember(into, attempt.Member(i), numbers[i]);
        }

        into.EndFrame(FrameKind.Unit, attempt.EventCount);
    }

    public static long StampOf(in Frame frame)
    {
        var reader = frame.Kind == FrameKind.Shortened ? GapCodec.Behind(frame) : new BodyReader(frame);
        reader.Id();
        return reader.Fixed() is var ticks && IsStamp(ticks) ? ticks : throw frame.Impossible();
    }

    /// <summary>Whether ticks are a time.</summary>
    public static bool IsStamp(long ticks) => (ulong)ticks <= (ulong)DateTime.MaxValue.Ticks;

    /// <summary>The stamp of commits, or the newest one of those that were in a gap; 0 for other frames.</summary>
    public static long NewestStampOf(in Frame frame) =>
        frame.HoldsCommits ? StampOf(frame) : frame.Kind == FrameKind.Gap ? GapCodec.StampOf(frame) : 0;

    private static void Begin(LogBatch into, CommitAttempt attempt, long stampTicks)
    {
        into.BeginFrame();
        into.Id(attempt.CommitId);
        into.Fixed(stampTicks);
    }

    private static void WriteMember(LogBatch into, CommitAttempt attempt, in CommitNumbers numbers)
    {
        var events = attempt.Events;
        var hasTags = false;
        for (var i = 0; i < events.Count && !hasTags; i++) hasTags = events[i].Tags.Count > 0;
        into.Number(numbers.FirstRevision);
        into.Number(numbers.Sequence);
        into.Number(numbers.StartLag / 8);
        var isTruncated = numbers.StreamFirst > 1;
        into.Number(
            (numbers.IncarnationLag << 2) + (hasTags ? CommitReader.TagsMark : 0) + (isTruncated ? CommitReader.TruncatedMark : 0));
        if (isTruncated) into.Number(numbers.StreamFirst);
        into.Stream(attempt.Stream);
        into.Bytes(attempt.Headers.Span);
        for (var i = 0; i < events.Count; i++)
        {
            var recorded = events[i];
            into.Id(recorded.EventId);
            if (recorded.Tags.Count == 0) into.MarkedText(recorded.EventType, isMarked: false);
            else WriteTagged(into, recorded);
            into.Bytes(recorded.Headers.Span);
            into.Bytes(recorded.Body.Span);
        }
    }

    private static void WriteTagged(LogBatch into, in EventRecord recorded)
    {
        into.MarkedText(recorded.EventType, isMarked: true);
        into.Number(recorded.Tags.Count);
        for (var i = 0; i < recorded.Tags.Count; i++) into.Text(recorded.Tags[i]);
    }
}

/// <summary>The place of a commit in its stream.</summary>
/// <param name="FirstRevision">The revision of its first event.</param>
/// <param name="Sequence">Its number in its stream.</param>
/// <param name="StartLag">How many bytes before its frame the frame of its stream's first commit lies; 0 for the first itself.</param>
/// <param name="IncarnationLag">How many checkpoints before its first event its stream's first event had its own.</param>
/// <param name="StreamFirst">The first revision of its stream that was not truncated then.</param>
internal readonly record struct CommitNumbers(long FirstRevision, long Sequence, long StartLag, long IncarnationLag, long StreamFirst);

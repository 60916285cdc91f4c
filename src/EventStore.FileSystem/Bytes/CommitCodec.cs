namespace EventStore.FileSystem.Bytes;

/// <summary>
/// A commit as a frame's body, written as <see cref="CommitReader"/> reads it: id, stamp, first revision, sequence, how far back its stream
/// began, stream, headers, events.
/// </summary>
internal static class CommitCodec
{
    /// <param name="into">Receives the frame.</param>
    /// <param name="attempt">What is committed.</param>
    /// <param name="commit">Its numbers in its stream.</param>
    /// <param name="stampTicks">Its stamp.</param>
    /// <param name="streamStartLag">How many bytes before the frame its stream's first commit lies; 0 for the first itself.</param>
    public static void Write(LogBatch into, CommitAttempt attempt, in CommitNumbers commit, long stampTicks, long streamStartLag)
    {
        into.BeginFrame();
        into.Id(attempt.CommitId);
        into.Fixed(stampTicks);
        into.Number(commit.FirstRevision);
        into.Number(commit.Sequence);
        into.Number(streamStartLag / 8);
        into.Stream(attempt.Stream);
        into.Bytes(attempt.Headers.Span);
        var events = attempt.Events;
        for (var i = 0; i < events.Count; i++)
        {
            var recorded = events[i];
            into.Id(recorded.EventId);
            into.Text(recorded.EventType);
            into.Bytes(recorded.Headers.Span);
            into.Bytes(recorded.Body.Span);
        }

        into.EndFrame(FrameKind.Commit, events.Count);
    }

    public static long StampOf(in Frame frame)
    {
        var reader = new BodyReader(frame);
        reader.Id();
        return reader.Fixed() is var ticks && IsStamp(ticks) ? ticks : throw frame.Impossible();
    }

    /// <summary>Whether ticks are a time.</summary>
    public static bool IsStamp(long ticks) => (ulong)ticks <= (ulong)DateTime.MaxValue.Ticks;

    /// <summary>The stamp of a commit, or the newest one of those that were in a gap; 0 for other frames.</summary>
    public static long NewestStampOf(in Frame frame) => frame.Kind switch
    {
        FrameKind.Commit => StampOf(frame),
        FrameKind.Gap => GapCodec.StampOf(frame),
        _ => 0,
    };
}

/// <summary>The numbers of a commit in its stream.</summary>
internal readonly record struct CommitNumbers(long FirstRevision, long Sequence);

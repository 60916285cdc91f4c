using System.Text;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>
/// A commit as a frame's body, written and read: id, stamp, first revision, sequence, how far back its stream began, stream, headers, events.
/// </summary>
internal static class CommitCodec
{
    /// <param name="into">Receives the frame.</param>
    /// <param name="attempt">What is committed.</param>
    /// <param name="commit">What it becomes.</param>
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
    }

    public static long StampOf(in Frame frame)
    {
        var reader = new BodyReader(frame.Body.Span);
        reader.Id();
        return reader.Fixed();
    }

    /// <summary>The stamp of a commit, or the newest one of those that were in a gap; 0 for other frames.</summary>
    public static long NewestStampOf(in Frame frame) => frame.Header.Kind switch
    {
        FrameKind.Commit => StampOf(frame),
        FrameKind.Gap => GapCodec.StampOf(frame),
        _ => 0,
    };

    public static StoredCommit Read(in Frame frame, NameCache names)
    {
        var body = frame.Body;
        var reader = new BodyReader(body.Span);
        var commitId = reader.Id();
        var stamp = reader.Fixed();
        var revision = reader.Number();
        var sequence = reader.Number();
        var start = frame.Header.Position - (reader.Number() * 8);
        var stream = names.StreamOf(reader.Bytes(), reader.Bytes(), reader.Bytes());
        var headers = Slice(body, reader.Bytes().Length, reader.Offset);
        var record = new CommitRecord(stream, commitId, sequence, new DateTimeOffset(stamp, TimeSpan.Zero), revision, frame.Header.Checkpoint, frame.Header.Count, headers);
        return new StoredCommit(record, start, frame, reader.Offset);
    }

    /// <summary>Reads a commit's events one after another, each once.</summary>
    public static RecordedEvent[] ReadEvents(in StoredCommit commit, NameCache names)
    {
        var body = commit.Frame.Body;
        var events = new RecordedEvent[commit.Record.EventCount];
        var reader = new BodyReader(body.Span[commit.EventsOffset..]);
        for (var i = 0; i < events.Length; i++)
        {
            var id = reader.Id();
            var type = names.TypeOf(reader.Bytes());
            var headers = Slice(body, reader.Bytes().Length, commit.EventsOffset + reader.Offset);
            var bytes = Slice(body, reader.Bytes().Length, commit.EventsOffset + reader.Offset);
            events[i] = new RecordedEvent(commit.Record, i, new EventRecord(id, type, bytes, headers));
        }

        return events;
    }

    private static ReadOnlyMemory<byte> Slice(ReadOnlyMemory<byte> body, int length, int end) => body.Slice(end - length, length);
}

/// <summary>The numbers of a commit in its stream.</summary>
internal readonly record struct CommitNumbers(long FirstRevision, long Sequence);

/// <summary>A commit as it was read, its events not yet taken apart.</summary>
/// <param name="Record">The commit.</param>
/// <param name="StreamStart">The address of the first commit of its stream; tells a stream from an earlier, deleted one of the same name.</param>
/// <param name="Frame">Its frame.</param>
/// <param name="EventsOffset">Where in the body its events begin.</param>
internal readonly record struct StoredCommit(CommitRecord Record, long StreamStart, Frame Frame, int EventsOffset);

/// <summary>Spares reading the same names of streams and types again and again. Bounded; a lost entry is made anew.</summary>
internal sealed class NameCache
{
    private const int Slots = 4096;
    private readonly StreamSlot?[] streams = new StreamSlot?[Slots];
    private readonly TypeSlot?[] types = new TypeSlot?[Slots];

    public StreamId StreamOf(ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> category, ReadOnlySpan<byte> id)
    {
        var slot = Crc32C.Of(id, Crc32C.Of(category, Crc32C.Of(bucket))) % Slots;
        if (streams[slot] is { } known && bucket.SequenceEqual(known.Bucket) && category.SequenceEqual(known.Category) && id.SequenceEqual(known.Id)) return known.Stream;
        var made = new StreamSlot(
            bucket.ToArray(), category.ToArray(), id.ToArray(),
            new StreamId(Encoding.UTF8.GetString(bucket), Encoding.UTF8.GetString(category), Encoding.UTF8.GetString(id)));
        streams[slot] = made;
        return made.Stream;
    }

    public string TypeOf(ReadOnlySpan<byte> type)
    {
        var slot = Crc32C.Of(type) % Slots;
        if (types[slot] is { } known && type.SequenceEqual(known.Bytes)) return known.Text;
        var made = new TypeSlot(type.ToArray(), Encoding.UTF8.GetString(type));
        types[slot] = made;
        return made.Text;
    }

    private sealed record StreamSlot(byte[] Bucket, byte[] Category, byte[] Id, StreamId Stream);

    private sealed record TypeSlot(byte[] Bytes, string Text);
}

using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace EventStore.Redis;

/// <summary>
/// The bytes of an entry of the log: a header that the commit's script wrote, then a body as it was made here. An entry is a chunk of a
/// commit, so that reading part of a large commit costs part of it. All numbers are big-endian.
/// </summary>
/// <remarks><code>
/// header 6 first checkpoint of the commit · 6 first revision · 6 commit sequence · 6 birth of the stream · 6 first checkpoint of the unit
/// 18 digits of the stamp (microseconds)
/// body 4 CRC-32C of all that follows · 4 CRC-32C of the head, which follows up to the events · 4 events here · 4 events of the commit
/// before these · 4 events of the commit · 16 commit id · 4 commits of the unit · 2 + n stream's name · 4 + n commit headers
/// then for each event 16 id · 2 + n type · 2 tags, 2 + n each · 4 body's length · 4 headers' length · body · headers
/// </code></remarks>
internal static class RedisRows
{
    public const int StampDigits = 18;

    internal const int HeaderBytes = 30 + StampDigits;
    private const int FixedBytes = 40;
    private const int CountsAt = 8;
    private const int IdAt = 20;
    private const int UnitSizeAt = 36;
    private const string Misshapen = "its lengths are impossible.";
    private const int ChunkBytes = 64 << 10;
    private const int MinEventBytes = 28;
    private const int SnapshotPlaceBytes = 31;
    private const int SnapshotFixedBytes = 6;
    private static readonly long MaxStamp = DateTimeOffset.MaxValue.UtcTicks / TimeSpan.TicksPerMicrosecond;

    /// <summary>A stamp as digits, which are ordered as the stamps are.</summary>
    public static string StampOf(DateTimeOffset stamp) =>
        (stamp.UtcTicks / TimeSpan.TicksPerMicrosecond).ToString("D18", CultureInfo.InvariantCulture);

    /// <exception cref="CorruptStorageException">They are no stamp.</exception>
    public static DateTimeOffset StampOf(ReadOnlySpan<byte> digits) =>
        long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var stamp) && stamp <= MaxStamp
            ? new DateTimeOffset(stamp * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero)
            : throw DamagedEntry("its stamp is none.", null);

    public static long ReadNumber(ReadOnlySpan<byte> bytes) =>
        ((long)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]);

    /// <summary>The bodies of the entries of a commit.</summary>
    public static List<RedisChunk> Encode(CommitAttempt attempt, byte[] name, int unitSize)
    {
        var chunks = new List<RedisChunk>(1);
        // Every chunk repeats the commit's headers; where those are large, so are the chunks.
        var most = Math.Max(ChunkBytes, 4 * attempt.Headers.Length);
        for (var first = 0; first < attempt.Events.Count;)
        {
            var next = first;
            var size = FixedBytes + 2 + name.Length + 4 + attempt.Headers.Length;
            do size += SizeOf(attempt.Events[next++]);
            while (next < attempt.Events.Count && size + SizeOf(attempt.Events[next]) <= most);
            chunks.Add(new RedisChunk(first, next - first, EncodeChunk(attempt, name, (first, next), size, unitSize)));
            first = next;
        }

        return chunks;
    }

    /// <summary>The commit that an entry is of. A head of the entry suffices: all that comes before the events.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="stream">The stream, where it is known.</param>
    /// <param name="firstEvent">The place of the entry's first event in its commit.</param>
    /// <param name="events">The bytes of its events.</param>
    /// <param name="count">The number of its events.</param>
    public static CommitRecord DecodeCommit(ReadOnlyMemory<byte> entry, StreamId? stream, out int firstEvent, out int count,
        out ReadOnlyMemory<byte> events)
    {
        var header = entry.Span;
        var body = header[HeaderBytes..];
        count = BinaryPrimitives.ReadInt32BigEndian(body[CountsAt..]);
        firstEvent = BinaryPrimitives.ReadInt32BigEndian(body[(CountsAt + 4)..]);
        var nameLength = BinaryPrimitives.ReadUInt16BigEndian(body[FixedBytes..]);
        var headersAt = FixedBytes + 2 + nameLength + 4;
        var headersLength = BinaryPrimitives.ReadInt32BigEndian(body[(headersAt - 4)..]);
        events = entry[(HeaderBytes + headersAt + headersLength)..];
        return new CommitRecord(
            stream ?? RedisSchema.StreamOf(body.Slice(FixedBytes + 2, nameLength)),
            new Guid(body.Slice(IdAt, 16), bigEndian: true),
            new CommitSequence(ReadNumber(header[12..])),
            StampOf(header.Slice(HeaderBytes - StampDigits, StampDigits)),
            new Revision(ReadNumber(header[6..])),
            new Checkpoint(ReadNumber(header)),
            BinaryPrimitives.ReadInt32BigEndian(body[(CountsAt + 8)..]),
            entry.Slice(HeaderBytes + headersAt, headersLength))
        {
            Unit = new UnitPlace(new Checkpoint(ReadNumber(header[24..])), BinaryPrimitives.ReadInt32BigEndian(body[UnitSizeAt..])),
        };
    }

    /// <summary>The commit of its first entry or of the head of it, which nothing else refers to.</summary>
    /// <exception cref="CorruptStorageException">The head is not as it was made.</exception>
    public static CommitRecord DecodeFirst(byte[] entry, StreamId stream)
    {
        if (!IsHeadSound(entry)) throw DamagedEntry("the checksum of its head does not fit its bytes.", null);
        try
        {
            var commit = DecodeCommit(entry, stream, out _, out _, out _);
            return commit with { Headers = commit.Headers.ToArray() };
        }
        catch (ArgumentException error)
        {
            throw DamagedEntry(Misshapen, error);
        }
    }

    /// <summary>The events of an entry, in order.</summary>
    /// <exception cref="CorruptStorageException">The entry is not as it was made.</exception>
    public static RecordedEvent[] Decode(byte[] entry, StreamId? stream)
    {
        RequireSound(entry);
        try
        {
            var commit = DecodeCommit(entry, stream, out var first, out var count, out var rest);
            if (count < 1 || count > rest.Length / MinEventBytes || first < 0) throw DamagedEntry(Misshapen, null);
            var events = new RecordedEvent[count];
            for (var i = 0; i < count; i++) events[i] = new RecordedEvent(commit, first + i, DecodeEvent(ref rest));
            return events;
        }
        catch (ArgumentException error)
        {
            throw DamagedEntry(Misshapen, error);
        }
    }

    /// <summary>Whether the body of an entry is as it was made.</summary>
    public static bool IsSound(ReadOnlySpan<byte> entry) =>
        entry.Length > HeaderBytes + FixedBytes
            && BinaryPrimitives.ReadUInt32BigEndian(entry[HeaderBytes..]) == Checksum(entry[(HeaderBytes + 4)..]);

    /// <summary>Whether the head of an entry is as it was made, with or without the events that follow it.</summary>
    public static bool IsHeadSound(ReadOnlySpan<byte> entry)
    {
        if (entry.Length < HeaderBytes + FixedBytes + 6) return false;
        var body = entry[HeaderBytes..];
        var headersAt = FixedBytes + 2 + BinaryPrimitives.ReadUInt16BigEndian(body[FixedBytes..]);
        if (headersAt + 4 > body.Length) return false;
        var end = headersAt + 4L + BinaryPrimitives.ReadUInt32BigEndian(body[headersAt..]);
        return end <= body.Length && BinaryPrimitives.ReadUInt32BigEndian(body[4..]) == Checksum(body[CountsAt..(int)end]);
    }

    /// <summary>A stream as scripts return it.</summary>
    public static StreamState StateOf(ReadOnlySpan<byte> state) => ReadNumber(state) == 0 ? default : new(
        new Checkpoint(ReadNumber(state)), new Revision(ReadNumber(state[6..])), new Revision(ReadNumber(state[12..])),
        state[18] == (byte)'1');

    /// <summary>A snapshot's state type and payload, with their checksum.</summary>
    public static byte[] Encode(SnapshotRecord snapshot)
    {
        var bytes = new byte[6 + Encoding.UTF8.GetByteCount(snapshot.StateType) + snapshot.Payload.Length];
        var type = Encoding.UTF8.GetBytes(snapshot.StateType, bytes.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(4), (ushort)type);
        snapshot.Payload.CopyTo(bytes.AsMemory(6 + type));
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Checksum(bytes.AsSpan(4)));
        return bytes;
    }

    /// <summary>
    /// Where a snapshot lies among those of its stream. Revision and schema version have a fixed number of digits, so that the order of
    /// bytes is theirs.
    /// </summary>
    public static string PlaceOf(long revision, int schemaVersion) =>
        string.Create(CultureInfo.InvariantCulture, $"{revision:D19}:{schemaVersion:D10}");

    /// <summary>A snapshot as it lies among those of its stream: its place, a colon, its bytes.</summary>
    /// <exception cref="CorruptStorageException">It is not as it was made.</exception>
    public static SnapshotRecord DecodeSnapshot(StreamId stream, byte[] found)
    {
        var bytes = found.Length < SnapshotPlaceBytes + SnapshotFixedBytes ? default : found.AsMemory(SnapshotPlaceBytes);
        if (bytes.IsEmpty || BinaryPrimitives.ReadUInt32BigEndian(bytes.Span) != Checksum(bytes.Span[4..]))
            throw DamagedSnapshot(stream, "its checksum does not fit its bytes.");
        var type = BinaryPrimitives.ReadUInt16BigEndian(bytes.Span[4..]);
        if (type > bytes.Length - SnapshotFixedBytes
            || !long.TryParse(found.AsSpan(0, 19), NumberStyles.None, CultureInfo.InvariantCulture, out var revision)
            || !int.TryParse(found.AsSpan(20, 10), NumberStyles.None, CultureInfo.InvariantCulture, out var schemaVersion))
            throw DamagedSnapshot(stream, "its place or its length is impossible.");
        return new SnapshotRecord(
            stream,
            new Revision(revision),
            schemaVersion,
            Encoding.UTF8.GetString(bytes.Span.Slice(SnapshotFixedBytes, type)),
            bytes[(SnapshotFixedBytes + type)..]);
    }

    private static CorruptStorageException DamagedSnapshot(StreamId stream, string problem) => new(
        $"a snapshot of stream '{stream}'", problem, "Delete it by pruning; the state can be made again from the events.");

    private static void RequireSound(byte[] entry)
    {
        if (!IsSound(entry)) throw DamagedEntry("its checksum does not fit its bytes.", null);
    }

    private static CorruptStorageException DamagedEntry(string problem, Exception? inner) => new(
        "an entry of the log", problem, "Run a verification, which names all such places, and restore the server's data.", inner);

    private static byte[] EncodeChunk(CommitAttempt attempt, byte[] name, (int First, int Next) range, int size, int unitSize)
    {
        var bytes = new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CountsAt), range.Next - range.First);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CountsAt + 4), range.First);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CountsAt + 8), attempt.Events.Count);
        attempt.CommitId.TryWriteBytes(bytes.AsSpan(IdAt), bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(UnitSizeAt), unitSize);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(FixedBytes), (ushort)name.Length);
        name.CopyTo(bytes, FixedBytes + 2);
        var rest = bytes.AsSpan(FixedBytes + 2 + name.Length);
        BinaryPrimitives.WriteInt32BigEndian(rest, attempt.Headers.Length);
        attempt.Headers.Span.CopyTo(rest[4..]);
        rest = rest[(4 + attempt.Headers.Length)..];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), Checksum(bytes.AsSpan(CountsAt..^rest.Length)));
        for (var i = range.First; i < range.Next; i++) Encode(attempt.Events[i], ref rest);
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Checksum(bytes.AsSpan(4)));
        return bytes;
    }

    private static int SizeOf(in EventRecord record) =>
        MinEventBytes + Encoding.UTF8.GetByteCount(record.EventType) + (2 * record.Tags.Count) + (int)record.SizeBytes;

    private static void Encode(in EventRecord record, ref Span<byte> to)
    {
        record.EventId.TryWriteBytes(to, bigEndian: true, out _);
        var type = Encoding.UTF8.GetBytes(record.EventType, to[18..]);
        BinaryPrimitives.WriteUInt16BigEndian(to[16..], (ushort)type);
        to = to[(18 + type)..];
        BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)record.Tags.Count);
        to = to[2..];
        for (var i = 0; i < record.Tags.Count; i++)
        {
            var tag = Encoding.UTF8.GetBytes(record.Tags[i], to[2..]);
            BinaryPrimitives.WriteUInt16BigEndian(to, (ushort)tag);
            to = to[(2 + tag)..];
        }

        BinaryPrimitives.WriteInt32BigEndian(to, record.Body.Length);
        BinaryPrimitives.WriteInt32BigEndian(to[4..], record.Headers.Length);
        record.Body.Span.CopyTo(to[8..]);
        record.Headers.Span.CopyTo(to[(8 + record.Body.Length)..]);
        to = to[(8 + record.Body.Length + record.Headers.Length)..];
    }

    private static EventRecord DecodeEvent(ref ReadOnlyMemory<byte> from)
    {
        var id = new Guid(from.Span[..16], bigEndian: true);
        from = from[16..];
        var type = ReadText(ref from);
        var tags = DecodeTags(ref from);
        var body = BinaryPrimitives.ReadInt32BigEndian(from.Span);
        var headers = BinaryPrimitives.ReadInt32BigEndian(from.Span[4..]);
        var record = new EventRecord(id, type, from.Slice(8, body), from.Slice(8 + body, headers), tags);
        from = from[(8 + body + headers)..];
        return record;
    }

    private static string[] DecodeTags(ref ReadOnlyMemory<byte> from)
    {
        var count = BinaryPrimitives.ReadUInt16BigEndian(from.Span);
        from = from[2..];
        if (count == 0) return [];
        if (count > EventTags.MaxCount) throw DamagedEntry("an event has too many tags.", null);
        var tags = new string[count];
        for (var i = 0; i < count; i++) tags[i] = ReadText(ref from);
        return tags;
    }

    private static string ReadText(ref ReadOnlyMemory<byte> from)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(from.Span);
        var text = Encoding.UTF8.GetString(from.Span.Slice(2, length));
        from = from[(2 + length)..];
        return text;
    }

    /// <summary>The CRC-32C of bytes.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..]) crc =
            BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var one in bytes) crc = BitOperations.Crc32C(crc, one);
        return ~crc;
    }
}

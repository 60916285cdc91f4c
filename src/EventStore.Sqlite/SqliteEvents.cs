using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace EventStore.Sqlite;

/// <summary>
/// The events of a commit as one blob, written: for each its id (16 bytes), type, tags, headers and body, each behind its length. Lengths
/// are 7 bits a byte, low ones first, the eighth bit set where more follow. That of the type is doubled, and 1 higher where tags follow:
/// their number, and each behind its length.
/// </summary>
internal sealed class SqliteEventWriter
{
    private const int KeptBytes = 1 << 20;
    private ArrayBufferWriter<byte> buffer = new(4096);

    /// <summary>The events encoded; valid until the next call.</summary>
    public ReadOnlySpan<byte> Write(IReadOnlyList<EventRecord> events)
    {
        if (buffer.Capacity > KeptBytes) buffer = new ArrayBufferWriter<byte>(4096);
        buffer.ResetWrittenCount();
        for (var i = 0; i < events.Count; i++)
        {
            var recorded = events[i];
            recorded.EventId.TryWriteBytes(buffer.GetSpan(16), bigEndian: true, out var written);
            buffer.Advance(written);
            var hasTags = recorded.Tags.Count > 0;
            Length((Encoding.UTF8.GetByteCount(recorded.EventType) << 1) | (hasTags ? 1 : 0));
            Encoding.UTF8.GetBytes(recorded.EventType, buffer);
            if (hasTags) Write(recorded.Tags);
            Length(recorded.Headers.Length);
            buffer.Write(recorded.Headers.Span);
            Length(recorded.Body.Length);
            buffer.Write(recorded.Body.Span);
        }

        return buffer.WrittenSpan;
    }

    private void Write(IReadOnlyList<string> tags)
    {
        Length(tags.Count);
        for (var i = 0; i < tags.Count; i++)
        {
            Length(Encoding.UTF8.GetByteCount(tags[i]));
            Encoding.UTF8.GetBytes(tags[i], buffer);
        }
    }

    private void Length(int value)
    {
        var span = buffer.GetSpan(5);
        var at = 0;
        for (var rest = (uint)value; ; rest >>= 7)
        {
            span[at++] = (byte)(rest < 0x80 ? rest : rest | 0x80);
            if (rest < 0x80) break;
        }

        buffer.Advance(at);
    }
}

/// <summary>
/// The same, read. Bodies and headers are slices of what is handed in. Its checksum was right, but any process can compute one: a
/// length or name that is impossible ends the reading.
/// </summary>
internal ref struct SqliteEventReader(ReadOnlyMemory<byte> events)
{
    /// <summary>An event takes at least as much: an id, a type of one byte, and three lengths.</summary>
    public const int LeastBytes = 20;

    private int at;

    /// <summary>Reads the next event; false if there is none, or it is none that was ever stored.</summary>
    public bool TryNext(SqliteTypeNames types, out EventRecord read)
    {
        read = default;
        if (!TryTake(16, out var id) || !TryReadLength(out var length) || !TryTake((int)((uint)length >> 1), out var name)) return false;
        IReadOnlyList<string>? tags = null;
        if ((length & 1) != 0 && !TryReadTags(out tags)) return false;
        if (!TryTakePart(out var headers) || !TryTakePart(out var body)) return false;
        if (name.Length is 0 or > EventRecord.MaxTypeBytes || types.NameOf(name.Span) is not { } type) return false;
        var eventId = new Guid(id.Span, bigEndian: true);
        if (eventId == Guid.Empty) return false;
        read = new EventRecord(eventId, type, body, headers, tags);
        return true;
    }

    private bool TryReadTags([NotNullWhen(true)] out IReadOnlyList<string>? tags)
    {
        tags = null;
        if (!TryReadLength(out var count) || count is < 1 or > EventTags.MaxCount) return false;
        var read = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (!TryTakePart(out var tag) || tag.Length is 0 or > EventTags.MaxBytes || !Utf8.IsValid(tag.Span)
                || tag.Span.Contains((byte)0)) return false;
            read[i] = Encoding.UTF8.GetString(tag.Span);
        }

        tags = read;
        return true;
    }

    private bool TryTakePart(out ReadOnlyMemory<byte> part)
    {
        part = default;
        return TryReadLength(out var length) && TryTake(length, out part);
    }

    private bool TryTake(int count, out ReadOnlyMemory<byte> taken)
    {
        taken = default;
        if (count < 0 || count > events.Length - at) return false;
        taken = events.Slice(at, count);
        at += count;
        return true;
    }

    private bool TryReadLength(out int length)
    {
        var bytes = events.Span;
        uint value = 0;
        for (var shift = 0; shift < 32 && at < bytes.Length; shift += 7)
        {
            var next = bytes[at++];
            value |= (uint)(next & 0x7F) << shift;
            if (next >= 0x80) continue;
            length = (int)value;
            return true;
        }

        length = 0;
        return false;
    }
}

/// <summary>
/// Spares making the same names of types again and again. Bounded; a lost entry is made again. Used by one thread at a time.
/// </summary>
internal sealed class SqliteTypeNames
{
    private const int Slots = 1024;
    private readonly (byte[] Utf8, string Name)[] known = new (byte[], string)[Slots];

    /// <summary>The name; null for what is none.</summary>
    public string? NameOf(ReadOnlySpan<byte> utf8)
    {
        ref var slot = ref known[default(SqliteChecksum).With(utf8).Value & (Slots - 1)];
        if (slot.Utf8 is { } same && utf8.SequenceEqual(same)) return slot.Name;
        if (!Utf8.IsValid(utf8) || utf8.Contains((byte)0)) return null;
        slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        return slot.Name;
    }
}

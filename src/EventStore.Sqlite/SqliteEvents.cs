using System.Buffers;
using System.Text;

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

/// <summary>The same, read. Bodies and headers are slices of what is handed in.</summary>
internal ref struct SqliteEventReader(ReadOnlyMemory<byte> events)
{
    private int at;

    public EventRecord Next(SqliteTypeNames types)
    {
        var id = new Guid(Take(16).Span, bigEndian: true);
        var length = Length();
        var type = types.NameOf(Take(length >> 1).Span);
        var tags = (length & 1) == 0 ? null : Tags();
        var headers = Take(Length());
        return new EventRecord(id, type, Take(Length()), headers, tags);
    }

    private string[] Tags()
    {
        var tags = new string[Length()];
        for (var i = 0; i < tags.Length; i++) tags[i] = Encoding.UTF8.GetString(Take(Length()).Span);
        return tags;
    }

    private ReadOnlyMemory<byte> Take(int count)
    {
        var taken = events.Slice(at, count);
        at += count;
        return taken;
    }

    private int Length()
    {
        var bytes = events.Span;
        uint value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80) return (int)value;
        }
    }
}

/// <summary>
/// Spares making the same names of types again and again. Bounded; a lost entry is made again. Used by one thread at a time.
/// </summary>
internal sealed class SqliteTypeNames
{
    private const int Slots = 1024;
    private readonly (byte[] Utf8, string Name)[] known = new (byte[], string)[Slots];

    public string NameOf(ReadOnlySpan<byte> utf8)
    {
        ref var slot = ref known[default(SqliteChecksum).With(utf8).Value & (Slots - 1)];
        if (slot.Utf8 is { } same && utf8.SequenceEqual(same)) return slot.Name;
        slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        return slot.Name;
    }
}

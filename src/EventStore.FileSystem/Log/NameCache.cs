using System.Buffers.Binary;
using System.Text;

namespace EventStore.FileSystem.Log;

/// <summary>Spares making the same names of streams and types again and again. Bounded; a lost entry is made anew.</summary>
internal sealed class NameCache
{
    // Each name may stand in one of two neighbouring slots, so that few names push one another out.
    private const int StreamSlots = 16_384;
    private const int TextSlots = 1024;
    private readonly StreamSlot?[] streams = new StreamSlot?[StreamSlots];
    private readonly TextSlot?[] texts = new TextSlot?[TextSlots];

    /// <summary>The stream whose name is made of three parts, which stand one after another in the bytes.</summary>
    public StreamId StreamOf(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> category, ReadOnlySpan<byte> id)
    {
        var slot = SlotOf(bytes, StreamSlots);
        if (streams[slot] is { } first && bytes.SequenceEqual(first.Bytes)) return first.Stream;
        if (streams[slot ^ 1] is { } second && bytes.SequenceEqual(second.Bytes)) return second.Stream;
        var made = new StreamSlot(bytes.ToArray(), new StreamId(TextOf(bucket), TextOf(category), Encoding.UTF8.GetString(id)));
        streams[slot ^ 1] = streams[slot];
        streams[slot] = made;
        return made.Stream;
    }

    /// <summary>A name of which there are few: a type, a bucket or a category.</summary>
    public string TextOf(ReadOnlySpan<byte> bytes)
    {
        var slot = SlotOf(bytes, TextSlots);
        if (texts[slot] is { } first && bytes.SequenceEqual(first.Bytes)) return first.Text;
        if (texts[slot ^ 1] is { } second && bytes.SequenceEqual(second.Bytes)) return second.Text;
        var made = new TextSlot(bytes.ToArray(), Encoding.UTF8.GetString(bytes));
        texts[slot ^ 1] = texts[slot];
        texts[slot] = made;
        return made.Text;
    }

    // Names of many streams differ at their ends.
    private static int SlotOf(ReadOnlySpan<byte> bytes, int slots) =>
        (int)(bytes.Length < 8 ? Crc32C.Of(bytes) : Crc32C.Of(BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]), (uint)bytes.Length)) & (slots - 1);

    private sealed record StreamSlot(byte[] Bytes, StreamId Stream);

    private sealed record TextSlot(byte[] Bytes, string Text);
}

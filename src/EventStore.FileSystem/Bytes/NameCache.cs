using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Keeps names of streams and types that were decoded, so that they are not decoded again. Bounded; a displaced name is decoded again.
/// </summary>
internal sealed class NameCache
{
    // Each name may stand in one of two neighbouring slots, so that few names displace each other.
    private const int FirstSlots = 64;
    private const int MostStreamSlots = 16_384;
    private const int MostTextSlots = 1024;
    private StreamSlot?[] streams = new StreamSlot?[FirstSlots];
    private TextSlot?[] texts = new TextSlot?[FirstSlots];

    /// <summary>Whether bytes may be a name, or a part of one: UTF-8 without a zero.</summary>
    public static bool IsName(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) && !bytes.Contains((byte)0);

    /// <summary>
    /// The stream whose name is made of three parts, which stand one after another in the bytes; null if no stream can have that name.
    /// </summary>
    public StreamId? StreamOf(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> category, ReadOnlySpan<byte> id)
    {
        var slots = streams;
        var slot = SlotOf(bytes, slots.Length);
        if (slots[slot] is { } kept && bytes.SequenceEqual(kept.Bytes)) return kept.Stream;
        if (slots[slot ^ 1] is { } beside && bytes.SequenceEqual(beside.Bytes)) return beside.Stream;
        if (bucket.IsEmpty || id.IsEmpty || !IsName(id)) return null;
        if (TextOf(bucket) is not { } first || TextOf(category) is not { } second) return null;
        var made = new StreamSlot(bytes.ToArray(), new StreamId(first, second, Encoding.UTF8.GetString(id)));
        Keep(ref streams, slots, slot, made, MostStreamSlots);
        return made.Stream;
    }

    /// <summary>A name of which there are few: a type, a bucket or a category; null if it is not a name.</summary>
    public string? TextOf(ReadOnlySpan<byte> bytes)
    {
        var slots = texts;
        var slot = SlotOf(bytes, slots.Length);
        if (slots[slot] is { } first && bytes.SequenceEqual(first.Bytes)) return first.Text;
        if (slots[slot ^ 1] is { } second && bytes.SequenceEqual(second.Bytes)) return second.Text;
        if (!IsName(bytes)) return null;
        var made = new TextSlot(bytes.ToArray(), Encoding.UTF8.GetString(bytes));
        Keep(ref texts, slots, slot, made, MostTextSlots);
        return made.Text;
    }

    // Readers race here: one may displace what another keeps, which costs no more than decoding it again.
    private static void Keep<T>(ref T?[] current, T?[] slots, int slot, T made, int most)
        where T : class
    {
        if (slots[slot] is not null && slots[slot ^ 1] is not null && slots.Length < most)
        {
            current = new T?[slots.Length * 4];
            return;
        }

        slots[slot ^ 1] = slots[slot];
        slots[slot] = made;
    }

    // Names of many streams differ at their ends.
    private static int SlotOf(ReadOnlySpan<byte> bytes, int slots) =>
        (int)HashOf(bytes) & (slots - 1);

    private static uint HashOf(ReadOnlySpan<byte> bytes) => bytes.Length < 8
        ? Crc32C.Of(bytes)
        : Crc32C.Of(BinaryPrimitives.ReadUInt64LittleEndian(bytes[^8..]), (uint)bytes.Length);

    private sealed record StreamSlot(byte[] Bytes, StreamId Stream);

    private sealed record TextSlot(byte[] Bytes, string Text);
}

using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Index;

/// <summary>What the index knows of a stream.</summary>
/// <param name="Start">The address of its first commit; 0 for a deleted stream.</param>
/// <param name="Revision">Its revision.</param>
/// <param name="Sequence">The number of its newest commit.</param>
internal readonly record struct HeadEntry(long Start, long Revision, long Sequence)
{
    public bool Exists => Start > 0;

    public static HeadEntry Read(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return default;
        var reader = new BodyReader(value);
        return new HeadEntry(reader.Number(), reader.Number(), reader.Number());
    }

    public byte[] ToValue()
    {
        if (!Exists) return [];
        Span<byte> into = stackalloc byte[30];
        var length = Varint.Write(into, Start);
        length += Varint.Write(into[length..], Revision);
        length += Varint.Write(into[length..], Sequence);
        return into[..length].ToArray();
    }
}

using System.Buffers.Binary;
using System.Text;

namespace EventStore.FileSystem.Bytes;

/// <summary>Reads the values of a frame's body in the order in which <see cref="LogBatch"/> wrote them.</summary>
internal ref struct BodyReader(ReadOnlySpan<byte> body)
{
    private readonly ReadOnlySpan<byte> body = body;

    public int Offset { get; private set; }

    public long Number()
    {
        if (body[Offset] < 0x80) return body[Offset++];
        (var value, Offset) = Varint.Read(body, Offset);
        return value;
    }

    public long Fixed() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public Guid Id() => new(Take(16));

    public ReadOnlySpan<byte> Bytes() => Take((int)Number());

    public string Text() => Encoding.UTF8.GetString(Bytes());

    public StreamId Stream() => new(Text(), Text(), Text());

    /// <summary>What was read since an offset.</summary>
    public readonly ReadOnlySpan<byte> Since(int offset) => body[offset..Offset];

    private ReadOnlySpan<byte> Take(int bytes)
    {
        var taken = body.Slice(Offset, bytes);
        Offset += bytes;
        return taken;
    }
}

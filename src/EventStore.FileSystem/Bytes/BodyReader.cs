using System.Buffers.Binary;
using System.Text;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Reads the values of a frame's body in the order in which <see cref="LogBatch"/> wrote them. Nothing that is read is trusted: a value
/// that is impossible is damage, although the checksum is right.
/// </summary>
internal ref struct BodyReader(Frame frame, int start = 0)
{
    private readonly Frame frame = frame;
    private readonly ReadOnlySpan<byte> body = frame.Body[start..];

    public int Offset { get; private set; }

    /// <summary>The frame whose body it reads.</summary>
    public readonly Frame Frame => frame;

    /// <summary>A number of whatever meaning: a count, a revision, a distance.</summary>
    /// <param name="most">The highest that is possible.</param>
    public long Number(long most = Format.MaxPosition)
    {
        var value = 0L;
        if (Offset < body.Length && body[Offset] < 0x80) value = body[Offset++];
        else if (Varint.TryRead(body, Offset, out value, out var end)) Offset = end;
        else throw frame.Impossible();
        return (ulong)value <= (ulong)most ? value : throw frame.Impossible();
    }

    public long Fixed() => BinaryPrimitives.ReadInt64LittleEndian(Raw(8));

    public Guid Id() => new(Raw(16));

    public ReadOnlySpan<byte> Bytes(int most = Format.MaxFrameLength) => Raw((int)Number(most));

    public StreamId Stream()
    {
        var bucket = Encoding.UTF8.GetString(Name(StreamId.MaxBucketBytes));
        var category = Encoding.UTF8.GetString(Name(StreamId.MaxBucketBytes, least: 0));
        return new StreamId(bucket, category, Encoding.UTF8.GetString(Name(StreamId.MaxIdBytes)));
    }

    /// <summary>The bytes of a text that may be a name.</summary>
    /// <param name="most">Its greatest length in bytes.</param>
    /// <param name="least">Its least length.</param>
    public ReadOnlySpan<byte> Name(int most, int least = 1)
    {
        var name = Bytes(most);
        return name.Length >= least && NameCache.IsName(name) ? name : throw frame.Impossible();
    }

    /// <summary>What was read since an offset.</summary>
    public readonly ReadOnlySpan<byte> Since(int offset) => body[offset..Offset];

    /// <summary>Goes on at an offset at which it was before.</summary>
    public void MoveTo(int offset) => Offset = offset;

    /// <summary>Bytes whose number is known.</summary>
    public ReadOnlySpan<byte> Raw(int bytes)
    {
        if (bytes > body.Length - Offset) throw frame.Impossible();
        var taken = body.Slice(Offset, bytes);
        Offset += bytes;
        return taken;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace EventStore.FileSystem.Bytes;

/// <summary>Frames that are written together. Encodes the values that <see cref="BodyReader"/> decodes.</summary>
internal sealed class LogBatch
{
    private const int KeptCapacityBytes = 4 << 20;
    private const int FirstCapacityBytes = 4 << 10;
    private const int MostBytesPerChar = 3;
    private const int ShortTextChars = 0x7F / MostBytesPerChar;
    private byte[] buffer = new byte[FirstCapacityBytes];
    private int frameStart;

    public int Length { get; private set; }

    public Span<byte> Written => buffer.AsSpan(0, Length);

    public void Clear()
    {
        Length = 0;
        if (buffer.Length > KeptCapacityBytes) buffer = new byte[FirstCapacityBytes];
    }

    /// <summary>Begins a frame; its offset in the batch is the current length.</summary>
    public void BeginFrame()
    {
        frameStart = Length;
        Take(Format.FrameHeaderLength);
    }

    /// <summary>
    /// Pads the frame and writes what its header holds regardless of where it will stand. The log seals it when it is appended.
    /// </summary>
    public void EndFrame(FrameKind kind, int eventCount)
    {
        var padding = -Length & 7;
        Take(padding).Clear();
        Format.WriteDraft(buffer.AsSpan(frameStart, Length - frameStart), kind, eventCount);
    }

    public void Number(long value)
    {
        var rest = (ulong)value;
        if (rest < 0x80)
        {
            Take(1)[0] = (byte)rest;
            return;
        }

        var into = Take(10);
        var used = 0;
        while (rest >= 0x80)
        {
            into[used++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        into[used++] = (byte)rest;
        Length -= 10 - used;
    }

    public void Fixed(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);

    public void Id(Guid value) => value.TryWriteBytes(Take(16));

    public void Bytes(ReadOnlySpan<byte> value)
    {
        Number(value.Length);
        value.CopyTo(Take(value.Length));
    }

    /// <summary>Bytes without their number.</summary>
    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Take(value.Length));

    /// <summary>A text that may be a name, whose length is doubled, and 1 higher where a mark is set.</summary>
    public void MarkedText(string value, bool isMarked)
    {
        if (value.Length <= ShortTextChars / 2)
        {
            var into = Take(1 + (MostBytesPerChar * value.Length));
            var written = Encoding.UTF8.GetBytes(value, into[1..]);
            into[0] = (byte)((written << 1) | (isMarked ? 1 : 0));
            Length -= (MostBytesPerChar * value.Length) - written;
            return;
        }

        var bytes = Encoding.UTF8.GetByteCount(value);
        Number((bytes << 1) | (isMarked ? 1 : 0));
        Encoding.UTF8.GetBytes(value, Take(bytes));
    }

    public void Text(string value)
    {
        // Most texts are so short that their length takes one byte, so they are encoded in place.
        if (value.Length <= ShortTextChars)
        {
            var into = Take(1 + (MostBytesPerChar * value.Length));
            var written = Encoding.UTF8.GetBytes(value, into[1..]);
            into[0] = (byte)written;
            Length -= (MostBytesPerChar * value.Length) - written;
            return;
        }

        var bytes = Encoding.UTF8.GetByteCount(value);
        Number(bytes);
        Encoding.UTF8.GetBytes(value, Take(bytes));
    }

    public void Stream(StreamId stream)
    {
        Text(stream.Bucket);
        Text(stream.Category);
        Text(stream.Id);
    }

    private Span<byte> Take(int bytes)
    {
        if (buffer.Length - Length < bytes)
            Array.Resize(ref buffer, (int)Math.Min(Array.MaxLength, Math.Max(buffer.Length * 2L, (long)Length + bytes)));
        var taken = buffer.AsSpan(Length, bytes);
        Length += bytes;
        return taken;
    }
}

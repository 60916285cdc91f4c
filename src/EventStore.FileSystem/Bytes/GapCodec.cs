using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// The format of a gap, which replaces a removed frame. It is a small frame with the length it replaces and the checksum from which the
/// next frame continues. So every other frame keeps its place and its bytes, the chain holds, and a look-up through an older index finds
/// the gap. What is left of commits that were shortened begins in the same way.
/// </summary>
internal static class GapCodec
{
    private const int ChainLength = 4;

    // A gap replaces a part of one segment, or what was lost at the end of the log.
    private const int MaxSpanBits = 42;

    /// <summary>The least length of a gap. No frame with a body is shorter.</summary>
    public const int MinSpan = Format.FrameHeaderLength + 8;

    /// <summary>The least length of a gap with events, which has their newest stamp. No commit is shorter.</summary>
    public const int MinSpanOfEvents = MinSpan + 8;

    /// <summary>Writes a gap in place of a frame, or of everything between two frames; returns its length.</summary>
    /// <param name="into">Receives it; long enough for any gap if it has 64 bytes.</param>
    /// <param name="header">Its place, the checksum of the frame before, and how many checkpoints are in it.</param>
    /// <param name="span">How many bytes it replaces.</param>
    /// <param name="chain">The checksum that the next frame continues from.</param>
    /// <param name="stampTicks">The newest stamp in it.</param>
    /// <param name="storeSeed">The seed of the store's checksums.</param>
    public static int Write(Span<byte> into, in FrameHeader header, long span, uint chain, long stampTicks, ulong storeSeed)
    {
        into.Clear();
        var body = into[Format.FrameHeaderLength..];
        BinaryPrimitives.WriteUInt32LittleEndian(body, chain);
        var used = ChainLength;
        for (var rest = (ulong)span / 8; ; rest >>= 7)
        {
            body[used++] = (byte)(rest < 0x80 ? rest : rest | 0x80);
            if (rest < 0x80) break;
        }

        if (header.Count > 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(body[used..], stampTicks);
            used += 8;
        }

        var length = (Format.FrameHeaderLength + used + 7) & ~7;
        Format.SealFrame(into[..length], header with { Kind = FrameKind.Gap }, storeSeed);
        return length;
    }

    /// <summary>Whether a gap has a length that it can replace, and everything else it should have.</summary>
    public static bool IsSound(ReadOnlySpan<byte> gap)
    {
        if (gap.Length < MinSpan) return false;
        var hasStamp = new Frame(0, gap) is { Kind: FrameKind.Gap, Count: > 0 };
        var at = Format.FrameHeaderLength + ChainLength;
        var eighths = 0L;
        for (var shift = 0; shift < MaxSpanBits; shift += 7)
        {
            if (at == gap.Length) return false;
            var part = gap[at++];
            eighths |= (long)(part & 0x7F) << shift;
            if (part >= 0x80) continue;
            return eighths >= gap.Length / 8 && (!hasStamp || at + sizeof(long) <= gap.Length);
        }

        return false;
    }

    /// <summary>Begins what is left of a frame; <see cref="ChainOf"/> and <see cref="SpanOf"/> read it.</summary>
    public static void Begin(LogBatch into, in Frame replaced)
    {
        into.Raw(BitConverter.GetBytes(replaced.Chain));
        into.Number((replaced.End - replaced.Position) / 8);
    }

    /// <summary>Reads on behind the beginning of what is left of a frame.</summary>
    public static BodyReader Behind(Frame shortened)
    {
        var reader = new BodyReader(shortened);
        reader.Raw(ChainLength);
        reader.Number();
        return reader;
    }

    public static uint ChainOf(in Frame gap) => BinaryPrimitives.ReadUInt32LittleEndian(gap.Body);

    public static long SpanOf(in Frame gap)
    {
        var reader = new BodyReader(gap, ChainLength);
        return reader.Number() * 8;
    }

    /// <summary>The newest stamp of the commits that were in it; 0 if there were none.</summary>
    public static long StampOf(in Frame gap)
    {
        if (gap.Count == 0) return 0;
        var reader = new BodyReader(gap, ChainLength);
        reader.Number();
        return reader.Fixed() is var ticks && CommitCodec.IsStamp(ticks) ? ticks : throw gap.Impossible();
    }
}

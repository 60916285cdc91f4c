using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>The values of a frame's body, one after another, each as its bytes, and the mutations of them.</summary>
internal sealed class BodyImage
{
    private readonly List<(char Kind, byte[] Bytes)> values = [];

    private BodyImage()
    {
    }

    // F: a number of eight bytes. I: sixteen bytes. C: four bytes. N: a number. T: text or bytes with their length. M: text whose length is
    // doubled, with a mark.
    public static BodyImage Read(FrameImage frame)
    {
        var body = new BodyImage();
        var at = Format.FrameHeaderLength;
        switch (frame.Kind)
        {
            case FrameKind.Commit:
                body.Take(frame, "IF", ref at);
                body.TakeCommit(frame, frame.Count, ref at);
                break;
            case FrameKind.Unit or FrameKind.Shortened:
                body.TakeUnit(frame, ref at);
                break;
            default:
                body.Take(frame, FormOf(frame), ref at);
                break;
        }

        return body;
    }

    private static string FormOf(FrameImage frame) => frame.Kind switch
    {
        FrameKind.Seal => "N",
        FrameKind.StreamDelete => "TTTN",
        FrameKind.StreamState => "TTTNNNNNNN",
        FrameKind.Purge or FrameKind.Hold => "TN",
        FrameKind.SnapshotSave => "TTTNNTT",
        FrameKind.SnapshotPrune => "TTTNNN",
        FrameKind.DocumentPut => "TT",
        FrameKind.DocumentDelete => "T",
        FrameKind.Gap => frame.Count > 0 ? "CNF" : "CN",
        FrameKind.Skip => "FFFF",
        _ => "",
    };

    private void TakeUnit(FrameImage frame, ref int at)
    {
        if (frame.Kind == FrameKind.Shortened) Take(frame, "CN", ref at);
        var commits = Take(frame, "IFN", ref at);
        for (var i = 0; i < commits; i++)
        {
            var head = Take(frame, "N", ref at);
            var removed = (head & 1) == 0 ? 0 : Take(frame, "N", ref at) - 1;
            if (removed >= 0) TakeCommit(frame, (head >> 1) - removed, ref at);
        }
    }

    private void TakeCommit(FrameImage frame, long events, ref int at)
    {
        if ((Take(frame, "NNNN", ref at) & CommitReader.TruncatedMark) != 0) Take(frame, "N", ref at);
        Take(frame, "TTTT", ref at);
        for (var i = 0L; i < events; i++)
        {
            if ((Take(frame, "IM", ref at) & 1) != 0)
            {
                for (var tags = Take(frame, "N", ref at); tags > 0; tags--) Take(frame, "T", ref at);
            }

            Take(frame, "TT", ref at);
        }
    }

    // Returns the number with which the last value begins.
    private long Take(FrameImage frame, string form, ref int at)
    {
        var last = 0L;
        foreach (var kind in form)
        {
            var rest = frame.Bytes.AsSpan(at);
            var length = LengthOf(kind, rest);
            if (kind is 'N' or 'T' or 'M') last = Varint.Read(rest);
            values.Add((kind, rest[..length].ToArray()));
            at += length;
        }

        return last;
    }

    /// <summary>Changes a value, or the row of values. Returns what was done.</summary>
    public string Mutate(Random random)
    {
        if (values.Count == 0) return "nothing, it has no body";
        var at = random.Next(values.Count);
        var (kind, bytes) = values[at];
        switch (random.Next(10))
        {
            case 0:
                values.RemoveAt(at);
                return $"value {at} ({kind}) left out";
            case 1:
                values.Insert(at, values[random.Next(values.Count)]);
                return $"a value repeated before {at} ({kind})";
            case 2:
                var other = random.Next(values.Count);
                (values[at], values[other]) = (values[other], values[at]);
                return $"values {at} ({kind}) and {other} exchanged";
            case 3:
                values.RemoveRange(at, values.Count - at);
                return $"cut before value {at} ({kind})";
            default:
                values[at] = (kind, Changed(random, kind, bytes));
                return $"value {at} ({kind}) {Convert.ToHexString(values[at].Bytes.AsSpan(0, Math.Min(12, values[at].Bytes.Length)))}";
        }
    }

    /// <summary>The frame with this body.</summary>
    public FrameImage Apply(FrameImage frame)
    {
        var body = values.SelectMany(value => value.Bytes).ToArray();
        var bytes = new byte[(Format.FrameHeaderLength + body.Length + 7) & ~7];
        frame.Bytes.AsSpan(0, Format.FrameHeaderLength).CopyTo(bytes);
        body.CopyTo(bytes, Format.FrameHeaderLength);
        return frame with { Bytes = bytes, Span = frame.IsReplacement ? frame.Span : bytes.Length };
    }

    private static int LengthOf(char kind, ReadOnlySpan<byte> rest)
    {
        switch (kind)
        {
            case 'C': return 4;
            case 'F': return 8;
            case 'I': return 16;
            default:
                var (value, end) = Varint.Read(rest, 0);
                return kind == 'N' ? end : end + (int)(kind == 'M' ? value >> 1 : value);
        }
    }

    private static byte[] Changed(Random random, char kind, byte[] bytes)
    {
        switch (kind)
        {
            case 'N':
                return Varint.Of(Values.Draw(random, Varint.Read(bytes)));
            case 'F':
                var number = new byte[8];
                BinaryPrimitives.WriteInt64LittleEndian(number, Values.Draw(random, BinaryPrimitives.ReadInt64LittleEndian(bytes)));
                return number;
            case 'T' or 'M':
                return ChangedText(random, bytes, kind == 'M' ? 1 : 0);
            default:
                var changed = bytes.ToArray();
                Values.Strike(random, changed);
                return changed;
        }
    }

    private static byte[] ChangedText(Random random, byte[] bytes, int shift)
    {
        var (length, start) = Varint.Read(bytes, 0);
        var content = bytes[start..];
        switch (random.Next(6))
        {
            case 0:
                content = [];
                break;
            case 1:
                content = Values.Bytes(random, 1 << random.Next(14));
                break;
            case 2:
                content = [.. content, 0];
                break;
            case 3:
                return [.. Varint.Of(Values.Draw(random, length)), .. content];
            default:
                content = [.. content];
                Values.Strike(random, content);
                break;
        }

        return [.. Varint.Of((long)content.Length << shift), .. content];
    }
}

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

    // F: a number of eight bytes. I: sixteen bytes. C: four bytes. N: a number. T: text or bytes with their length.
    public static BodyImage Read(FrameImage frame)
    {
        var body = new BodyImage();
        var rest = frame.Bytes.AsSpan(Format.FrameHeaderLength);
        var form = frame.Kind switch
        {
            FrameKind.Commit => "IFNNNTTTT" + string.Concat(Enumerable.Repeat("ITTT", frame.Count)),
            FrameKind.Seal => "N",
            FrameKind.StreamDelete => "TTT",
            FrameKind.Purge => "T",
            FrameKind.SnapshotSave => "TTTNNTT",
            FrameKind.SnapshotPrune => "TTTNNN",
            FrameKind.DocumentPut => "TT",
            FrameKind.DocumentDelete => "T",
            FrameKind.Gap => frame.Count > 0 ? "CNF" : "CN",
            _ => "",
        };
        foreach (var kind in form)
        {
            var length = LengthOf(kind, rest);
            body.values.Add((kind, rest[..length].ToArray()));
            rest = rest[length..];
        }

        return body;
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
        return frame with { Bytes = bytes, Span = frame.Kind == FrameKind.Gap ? frame.Span : bytes.Length };
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
                return kind == 'N' ? end : end + (int)value;
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
            case 'T':
                return ChangedText(random, bytes);
            default:
                var changed = bytes.ToArray();
                Values.Strike(random, changed);
                return changed;
        }
    }

    private static byte[] ChangedText(Random random, byte[] bytes)
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

        return [.. Varint.Of(content.Length), .. content];
    }
}

using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>Changes frames of a log. All checksums and links are computed again, so that every decoder gets past them.</summary>
internal sealed class LogMutator(Random random, LogImage log)
{
    private LogImage log = log;

    private static readonly (int At, int Bytes)[] HeadFields = [(8, 1), (9, 1), (10, 2), (12, 4), (16, 8), (24, 4), (28, 4)];

    /// <summary>The log as it is now.</summary>
    public LogImage Log => log;

    /// <summary>Changes something. Returns what was done.</summary>
    public string Mutate()
    {
        log = log with { IsRenumbered = random.Next(3) == 0 };
        switch (random.Next(16))
        {
            case 0:
                log = log with { FirstBase = Math.Abs(Values.Draw(random, 0) / 2) & ~7L };
                return $"the log begins at {log.FirstBase}";
            case 1:
                log = log with { CheckpointShift = Values.Draw(random, 0) / 2 };
                return $"checkpoints raised by {log.CheckpointShift}";
            case 2:
                return Rearrange();
            default:
                var segment = log.Segments[random.Next(log.Segments.Count)];
                if (segment.Frames.Count == 0) return "nothing, the segment is empty";
                var at = random.Next(segment.Frames.Count);
                var (changed, done) = Mutate(segment.Frames[at]);
                segment.Frames[at] = changed;
                return $"frame {at} ({changed.Kind}) of segment {segment.Number}: {done}{(log.IsRenumbered ? ", renumbered" : "")}";
        }
    }

    private string Rearrange()
    {
        var (segment, other) = (log.Segments[random.Next(log.Segments.Count)], log.Segments[random.Next(log.Segments.Count)]);
        if (segment.Frames.Count == 0 || other.Frames.Count == 0) return "nothing, the segment is empty";
        var (from, to) = (random.Next(segment.Frames.Count), random.Next(other.Frames.Count));
        switch (random.Next(4))
        {
            case 0:
                var times = random.Next(10) == 0 ? 200 : 1;
                for (var i = 0; i < times; i++) other.Frames.Insert(to, segment.Frames[from]);
                return $"frame {from} of segment {segment.Number} {times} times before frame {to} of {other.Number}";
            case 1:
                segment.Frames.RemoveAt(from);
                return $"frame {from} of segment {segment.Number} left out";
            case 2:
                (segment.Frames[from], other.Frames[to]) = (other.Frames[to], segment.Frames[from]);
                return $"frame {from} of segment {segment.Number} exchanged with frame {to} of {other.Number}";
            default:
                segment.Frames.RemoveRange(from, segment.Frames.Count - from);
                return $"segment {segment.Number} ends before frame {from}";
        }
    }

    private (FrameImage Frame, string Done) Mutate(FrameImage frame)
    {
        var bytes = frame.Bytes.ToArray();
        switch (random.Next(8))
        {
            case 0 or 1:
                var (at, length) = HeadFields[random.Next(HeadFields.Length)];
                return (frame with { Bytes = bytes, KeepsChain = at == 12 }, $"head at {at} {Set(bytes.AsSpan(at, length))}");
            case 2:
                Values.Strike(random, bytes.AsSpan(Format.FrameHeaderLength));
                return (frame with { Bytes = bytes }, "bytes of the body");
            case 3:
                Array.Resize(ref bytes, Format.FrameHeaderLength + (8 * random.Next(bytes.Length / 4)));
                return (frame with { Bytes = bytes, Span = frame.IsReplacement ? frame.Span : bytes.Length }, "another length");
            default:
                var body = BodyImage.Read(frame);
                var done = body.Mutate(random);
                return (body.Apply(frame), done);
        }
    }

    private string Set(Span<byte> field) => $"= {Values.Set(random, field)}";
}

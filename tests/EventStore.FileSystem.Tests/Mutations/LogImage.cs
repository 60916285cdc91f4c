using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>A frame of a log as bytes that may be changed. Arrays are replaced, never written to: images share them.</summary>
/// <param name="Bytes">Head and body.</param>
/// <param name="Span">Where the next frame begins, counted from this one.</param>
internal sealed record FrameImage(byte[] Bytes, long Span)
{
    /// <summary>Whether it keeps the checksum of the frame before as it is, right or wrong.</summary>
    public bool KeepsChain { get; init; }

    public FrameKind Kind => (FrameKind)Bytes[8];

    public bool IsReplacement => Kind is FrameKind.Gap or FrameKind.Shortened;

    public int Count => BinaryPrimitives.ReadUInt16LittleEndian(Bytes.AsSpan(10));
}

/// <summary>A segment as its frames.</summary>
internal sealed record SegmentImage(long Number, List<FrameImage> Frames, PackSettings? Packing, int Tail);

/// <summary>
/// A log as segments and frames, which writes itself with every checksum, place and link as it should be, whatever was done to the frames.
/// </summary>
internal sealed record LogImage(Guid StoreId, List<SegmentImage> Segments)
{
    /// <summary>The address of the first byte.</summary>
    public long FirstBase { get; init; }

    /// <summary>What is added to every checkpoint.</summary>
    public long CheckpointShift { get; init; }

    /// <summary>Whether checkpoints are counted again; otherwise frames keep theirs.</summary>
    public bool IsRenumbered { get; init; }

    public ulong Seed { get; } = Format.SeedOf(StoreId);

    public static LogImage Read(MemoryDisk disk)
    {
        var id = StoreIdentityFile.Read(disk).Id;
        var segments = new List<SegmentImage>();
        foreach (var name in disk.List(LogSegments.Folder))
        {
            using var file = SegmentFile.Open(disk, $"{LogSegments.Folder}/{name}", new PackedBlockCache(Format.SeedOf(id)));
            var bytes = new byte[file.Length];
            file.Read(bytes, 0);
            var frames = new List<FrameImage>();
            var at = Format.SegmentHeaderLength;
            for (var length = 0; at < bytes.Length && (length = Format.FrameLength(bytes.AsSpan(at))) > 0;)
            {
                var frame = new Frame(at, bytes.AsSpan(at, length));
                frames.Add(new FrameImage(frame.Bytes.ToArray(), frame.End - at));
                at = (int)frame.End;
            }

            var packing = file.Packing is { } packed ? new PackSettings(packed.IsCompressed, packed.BlockLength) : null;
            segments.Add(new SegmentImage(SegmentFile.ReadHeader(file, name, out _).Number, frames, packing, bytes.Length - at));
        }

        return new LogImage(id, segments);
    }

    public LogImage Copy() => new(StoreId, [.. Segments.Select(segment => segment with { Frames = [.. segment.Frames] })]);

    public void WriteTo(MemoryDisk disk)
    {
        var (position, checkpoint, chain) = (FirstBase, 1 + CheckpointShift, 0u);
        foreach (var segment in Segments)
        {
            var header = new SegmentHeader(StoreId, segment.Number, position, checkpoint, chain);
            var length = Format.SegmentHeaderLength + segment.Frames.Sum(frame => frame.Span) + segment.Tail;
            var bytes = new byte[length];
            Format.WriteSegmentHeader(bytes, header);
            var at = (long)Format.SegmentHeaderLength;
            foreach (var frame in segment.Frames)
            {
                var into = bytes.AsSpan((int)at, (int)Math.Min(frame.Bytes.Length, length - at));
                Seal(into, frame, position + at, ref checkpoint, ref chain);
                at += frame.Span;
            }

            var path = LogSegments.PathOf(segment.Number);
            if (segment.Packing is { } packing) Pack(disk, path, header, bytes, packing);
            else disk.Write(path, bytes);
            position += length;
        }
    }

    public void Pack(MemoryDisk disk, string path, SegmentHeader header, ReadOnlySpan<byte> bytes, PackSettings packing)
    {
        using var file = disk.Create(path);
        var writer = new PackedWriter(file, header, Seed, packing);
        writer.Write(bytes);
        writer.Finish();
    }

    private void Seal(Span<byte> into, FrameImage frame, long position, ref long checkpoint, ref uint chain)
    {
        frame.Bytes.AsSpan(0, into.Length).CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into, (uint)into.Length);
        if (!frame.KeepsChain) BinaryPrimitives.WriteUInt32LittleEndian(into[12..], chain);
        var own = BinaryPrimitives.ReadInt64LittleEndian(into[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(into[16..], IsRenumbered ? checkpoint : unchecked(own + CheckpointShift));
        var crc = Crc32C.Of(into[8..], Format.BeginFrameCrc(into.Length, position, Seed));
        BinaryPrimitives.WriteUInt32LittleEndian(into[4..], crc);
        chain = frame.IsReplacement && into.Length >= 36 ? BinaryPrimitives.ReadUInt32LittleEndian(into[32..]) : crc;
        checkpoint = BinaryPrimitives.ReadInt64LittleEndian(into[16..]) + frame.Count;
    }
}

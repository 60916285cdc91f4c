using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Segments;

/// <summary>How segments are packed.</summary>
/// <param name="Compresses">Whether segments that are sealed are compressed, in the background.</param>
/// <param name="BlockLength">The length of a block before it is packed, in bytes.</param>
internal sealed record PackSettings(bool Compresses, int BlockLength = 128 << 10);

/// <summary>What becomes of a frame when its segment is packed.</summary>
internal enum FrameFate
{
    Kept,
    Removed,
    Shortened,
}

/// <summary>What packing a segment did.</summary>
internal readonly record struct PackResult(long BytesBefore, long BytesAfter);

/// <summary>
/// Rewrites a segment, packed and without its dead frames: into a temporary file that is read back and compared, and only then gets its
/// name. Whatever happens, the name always leads to a whole file, and both files hold every frame that is alive.
/// </summary>
/// <param name="segments">The segments.</param>
/// <param name="settings">How they are packed.</param>
/// <param name="fault">Set when flushing their folder fails: the log writes to the same folder.</param>
internal sealed class SegmentPacker(LogSegments segments, PackSettings settings, LogFault fault)
{
    private const string Temporary = $"{LogSegments.Folder}/packed.seg.tmp";

    // Held while packing; there is one temporary file.
    private readonly Lock gate = new();

    /// <param name="segment">A segment that has a successor.</param>
    /// <param name="fateOf">Returns what becomes of a frame. Writes what is left of one that is shortened into the batch.</param>
    /// <param name="beforeSwap">Called when the new file is ready: brings the frames that removed the dead ones to the medium.</param>
    /// <param name="cancellationToken">Cancels; the old file stays.</param>
    /// <exception cref="CorruptStorageException">The segment is damaged. The old file stays.</exception>
    /// <exception cref="IOException">The disk failed or is full. The old file stays, unless only the flush of its folder
    /// failed.</exception>
    public PackResult Pack(Segment segment, Func<Frame, LogBatch, FrameFate> fateOf, Action beforeSwap, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            var path = LogSegments.PathOf(segment.Number);
            var before = LengthOf(path);
            try
            {
                var (crc, length) = Write(segment, fateOf, cancellationToken);
                Compare(segment, crc, length, cancellationToken);
                var after = LengthOf(Temporary);
                beforeSwap();
                if (segments.FindReplacedIdentity() is { } file)
                    throw new StorageReplacedException(segments.Disk.Root, $"'{file}' was removed, renamed or replaced.");
                segments.Replace(segment, Temporary);
                SyncFolder();
                return new PackResult(before, after);
            }
            catch
            {
                TryDelete();
                throw;
            }
        }
    }

    /// <summary>Whether it compresses, or only leaves out zeros.</summary>
    public bool Compresses => settings.Compresses;

    /// <summary>Whether a segment is already packed as these settings ask for.</summary>
    public bool IsPacked(Segment segment) => segments.IsPacked(segment, out var isCompressed) && (isCompressed || !settings.Compresses);

    private void SyncFolder()
    {
        try
        {
            segments.Disk.SyncFolder(LogSegments.Folder);
        }
        catch (IOException error)
        {
            fault.Set(error);
            throw;
        }
    }

    private (uint Crc, long Length) Write(Segment segment, Func<Frame, LogBatch, FrameFate> fateOf, CancellationToken cancellationToken)
    {
        using var file = segments.Disk.Create(Temporary);
        var end = segments.EndOf(segment);
        var writer = new PackedWriter(
            file, new SegmentHeader(segments.StoreId, segment.Number, segment.Base, segment.FirstCheckpoint, segment.Chain), segments.Seed,
            settings);
        var header = new byte[Format.SegmentHeaderLength];
        segments.Read(segment, header, segment.Base);
        writer.Write(header);
        var scanner = new LogScanner(segments, segment.FirstFrame, segment.Chain);
        Span<byte> gap = stackalloc byte[64];
        var left = new LogBatch();
        while (scanner.TryNext(out var frame, end))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var span = frame.End - frame.Position;
            var fate = frame.Kind == FrameKind.Gap ? FrameFate.Kept : fateOf(frame, left);
            scoped var written = frame.Bytes;
            if (fate == FrameFate.Removed)
            {
                var length = GapCodec.Write(gap, frame.ToHeader(), span, frame.Chain, CommitCodec.NewestStampOf(frame), segments.Seed);
                written = gap[..length];
            }
            else if (fate == FrameFate.Shortened)
            {
                Format.SealFrame(left.Written, frame.ToHeader() with { Kind = FrameKind.Shortened }, segments.Seed);
                written = left.Written;
            }

            writer.Write(written);
            writer.WriteZeros(span - written.Length, cancellationToken);
        }

        if (scanner.Position != end)
            throw segments.Damaged(scanner.Position, "a stored frame is not whole, or does not continue the one before it.");
        writer.Finish();
        file.Sync();
        return (writer.Crc, end - segment.Base);
    }

    // The new file replaces the old one only if it reads back as it was meant.
    private void Compare(Segment segment, uint crc, long length, CancellationToken cancellationToken)
    {
        using var file = SegmentFile.Open(segments.Disk, Temporary, new PackedBlockCache(segments.Seed, slots: 1));
        var bytes = new byte[settings.BlockLength];
        var found = 0u;
        for (var at = 0L; at < file.Length; at += bytes.Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            found = Crc32C.Of(bytes.AsSpan(0, file.Read(bytes, at)), found);
        }

        if (found != crc || file.Length != length)
            throw new CorruptStorageException(
                $"{segments.Disk.Root}/{Temporary}", $"segment {segment.Number} was rewritten and does not read back as it was written.",
                "Nothing was replaced. Check the disk and the memory of this machine.");
    }

    private long LengthOf(string path)
    {
        using var file = segments.Disk.Open(path, forWriting: false);
        return file.Length;
    }

    private void TryDelete()
    {
        try
        {
            if (segments.Disk.Exists(Temporary)) segments.Disk.Delete(Temporary);
        }
        catch (IOException)
        {
            // It is removed by the next opening.
        }
    }
}

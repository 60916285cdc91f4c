using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Recovery;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// Makes the engine behave as if it had a bug, by omitting or changing its calls to the disk: each is a mistake that stores have made.
/// </summary>
internal class FaultyLayer(IDisk disk) : IDisk
{
    public string Root => disk.Root;

    public virtual bool Exists(string path) => disk.Exists(path);

    public void CreateFolder(string path) => disk.CreateFolder(path);

    public IReadOnlyList<string> List(string folder) => disk.List(folder);

    public IDiskFile Create(string path) => new File(this, path, disk.Create(path));

    public IDiskFile Open(string path, bool forWriting) => new File(this, path, disk.Open(path, forWriting));

    public IDiskFile OpenLocked(string path) => new File(this, path, disk.OpenLocked(path));

    public void Rename(string from, string to) => disk.Rename(from, to);

    public void Delete(string path) => disk.Delete(path);

    public virtual void SyncFolder(string folder) => disk.SyncFolder(folder);

    public IDisposable Lock(string path) => disk.Lock(path);

    protected virtual int Read(string path, IDiskFile file, Span<byte> into, long offset) => file.Read(into, offset);

    protected virtual void Write(string path, IDiskFile file, ReadOnlySpan<byte> from, long offset) => file.Write(from, offset);

    protected virtual void SetLength(string path, IDiskFile file, long length) => file.SetLength(length);

    protected virtual void Sync(string path, IDiskFile file) => file.Sync();

    protected static bool IsLog(string path) => path.EndsWith(".seg", StringComparison.Ordinal);

    private sealed class File(FaultyLayer layer, string path, IDiskFile file) : IDiskFile
    {
        public long Length => file.Length;

        public bool IsAt(string fullPath) => file.IsAt(fullPath);

        public int Read(Span<byte> into, long offset) => layer.Read(path, file, into, offset);

        public void Write(ReadOnlySpan<byte> from, long offset) => layer.Write(path, file, from, offset);

        public void SetLength(long length) => layer.SetLength(path, file, length);

        public void Allocate(long length) => file.Allocate(length);

        public void Sync() => layer.Sync(path, file);

        public void Dispose() => file.Dispose();
    }
}

internal sealed class NoFlushOf(IDisk disk, Func<string, bool> skipped) : FaultyLayer(disk)
{
    protected override void Sync(string path, IDiskFile file)
    {
        if (!skipped(path)) base.Sync(path, file);
    }
}

internal sealed class NoFlushOfFolder(IDisk disk, string skipped) : FaultyLayer(disk)
{
    public override void SyncFolder(string folder)
    {
        if (folder != skipped) base.SyncFolder(folder);
    }
}

internal sealed class FailedFlushIsTriedAgain(IDisk disk) : FaultyLayer(disk)
{
    protected override void Sync(string path, IDiskFile file)
    {
        try
        {
            base.Sync(path, file);
        }
        catch (IOException)
        {
            base.Sync(path, file);
        }
    }
}

internal sealed class FailedWriteIsTakenForDone(IDisk disk) : FaultyLayer(disk)
{
    protected override void Write(string path, IDiskFile file, ReadOnlySpan<byte> from, long offset)
    {
        try
        {
            base.Write(path, file, from, offset);
        }
        catch (IOException)
        {
        }
    }
}

/// <summary>Bytes that are there already are not written again.</summary>
internal sealed class TailIsNotRewritten(IDisk disk) : FaultyLayer(disk)
{
    protected override void Write(string path, IDiskFile file, ReadOnlySpan<byte> from, long offset)
    {
        var there = new byte[from.Length];
        if (!IsLog(path) || file.Read(there, offset) != there.Length || !from.SequenceEqual(there)) base.Write(path, file, from, offset);
    }
}

internal sealed class NothingIsCutOff(IDisk disk) : FaultyLayer(disk)
{
    protected override void SetLength(string path, IDiskFile file, long length)
    {
        if (!IsLog(path)) base.SetLength(path, file, length);
    }
}

/// <summary>What was written last of each batch never arrives.</summary>
internal sealed class WritesAreCutShort(IDisk disk) : FaultyLayer(disk)
{
    protected override void Write(string path, IDiskFile file, ReadOnlySpan<byte> from, long offset) =>
        base.Write(path, file, IsLog(path) && from.Length > 600 ? from[..^8] : from, offset);
}

internal sealed class WritesAreMisplaced(IDisk disk) : FaultyLayer(disk)
{
    private int count;

    protected override void Write(string path, IDiskFile file, ReadOnlySpan<byte> from, long offset) =>
        base.Write(path, file, from, IsLog(path) && ++count % 20 == 0 ? offset + 8 : offset);
}

/// <summary>Every frame counts as whole: whenever a segment is read, the checksums in it are corrected.</summary>
internal sealed class NoChecksums(IDisk disk) : FaultyLayer(disk)
{
    protected override int Read(string path, IDiskFile file, Span<byte> into, long offset)
    {
        if (!IsLog(path) || offset < Format.SegmentHeaderLength || file.Length < Format.SegmentHeaderLength)
            return base.Read(path, file, into, offset);
        var bytes = new byte[file.Length];
        file.Read(bytes, 0);
        using (var identity = Open(StoreIdentityFile.FileName, forWriting: false)) Heal(bytes, identity);
        var read = (int)Math.Clamp(bytes.Length - offset, 0, into.Length);
        bytes.AsSpan((int)offset, read).CopyTo(into);
        return read;
    }

    private static void Heal(Span<byte> segment, IDiskFile identity)
    {
        var of = new byte[Format.IdentityLength];
        identity.Read(of, 0);
        var seed = Format.SeedOf(Format.ReadIdentity(of, "", out _)!.Id);
        var header = Format.ReadSegmentHeader(segment, out _);
        var chain = header.Chain;
        for (var at = Format.SegmentHeaderLength; at + Format.FrameHeaderLength <= segment.Length;)
        {
            var length = Format.FrameLength(segment[at..]);
            if (length == 0 || length > segment.Length - at) return;
            var frame = segment.Slice(at, length);
            chain = Format.SealFrame(frame, FrameHeads.Of(frame, header.Base + at) with { PreviousCrc = chain }, seed);
            at += length;
        }
    }
}

/// <summary>A segment is left before it is on the medium: nothing is flushed while the next one is made ready.</summary>
internal sealed class NoFlushOfSeals(IDisk disk) : FaultyLayer(disk)
{
    protected override void Sync(string path, IDiskFile file)
    {
        if (!IsLog(path) || !Exists("log/next.seg.tmp")) base.Sync(path, file);
    }
}

/// <summary>Reads heads of frames, for code that rewrites frames.</summary>
internal static class FrameHeads
{
    public static FrameHeader Of(ReadOnlySpan<byte> bytes, long position) => new Frame(position, bytes).ToHeader();
}

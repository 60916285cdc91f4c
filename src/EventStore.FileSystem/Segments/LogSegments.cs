using System.Collections.Concurrent;
using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Segments;

/// <summary>The segments of the log, found by address. Handles are opened when first read and bounded in number.</summary>
internal sealed class LogSegments(IDisk disk, Guid storeId) : IFrameSource, IDisposable
{
    public const string Folder = "log";
    public const string IdentityFileName = "store.esfs";
    private const int MaxOpenHandles = 128;

    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<long, ISegmentFile> open = [];
    private readonly Queue<long> openOrder = new();
    private readonly PackedBlockCache unpacked = new(Format.SeedOf(storeId));
    private readonly string identityPath = $"{disk.Root}/{IdentityFileName}";

    // Touched by the writer only.
    private (long Number, string Path) activePath;
    private volatile Segment[] all = [];
    private volatile int replacements;
    private volatile bool isDisposed;

    public IDisk Disk { get; } = disk;

    public Guid StoreId { get; } = storeId;

    public ulong Seed { get; } = Format.SeedOf(storeId);

    /// <summary>Whether parts of the log were damaged once and are left out.</summary>
    public bool HasLosses { get; init; }

    /// <summary>The file with the store's identity, open and locked by the writer; null where the store is only read.</summary>
    public IDiskFile? Identity { get; init; }

    /// <summary>The segments in order. Adding one replaces the list.</summary>
    public IReadOnlyList<Segment> All => all;

    /// <summary>The segments that have a successor, in order.</summary>
    public IReadOnlyList<Segment> Sealed => all[..^1];

    /// <summary>How often a segment's file was replaced. Bytes read before a replacement may hold frames that are gaps now.</summary>
    public int Replacements => replacements;

    public static string PathOf(long number) => $"{Folder}/{number.ToString("D8", CultureInfo.InvariantCulture)}.seg";

    public void Add(params IReadOnlyList<Segment> added) => all = [.. all, .. added];

    /// <summary>The address at which a segment that has a successor ends; beyond every address for the newest.</summary>
    public long EndOf(Segment segment)
    {
        Of(segment.Base, out var end);
        return end;
    }

    /// <summary>The path that no longer leads to what the writer has open; null if all of them do.</summary>
    public string? FindReplaced(IDiskFile active, Segment segment)
    {
        if (FindReplacedIdentity() is { } replaced) return replaced;
        var path = activePath;
        if (path.Number != segment.Number) activePath = path = (segment.Number, $"{Disk.Root}/{PathOf(segment.Number)}");
        return active.IsAt(path.Path) ? null : path.Path;
    }

    /// <summary>The path of the store's identity, if it no longer leads to what the writer has open.</summary>
    public string? FindReplacedIdentity() => Identity is { } identity && !identity.IsAt(identityPath) ? identityPath : null;

    /// <summary>Whether a segment is packed, and whether it is compressed.</summary>
    public bool IsPacked(Segment segment, out bool isCompressed)
    {
        var packing = HandleOf(segment).Packing;
        isCompressed = packing is { IsCompressed: true };
        return packing is not null;
    }

    /// <summary>Opens a file as a segment.</summary>
    public ISegmentFile OpenFile(string path) => SegmentFile.Open(Disk, path, unpacked);

    /// <summary>
    /// Replaces the file of a segment. Readers continue with the old one or the new one, which hold the same. Lasting once the folder is
    /// synced.
    /// </summary>
    public void Replace(Segment segment, string ready)
    {
        lock (gate)
        {
            if (open.Remove(segment.Number, out var old)) old.Dispose();
            Disk.Rename(ready, PathOf(segment.Number));
            replacements++;
        }
    }

    /// <summary>
    /// Closes all handles because another process replaced files. They are opened again on the next read, and the old files' space is
    /// freed.
    /// </summary>
    public void Renew()
    {
        lock (gate)
        {
            foreach (var file in open.Values) file.Dispose();
            open.Clear();
            openOrder.Clear();
            replacements++;
        }
    }

    /// <summary>Finds the segment of an address; an address between two belongs to the later one.</summary>
    public Segment Of(long position) => Of(position, out _);

    /// <summary>Finds the segment of an address, and the address where the next one begins.</summary>
    public Segment Of(long position, out long end)
    {
        var list = all;
        int low = 0, high = list.Length - 1;
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (list[middle].Base <= position) low = middle;
            else high = middle - 1;
        }

        end = low + 1 < list.Length ? list[low + 1].Base : long.MaxValue;
        return list[low];
    }

    /// <summary>Reads from an address on, within one segment; returns the number of bytes read.</summary>
    public int Read(Segment segment, Span<byte> into, long position)
    {
        if (position < segment.Base) return 0; // an address that was read from a damaged file
        while (true)
        {
            var file = HandleOf(segment);
            try
            {
                return file.Read(into, position - segment.Base);
            }
            catch (ObjectDisposedException) when (!isDisposed)
            {
                // The handle was evicted in between; the loop opens it again.
            }
        }
    }

    public string Place(long position)
    {
        var segment = Of(position);
        return $"{PathOf(segment.Number)}, offset {(position - segment.Base).ToString(CultureInfo.InvariantCulture)}";
    }

    public CorruptStorageException Damaged(long position, string problem) => new(
        $"{Disk.Root}/{Place(position)}", problem, SegmentFile.Advice);

    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            foreach (var file in open.Values) file.Dispose();
            open.Clear();
        }
    }

    private ISegmentFile HandleOf(Segment segment)
    {
        ObjectDisposedException.ThrowIf(isDisposed, typeof(IPersistenceEngine));
        if (open.TryGetValue(segment.Number, out var known)) return known;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(IPersistenceEngine));
            if (open.TryGetValue(segment.Number, out known)) return known;
            while (open.Count >= MaxOpenHandles && openOrder.TryDequeue(out var oldest))
            {
                if (open.Remove(oldest, out var evicted)) evicted.Dispose();
            }

            var file = OpenFile(PathOf(segment.Number));
            open[segment.Number] = file;
            openOrder.Enqueue(segment.Number);
            return file;
        }
    }
}

/// <summary>A file of the log.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Base">The log's address of its first byte.</param>
/// <param name="FirstCheckpoint">The checkpoint that its first event gets.</param>
/// <param name="Chain">The checksum of the last frame before it.</param>
internal sealed record Segment(long Number, long Base, long FirstCheckpoint, uint Chain)
{
    /// <summary>The address of its first frame.</summary>
    public long FirstFrame => Base + Format.SegmentHeaderLength;
}

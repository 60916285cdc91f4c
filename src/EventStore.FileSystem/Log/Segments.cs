using System.Collections.Concurrent;
using System.Globalization;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>The segments of the log, found by address. Handles are opened when first read and bounded in number.</summary>
internal sealed class Segments(IDisk disk, Guid storeId) : IDisposable
{
    public const string Folder = "log";
    private const int MaxOpenHandles = 128;

    private readonly Lock gate = new();
    private readonly ConcurrentDictionary<long, IDiskFile> open = [];
    private readonly Queue<long> openOrder = new();
    private volatile Segment[] all = [];
    private volatile bool isDisposed;

    public IDisk Disk { get; } = disk;

    public Guid StoreId { get; } = storeId;

    public ulong Seed { get; } = Format.SeedOf(storeId);

    /// <summary>The segments in order. Another list whenever one is added or removed.</summary>
    public IReadOnlyList<Segment> All => all;

    public static string PathOf(long number) => $"{Folder}/{number.ToString("D8", CultureInfo.InvariantCulture)}.seg";

    public void Add(Segment segment) => all = [.. all, segment];

    public void RemoveLast() => all = all[..^1];

    /// <summary>The segment in which an address lies; an address between two belongs to the later one.</summary>
    public Segment Of(long position) => Of(position, out _);

    /// <summary>The segment in which an address lies, and the address where the next one begins.</summary>
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

    /// <summary>Reads from an address on, within one segment; answers how much there was.</summary>
    public int Read(Segment segment, Span<byte> into, long position)
    {
        while (true)
        {
            var file = HandleOf(segment);
            try
            {
                return file.Read(into, position - segment.Base);
            }
            catch (ObjectDisposedException) when (!isDisposed)
            {
                // The handle was evicted in between; the next one is opened anew.
            }
        }
    }

    public string Place(long position)
    {
        var segment = Of(position);
        return $"{PathOf(segment.Number)}, offset {(position - segment.Base).ToString(CultureInfo.InvariantCulture)}";
    }

    public CorruptStorageException Damaged(long position, string problem) => new(
        $"{Disk.Root}/{Place(position)}", problem, "Restore the store from a backup, or verify it to learn the extent of the damage.");

    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            foreach (var file in open.Values) file.Dispose();
            open.Clear();
        }
    }

    private IDiskFile HandleOf(Segment segment)
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

            var file = Disk.Open(PathOf(segment.Number), forWriting: false);
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

using System.Buffers.Binary;
using System.Diagnostics;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Tests.Processes;

namespace EventStore.FileSystem.Tests;

/// <summary>Files with correct checksums and impossible contents: refused with a place, in little time and memory.</summary>
[Collection(nameof(Measured))] // what others allocate beside it would count
public sealed class HostileFilesTests : IDisposable
{
    // What is refused here took several times as much.
    private const long MostBytes = 1 << 30;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);
    private readonly TestDirectory directory = new();
    private readonly TestDirectory target = new();

    public void Dispose()
    {
        directory.Dispose();
        target.Dispose();
    }

    [Theory, InlineData(0L), InlineData(8L), InlineData(1L << 48), InlineData(1L << 61), InlineData(-8L)]
    public async Task A_gap_of_an_impossible_length_is_damage(long span)
    {
        await FillAsync(segmentBytes: 1 << 20);
        Rewrite(LogSegments.PathOf(1), (bytes, seed) =>
        {
            var at = Format.SegmentHeaderLength;
            var frame = bytes.AsSpan(at, Format.FrameLength(bytes.AsSpan(at)));
            var header = new Frame(at, frame).ToHeader();
            var chain = BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]);
            Span<byte> gap = stackalloc byte[64];
            var length = GapCodec.Write(gap, header, span, chain, 0, seed);
            gap[..length].CopyTo(bytes.AsSpan(at));
        });
        await ExpectRefusedAsync();
    }

    [Theory]
    [InlineData(80, -1L)]
    [InlineData(80, int.MaxValue)]
    [InlineData(56, 1L << 62)]
    [InlineData(56, -1L)]
    [InlineData(64, 1L << 62)]
    [InlineData(48, long.MaxValue)]
    public async Task A_checkpoint_that_claims_the_impossible_counts_as_damaged(int at, long value)
    {
        await FillAsync(segmentBytes: 5_000);
        foreach (var path in Directory.EnumerateFiles(directory.Path, "checkpoint-*"))
        {
            var bytes = await File.ReadAllBytesAsync(path);
            if (at == 80) BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), (int)value);
            else BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), value);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^4..), Crc32C.Of(bytes.AsSpan(..^4)));
            await File.WriteAllBytesAsync(path, bytes);
        }

        await BoundedAsync(async () =>
        {
            await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small());
            Assert.Equal(60, (await SmallStore.ReadAllAsync(engine)).Count);
        });
        await RepairAsync();
    }

    [Theory]
    [InlineData(40, 1L << 62)]
    [InlineData(40, -1L)]
    [InlineData(48, 1L << 62)]
    [InlineData(48, 0L)]
    public async Task A_segment_with_an_impossible_place_is_damage(int at, long value)
    {
        await FillAsync(segmentBytes: 5_000);
        Rewrite(LogSegments.PathOf(2), (bytes, _) =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), value);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(124), Crc32C.Of(bytes.AsSpan(0, 124)));
        });
        await ExpectRefusedAsync();
    }

    [Theory]
    [InlineData(64, long.MaxValue)]
    [InlineData(64, -1L)]
    [InlineData(64, 0L)]
    [InlineData(72, 0L)]
    [InlineData(72, 1L << 60)]
    public async Task A_packed_segment_with_impossible_lengths_is_damage(int at, long value)
    {
        await FillAsync(segmentBytes: 5_000, compresses: true);
        Rewrite(LogSegments.PathOf(1), (bytes, _) =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), value);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(124), Crc32C.Of(bytes.AsSpan(0, 124)));
        });
        await ExpectRefusedAsync();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Gigabytes_at_the_end_of_the_log_are_passed_over_in_windows(bool endsWithByte)
    {
        await FillAsync(segmentBytes: 1 << 20);
        using (var file = File.OpenHandle(Path.Combine(directory.Path, LogSegments.PathOf(1)), FileMode.Open, FileAccess.ReadWrite))
        {
            RandomAccess.SetLength(file, (2L << 30) + (1 << 20));
            if (endsWithByte) RandomAccess.Write(file, "x"u8, (40 << 20) - 1);
        }

        await BoundedAsync(async () =>
        {
            await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small());
            Assert.Equal(60, (await SmallStore.ReadAllAsync(engine)).Count);
        });
    }

    [Fact]
    public async Task Beginnings_of_frames_without_number_are_refused_before_all_are_checked()
    {
        await FillAsync(segmentBytes: 1 << 20);
        var path = Path.Combine(directory.Path, LogSegments.PathOf(1));
        var heads = new byte[32 << 20];
        for (var at = 0; at < heads.Length; at += 8) BinaryPrimitives.WriteUInt32LittleEndian(heads.AsSpan(at), 16 << 20);
        await using (var file = new FileStream(path, FileMode.Append)) await file.WriteAsync(heads);
        await ExpectRefusedAsync(isRepaired: false);
    }

    [Fact]
    public async Task A_segment_of_an_absurd_number_is_damage()
    {
        await FillAsync(segmentBytes: 1 << 20);
        File.Copy(Path.Combine(directory.Path, LogSegments.PathOf(1)), Path.Combine(directory.Path, "log", "3000000000.seg"));
        await ExpectRefusedAsync();
        var report = await Maintenance.Repair.RunAsync(
            new FileDisk(directory.Path), new FileDisk(Path.Combine(target.Path, "again")), SmallStore.Small(), null, default);
        Assert.Equal(60, report.EventsSaved);
        Assert.Contains(report.LostParts, part => part.Place.EndsWith("3000000000.seg", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Beginnings_of_frames_without_number_are_repaired_before_all_are_checked()
    {
        await FillAsync(segmentBytes: 1 << 20);
        var path = Path.Combine(directory.Path, LogSegments.PathOf(1));
        var heads = new byte[16 << 20];
        for (var at = 0; at + Format.FrameHeaderLength <= heads.Length; at += Format.FrameHeaderLength)
        {
            BinaryPrimitives.WriteInt32LittleEndian(heads.AsSpan(at), heads.Length - at);
            heads[at + 8] = (byte)FrameKind.DocumentPut;
            BinaryPrimitives.WriteInt64LittleEndian(heads.AsSpan(at + 16), 61);
        }

        await using (var file = new FileStream(path, FileMode.Append)) await file.WriteAsync(heads);
        await RepairAsync();
        await using var engine = await SmallStore.OpenAsync(new FileDisk(Path.Combine(target.Path, "events")), SmallStore.Small());
        Assert.Equal(60, (await SmallStore.ReadAllAsync(engine)).Count);
    }

    [Fact]
    public async Task Few_files_of_segments_do_not_stand_for_many_missing_ones()
    {
        await FillAsync(segmentBytes: 1 << 20);
        for (var number = 1_000; number <= 20_000; number += 1_000)
            await File.WriteAllBytesAsync(Path.Combine(directory.Path, LogSegments.PathOf(number)), []);
        await RepairAsync();
        Assert.InRange(Directory.GetFiles(Path.Combine(target.Path, "events", "log")).Length, 1, 2_000);
    }

    [Theory]
    [InlineData(1L << 41, 1 << 21)]
    [InlineData(1L << 40, 1 << 24)]
    public void A_packed_segment_that_is_longer_than_any_is_damage(long length, int blocks)
    {
        var head = new byte[PackedFormat.HeaderLength];
        var segment = new SegmentHeader(Guid.NewGuid(), 1, 0, 1, 0);
        PackedFormat.WriteHeader(
            head, new PackedHeader(segment, length, (int)(length / blocks), blocks, PackedFormat.HeaderLength, 0, IsCompressed: false));
        PackedFormat.ReadHeader(head, head.Length + ((long)blocks * PackedFormat.EntryLength), "packed", out var problem);
        Assert.NotNull(problem);
    }

    private async Task FillAsync(long segmentBytes, bool compresses = false)
    {
        var settings = SmallStore.Small(compresses: compresses, segmentBytes: segmentBytes, inBackground: LogSettings.InPlace);
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), settings);
        await SmallStore.FillAsync(engine, 30);
    }

    private void Rewrite(string file, Action<byte[], ulong> change)
    {
        var seed = Format.SeedOf(StoreIdentityFile.Read(new FileDisk(directory.Path)).Id);
        var path = Path.Combine(directory.Path, file);
        var bytes = File.ReadAllBytes(path);
        change(bytes, seed);
        File.WriteAllBytes(path, bytes);
        foreach (var index in Directory.EnumerateFiles(directory.Path, "*.run", SearchOption.AllDirectories)) File.Delete(index);
        foreach (var checkpoint in Directory.EnumerateFiles(directory.Path, "checkpoint-*")) File.Delete(checkpoint);
    }

    private async Task ExpectRefusedAsync(bool isRepaired = true)
    {
        await BoundedAsync(async () =>
        {
            var error = await Assert.ThrowsAsync<CorruptStorageException>(
                () => SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small()));
            Assert.Contains("log", error.Place, StringComparison.Ordinal);
        });
        if (isRepaired) await RepairAsync();
    }

    private Task RepairAsync() => BoundedAsync(async () =>
    {
        try
        {
            await Maintenance.Repair.RunAsync(
                new FileDisk(directory.Path), new FileDisk(Path.Combine(target.Path, "events")), SmallStore.Small(), null, default);
        }
        catch (StorageException)
        {
            // There may be nothing to repair.
        }
    });

    private static async Task BoundedAsync(Func<Task> act)
    {
        var (before, started) = (GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        await act();
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, MostBytes);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, Longest);
    }
}

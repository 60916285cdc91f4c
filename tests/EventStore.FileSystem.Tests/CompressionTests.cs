using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.TestSupport;
using Microsoft.Extensions.Logging;

namespace EventStore.FileSystem.Tests;

/// <summary>Sealed segments are compressed in the background, and read as if they were not.</summary>
public sealed class CompressionTests : IDisposable
{
    private readonly TestDirectory directory = new();

    private FileDisk Disk => new(directory.Path);

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 60_000)]
    public async Task Sealed_segments_are_compressed_in_the_background_and_read_the_same()
    {
        using var worked = new SemaphoreSlim(0);
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small(compresses: true, inBackground: work => Task.Run(() =>
        {
            work();
            worked.Release();
        })));
        await SmallStore.FillAsync(engine, 600);
        while (!Segments()[..^1].All(IsPacked)) await worked.WaitAsync(TestContext.Current.CancellationToken);
        var stored = await SmallStore.ReadConsistentAsync(engine);
        Assert.Equal(1200, stored.Count);
        await engine.DisposeAsync();
        var sealedOnes = Segments()[..^1];
        Assert.True(sealedOnes.Length > 10);
        Assert.True(sealedOnes.Sum(path => new FileInfo(path).Length) < sealedOnes.Length * (16 << 10) / 2);

        await using var again = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        Assert.Equal(stored, await SmallStore.ReadConsistentAsync(again));
    }

    [Fact]
    public async Task Segments_sealed_before_compression_was_chosen_are_compressed_by_compaction()
    {
        var plain = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(plain, 300);
        var stored = await SmallStore.ReadAllAsync(plain);
        await plain.DisposeAsync();
        Assert.DoesNotContain(Segments(), IsPacked);

        // The background work of opening is done before: it leaves them to compaction.
        await using var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small(compresses: true, inBackground: LogSettings.InPlace));
        var report = await CompactionTests.CompactAsync(engine);
        Assert.Equal(Segments().Length - 1, report.SegmentsRewritten);
        Assert.True(report.BytesFreed > report.BytesBefore / 2);
        Assert.All(Segments()[..^1], path => Assert.True(IsPacked(path)));
        Assert.Equal(stored, await SmallStore.ReadConsistentAsync(engine));
        Assert.Equal(0, (await CompactionTests.CompactAsync(engine)).SegmentsRewritten);
    }

    [Fact]
    public async Task A_packed_segment_of_unknown_features_or_without_its_successor_is_refused()
    {
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small(compresses: true));
        await SmallStore.FillAsync(engine, 200);
        await CompactionTests.CompactAsync(engine);
        await engine.DisposeAsync();
        var paths = Segments();
        var first = await File.ReadAllBytesAsync(paths[0]);
        var unknown = first.ToArray();
        unknown[12] = 1;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(unknown.AsSpan(124), Crc32C.Of(unknown.AsSpan(0, 124)));
        await File.WriteAllBytesAsync(paths[0], unknown);
        var refused = await Assert.ThrowsAsync<StorageFormatException>(() => SmallStore.OpenAsync(Disk, SmallStore.Small()));
        Assert.Contains("features", refused.Message, StringComparison.Ordinal);
        Assert.Contains("00000001.seg", refused.Place, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(paths[0], first);
        foreach (var path in Directory.EnumerateFiles(directory.Path, "checkpoint-*")) File.Delete(path);
        File.Delete(paths[^1]);
        var error = await Assert.ThrowsAsync<CorruptStorageException>(() => SmallStore.OpenAsync(Disk, SmallStore.Small()));
        Assert.Contains("RepairAsync", error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(paths[^1]), error.Place, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_compression_is_logged_and_retried_less_and_less_often_until_it_succeeds()
    {
        var warnings = new LogLines(LogLevel.Warning);
        var isFull = true;
        var disk = new FailingDisk(Disk) { Fails = path => isFull && path == "log/packed.seg.tmp" };
        var settings = SmallStore.Small(compresses: true, segmentBytes: 5000, inBackground: LogSettings.InPlace);
        await using var engine = new FileSystemPersistenceEngine(
            new StoreFiles(disk, settings), new EngineDurability(Durability.Durable, "test", []),
            EngineContext.Default with { Loggers = warnings });
        await engine.InitializeAsync();
        await SmallStore.FillAsync(engine, 200);
        var failing = Segments().Length;
        Assert.True(failing > 60);
        Assert.InRange(warnings.Written.Count, 5, 7);
        Assert.All(
            warnings.Written,
            message =>
                Assert.StartsWith(
                    $"Compressing 'log/00000001.seg' of the store at '{directory.Path}' failed: No space is left", message,
                    StringComparison.Ordinal));

        isFull = false;
        while (!IsPacked(Segments()[0])) await SmallStore.FillAsync(engine, 1);
        Assert.InRange(Segments().Length, failing, 2 * failing);
        Assert.InRange(Segments().Count(path => !IsPacked(path)), 1, 2);
        await SmallStore.ReadConsistentAsync(engine);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_block_is_decoded_in_every_coding(bool compresses)
    {
        var random = new Random(1);
        for (var round = 0; round < 500; round++)
        {
            var block = new byte[random.Next(1, 5000)];
            for (var at = 0; at < block.Length;)
            {
                var part = block.AsSpan(at, Math.Min(block.Length - at, random.Next(1, 400)));
                if (random.Next(3) == 0) random.NextBytes(part);
                else if (random.Next(3) == 0) part.Fill(7);
                at += part.Length;
            }

            var into = new byte[block.Length];
            var stored = BlockCodec.Encode(block, compresses, into, out var coding).ToArray();
            Assert.True(stored.Length <= block.Length);
            var back = new byte[block.Length];
            Assert.True(BlockCodec.TryDecode(stored, coding, back));
            Assert.Equal(block, back);
        }
    }

    private string[] Segments() =>
        [.. Directory.EnumerateFiles(Path.Combine(directory.Path, "log"), "*.seg").Order(StringComparer.Ordinal)];

    private static bool IsPacked(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> head = stackalloc byte[8];
        RandomAccess.Read(file, head, 0);
        return PackedFormat.IsPacked(head);
    }
}

using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Tests.Mutations;
using EventStore.FileSystem.Tests.Processes;

namespace EventStore.FileSystem.Tests;

/// <summary>What a repair saves of a damaged store, and what it reports as lost.</summary>
[Collection(nameof(Measured))] // what others allocate beside it would count
public sealed class RepairTests : IDisposable
{
    private static readonly FileSystemOptions Options = new() { SegmentSizeBytes = 64 << 10, Durability = Durability.Fast };
    private readonly TestDirectory directory = new();
    private readonly TestDirectory repaired = new();

    private string Root => Path.Combine(directory.Path, "events");

    public void Dispose()
    {
        directory.Dispose();
        repaired.Dispose();
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Damage_in_the_middle_costs_only_the_damaged_frames(bool isPacked)
    {
        var stored = await FillAsync(isPacked);
        var path = Segments()[1];
        Damage(path, bytes => bytes.AsSpan(bytes.Length / 2, 300).Clear());
        var refused = await Assert.ThrowsAsync<CorruptStorageException>(
            async () => { await using var opened = await OpenUnindexedAsync(directory.Path); });
        Assert.Contains("00000002.seg, offset", refused.Place, StringComparison.Ordinal);
        Assert.Contains("RepairAsync", refused.Message, StringComparison.Ordinal);
        var before = Fingerprint();

        var report = await new FileSystemStore(directory.Path, Options).RepairAsync(repaired.Path);

        Assert.Equal(before, Fingerprint());
        var part = Assert.Single(report.LostParts);
        Assert.Contains("00000002.seg, offset", part.Place, StringComparison.Ordinal);
        var saved = await ReadRepairedAsync();
        Assert.Equal(stored.Where(known => known.Checkpoint <= part.After.Value || known.Checkpoint > part.UpTo.Value), saved);
        Assert.InRange(part.UpTo.Value - part.After.Value, 1, isPacked ? 40 : 6);
        Assert.Equal(part.UpTo.Value - part.After.Value, report.LostRevisions.Sum(hole => hole.Last.Value - hole.First.Value + 1));
        await CheckHolesAsync(report, stored);
    }

    // One says how far the log reached, the other how far its checkpoints did: together they ask for a gigabyte of gaps.
    [Fact]
    public async Task Two_damaged_claims_do_not_make_a_repair_write_endless_gaps()
    {
        var disk = new MemoryDisk();
        await using (var engine = SmallStore.Make(disk, SmallStore.Small(isDurable: false)))
        {
            await engine.InitializeAsync();
            await SmallStore.FillAsync(engine, 20);
        }

        var id = StoreIdentityFile.Read(disk).Id;
        foreach (var (generation, position, next) in (ValueTuple<long, long, long>[])[(100, 4_294_967_288, 1), (101, 64, 1L << 40)])
        {
            var claimed = LogPoint.Origin with { Position = position, NextCheckpoint = next };
            CheckpointFile.Write(disk, id, new StoreCheckpoint(generation, 0, position, claimed, []));
        }

        var target = new MemoryDisk { Root = "/repaired" };
        var before = GC.GetTotalAllocatedBytes();
        await Repair.RunAsync(disk, target, SmallStore.Small(isDurable: false), null, default);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 256 << 20);
    }

    [Fact]
    public async Task A_repair_that_was_cancelled_leaves_nothing_that_opens_as_a_store()
    {
        await FillAsync(isPacked: false);
        using var cancelling = new CancellationTokenSource();
        var files = new FileSystemStore(directory.Path, Options);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await files.RepairAsync(repaired.Path, new Calls(cancelling.Cancel), cancelling.Token));
        Directory.Delete(Path.Combine(repaired.Path, "events", "log"), recursive: true); // as if it had ended before its first file
        var opening = Wireup.Init().UsingFileSystemPersistence(repaired.Path, Options).InitializeStorageEngine()
            .UsingJsonSerialization(types => types.Register<string>("text"));
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await opening.BuildAsync());
        Assert.Contains("did not complete", refused.Message, StringComparison.Ordinal);
    }

    // Called on the thread that reports.
    private sealed class Calls(Action call) : IProgress<FileSystemProgress>
    {
        public void Report(FileSystemProgress value) => call();
    }

    [Fact]
    public async Task Lost_segments_heads_and_identity_cost_nothing_else()
    {
        var stored = await FillAsync(isPacked: false);
        var paths = Segments();
        File.Delete(paths[1]);
        File.Delete(paths[2]);
        Damage(paths[4], bytes => bytes[40] ^= 1);
        File.Delete(Path.Combine(Root, "store.esfs"));
        var report = await new FileSystemStore(directory.Path, Options).RepairAsync(repaired.Path);
        var lost = report.LostParts.Where(part => part.UpTo.Value > part.After.Value).ToList();
        Assert.Contains(report.LostParts, part => part.Place.EndsWith("store.esfs", StringComparison.Ordinal) && part.Bytes == 0);
        Assert.Contains(report.LostParts, part => part.Place.Contains("00000005.seg", StringComparison.Ordinal) && part.Bytes == 0);
        Assert.Equal(
            stored.Where(known => !lost.Any(part => known.Checkpoint > part.After.Value && known.Checkpoint <= part.UpTo.Value)),
            await ReadRepairedAsync());
        Assert.All(lost, part => Assert.Contains("missing", part.Problem, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Damage_that_cost_nothing_is_listed_and_the_repair_is_complete()
    {
        var stored = await FillAsync(isPacked: false);
        Damage(Segments()[1], bytes => bytes[40] ^= 1);
        var report = await new FileSystemStore(directory.Path, Options).RepairAsync(repaired.Path);
        Assert.Equal(0, Assert.Single(report.LostParts).Bytes);
        Assert.True(report.IsComplete);
        Assert.Empty(report.LostRevisions);
        Assert.Equal(stored, await ReadRepairedAsync());
    }

    [Fact]
    public async Task A_lost_end_reuses_no_checkpoint_and_no_document_version()
    {
        var stored = await FillAsync(isPacked: false);
        File.Delete(Segments()[^1]);
        var report = await new FileSystemStore(directory.Path, Options).RepairAsync(repaired.Path);
        var last = report.LostParts[^1];
        Assert.Equal(stored[^1].Checkpoint, last.UpTo.Value);
        await using var store = await SmallStore.OpenAsync(new FileDisk(Path.Combine(repaired.Path, "events")), SmallStore.Small());
        Assert.Equal(stored.Where(known => known.Checkpoint <= last.After.Value), await SmallStore.ReadAllAsync(store));
        await SmallStore.FillAsync(store, 1, prefix: "new");
        Assert.Equal(stored[^1].Checkpoint + 1, (await SmallStore.ReadConsistentAsync(store))[^1].Checkpoint);
    }

    [Fact]
    public async Task A_sound_store_is_copied_whole()
    {
        var stored = await FillAsync(isPacked: true);
        var report = await new FileSystemStore(directory.Path, Options).RepairAsync(repaired.Path);
        Assert.True(report.IsComplete);
        Assert.Equal(stored.Count, report.EventsSaved);
        Assert.Equal(stored, await ReadRepairedAsync());
        await Assert.ThrowsAsync<StorageException>(
            async () => await new FileSystemStore(directory.Path, Options).RepairAsync(repaired.Path));
    }

    [Fact]
    public async Task Any_damage_to_the_log_leaves_a_store_that_opens_verifies_and_holds_only_what_was_stored()
    {
        var stored = await FillAsync(isPacked: true);
        var random = new Random(5);
        var original = Segments().ToDictionary(path => path, File.ReadAllBytes);
        for (var round = 0; round < 40; round++)
        {
            foreach (var (path, bytes) in original) await File.WriteAllBytesAsync(path, bytes);
            for (var wounds = random.Next(1, 4); wounds > 0; wounds--) Wound(random);
            using var target = new TestDirectory();
            var report = await new FileSystemStore(directory.Path, Options).RepairAsync(target.Path);
            await using var engine = await SmallStore.OpenAsync(new FileDisk(Path.Combine(target.Path, "events")), SmallStore.Small());
            var saved = await SmallStore.ReadAllAsync(engine);
            var lost = report.LostParts.Where(part => part.UpTo.Value > part.After.Value).ToList();
            var kept = stored
                .Where(known => !lost.Any(part => known.Checkpoint > part.After.Value && known.Checkpoint <= part.UpTo.Value)).ToList();
            Assert.True(
                kept.SequenceEqual(saved),
                $"round {round}: {saved.Count} events saved of {kept.Count} expected, up to {saved.LastOrDefault()?.Checkpoint} "
                + $"of {kept.LastOrDefault()?.Checkpoint}; lost {string.Join(", ", lost)}");
            Assert.True((await engine.VerifyAsync()).IsSound);
        }
    }

    private void Wound(Random random)
    {
        var path = Segments()[random.Next(Segments().Length)];
        switch (random.Next(4))
        {
            case 0:
                File.Delete(path);
                break;
            case 1:
                Damage(path, bytes => bytes.AsSpan(random.Next(bytes.Length)).Clear());
                break;
            case 2:
                Damage(path, bytes => random.NextBytes(bytes.AsSpan(random.Next(bytes.Length - 1), 1)));
                break;
            default:
                using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite))
                    RandomAccess.SetLength(file, random.Next((int)RandomAccess.GetLength(file)));
                break;
        }
    }

    // Reading across a hole fails and names it; reading after it does not.
    private async Task CheckHolesAsync(RepairReport report, List<StoredEvent> stored)
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(Path.Combine(repaired.Path, "events")), SmallStore.Small());
        var hole = report.LostRevisions[0];
        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            var error = await Assert.ThrowsAsync<CorruptStorageException>(async () =>
                await engine.ReadStreamAsync(
                    new StreamRead(hole.Stream, new Revision(1), Revision.Max, direction, new PageLimit(100_000, long.MaxValue))));
            Assert.Contains($"revisions {hole.First} to {hole.Last}", error.Place, StringComparison.Ordinal);
        }

        var afterHole = new Revision(hole.Last.Value + 1);
        var limit = new PageLimit(100_000, long.MaxValue);
        var behind = await engine.ReadStreamAsync(new StreamRead(hole.Stream, afterHole, Revision.Max, ReadDirection.Forward, limit));
        Assert.Equal(stored.Count(known => known.Stream == hole.Stream && known.Revision > hole.Last.Value), behind.Events.Length);
    }

    private async Task<List<StoredEvent>> FillAsync(bool isPacked)
    {
        await using var engine = await SmallStore.OpenAsync(
            new FileDisk(Root), SmallStore.Small(isDurable: false, compresses: isPacked, segmentBytes: 64 << 10));
        await SmallStore.FillAsync(engine, 2000, streams: 100);
        await engine.PutDocumentAsync("document", new byte[100], 0);
        if (isPacked) await CompactionTests.CompactAsync(engine);
        return await SmallStore.ReadAllAsync(engine);
    }

    private async Task<List<StoredEvent>> ReadRepairedAsync()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(Path.Combine(repaired.Path, "events")), SmallStore.Small());
        Assert.True((await engine.VerifyAsync()).IsSound);
        return await SmallStore.ReadAllAsync(engine);
    }

    // Without its index a store is read from the beginning, so that the damage is found.
    private static async Task<IAsyncDisposable> OpenUnindexedAsync(string directory)
    {
        Directory.Delete(Path.Combine(directory, "events", "idx"), recursive: true);
        return await SmallStore.OpenAsync(new FileDisk(Path.Combine(directory, "events")), SmallStore.Small());
    }

    private static void Damage(string path, Action<byte[]> change)
    {
        if (!File.Exists(path)) return;
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length == 0) return;
        change(bytes);
        File.WriteAllBytes(path, bytes);
    }

    private string[] Segments() => [.. Directory.EnumerateFiles(Path.Combine(Root, "log"), "*.seg").Order(StringComparer.Ordinal)];

    private string Fingerprint() =>
        string.Join("\n", Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(path => $"{path} {File.GetLastWriteTimeUtc(path).Ticks} {Crc32C.Of(File.ReadAllBytes(path))}"));
}

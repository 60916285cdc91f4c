using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;
using EventStore.FileSystem.Tests.Simulation;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// Compaction, compression and backup are interrupted at every single call to the disk, by the end of the process or by a power loss that
/// keeps an arbitrary part of what was not flushed: everything stored stays as it was, to the last event.
/// </summary>
public sealed class SwapCrashTests
{
    private static readonly StoreSettings Plain = SmallStore.Small(segmentBytes: 5000, inBackground: LogSettings.InPlace);
    private static readonly StoreSettings Fast = SmallStore.Small(isDurable: false, segmentBytes: 5000, inBackground: LogSettings.InPlace);
    private static readonly StoreSettings Compressed = SmallStore.Small(
        compresses: true, segmentBytes: 5000, inBackground: LogSettings.InPlace);

    [Theory, InlineData(false), InlineData(true)]
    public async Task Compaction_interrupted_at_any_call_changes_nothing(bool compresses)
    {
        var settings = compresses ? Compressed : Plain;
        var (made, expected) = await MakeAsync();
        var calls = 0;
        for (var isDone = false; !isDone; calls++)
        {
            foreach (var losesPower in (bool[])[true, true, false])
            {
                var disk = made.Copy();
                isDone = await StrikeAsync(disk, calls, settings, losesPower);
                await using var engine = await SmallStore.OpenAsync(disk, settings);
                Assert.Equal(expected, await ContentAsync(engine));
                await CompactionTests.CompactAsync(engine);
                Assert.Equal(expected, await ContentAsync(engine));
            }
        }

        Assert.True(calls > 40, $"{calls} calls were all");
    }

    // In a store that does not flush every batch, a deletion may be lost with the power: then the stream must be there again, whole.
    [Fact]
    public async Task A_compaction_does_not_survive_a_power_loss_without_the_deletions_it_is_based_on()
    {
        var (made, before) = await MakeAsync();
        string after;
        await using (var engine = await SmallStore.OpenAsync(made.Copy(), Fast))
        {
            await engine.DeleteStreamAsync("stream-0", StreamExpectation.Any);
            after = await ContentAsync(engine);
        }

        var seen = new HashSet<string>();
        var calls = 0;
        for (var isDone = false; !isDone; calls++)
        {
            var disk = made.Copy();
            isDone = await StrikeAsync(
                disk, calls, Fast, losesPower: true, async engine => await engine.DeleteStreamAsync("stream-0", StreamExpectation.Any));
            await using var engine = await SmallStore.OpenAsync(disk, Fast);
            var content = await ContentAsync(engine);
            Assert.True(content == before || content == after, $"neither before nor after the deletion, {calls} calls in:\n{content}");
            seen.Add(content);
        }

        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task Writing_with_compression_interrupted_at_any_call_loses_nothing_acknowledged()
    {
        for (var calls = 0; ; calls++)
        {
            var disk = new SimulatedDisk(new Random(calls));
            var acknowledged = new List<Guid>();
            disk.StopAfter(calls);
            try
            {
                var engine = await SmallStore.OpenAsync(disk, Compressed);
                for (var i = 0; i < 60; i++)
                {
                    var attempt = SmallStore.Attempt($"stream-{i % 3}", $"{i}");
                    await engine.CommitAsync([attempt]);
                    acknowledged.Add(attempt.CommitId);
                }

                await engine.DisposeAsync();
            }
            catch (SimulatedCrash)
            {
                // It happened during the work.
            }

            disk.RestartMachine();
            await using var again = await SmallStore.OpenAsync(disk, Compressed);
            var found = (await SmallStore.ReadConsistentAsync(again)).Select(stored => stored.CommitId).ToList();
            Assert.Equal(acknowledged, found.Take(acknowledged.Count));
            if (acknowledged.Count == 60) break;
        }
    }

    [Fact]
    public async Task A_backup_interrupted_at_any_call_opens_as_the_previous_one_or_more()
    {
        var (made, _) = await MakeAsync();
        await using var source = await SmallStore.OpenAsync(made, Compressed);
        var target = new SimulatedDisk(new Random(3));
        await BackupAsync(source, target);
        var before = await SmallStore.ReadAllAsync(source);
        await SmallStore.FillAsync(source, 30, streams: 4);
        await CompactionTests.CompactAsync(source);
        await SmallStore.FillAsync(source, 5, streams: 4);
        var after = await SmallStore.ReadAllAsync(source);
        var calls = 0;
        for (var isDone = false; !isDone; calls++)
        {
            var disk = target.Copy();
            disk.StopAfter(calls);
            isDone = await Record.ExceptionAsync(() => BackupAsync(source, disk)) is null;
            disk.RestartMachine();
            await using (var engine = await SmallStore.OpenAsync(disk, Plain))
            {
                var found = await SmallStore.ReadConsistentAsync(engine);
                Assert.InRange(found.Count, before.Count, after.Count);
                Assert.Equal(after.Take(found.Count), found);
                if (isDone) Assert.Equal(after, found);
            }

            await BackupAsync(source, disk);
            await using var again = await SmallStore.OpenAsync(disk, Plain);
            Assert.Equal(after, await SmallStore.ReadAllAsync(again));
        }

        Assert.True(calls > 30, $"{calls} calls were all");
    }

    // Compaction removed from older files what newer ones record as deleted: a copy must never have the one without the other.
    [Fact]
    public async Task A_backup_after_a_compaction_interrupted_at_any_call_opens_as_the_previous_backup_or_as_the_new_one()
    {
        var (made, before) = await MakeAsync();
        await using var source = await SmallStore.OpenAsync(made, Compressed);
        var target = new SimulatedDisk(new Random(3));
        await BackupAsync(source, target);
        await SmallStore.FillAsync(source, 30, streams: 4);
        await source.DeleteStreamAsync("stream-1", StreamExpectation.Any);
        await CompactionTests.CompactAsync(source);
        await SmallStore.FillAsync(source, 5, streams: 1);
        var after = await ContentAsync(source);
        var seen = new List<string>();
        for (var isDone = false; !isDone;)
        {
            var disk = target.Copy();
            disk.StopAfter(seen.Count);
            isDone = await Record.ExceptionAsync(() => BackupAsync(source, disk)) is null;
            disk.RestartMachine();
            var found = "";
            for (var opening = 0; opening < 2; opening++)
            {
                await using var engine = await SmallStore.OpenAsync(disk, Plain);
                var content = await ContentAsync(engine);
                Assert.True(opening == 0 || content == found);
                found = content;
            }

            Assert.True(
                found == before || found == after, $"neither the backup before nor the interrupted one, {seen.Count} calls in:\n{found}");
            seen.Add(found);
        }

        Assert.True(seen.Contains(before) && seen[^1] == after && seen.Count > 30);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Compaction_that_fails_at_any_call_leaves_a_store_that_continues_or_asks_to_be_reopened(bool isFull)
    {
        var (made, expected) = await MakeAsync();
        var fails = true;
        for (var calls = 0; fails; calls++)
        {
            var disk = new FailingDisk(made.Copy());
            var engine = await SmallStore.OpenAsync(disk, Compressed);
            disk.FailAfter(calls, isFull ? new DiskFullException("simulated") : new IOException("the disk failed", 5));
            fails = await Record.ExceptionAsync(() => CompactionTests.CompactAsync(engine)) is { } error;
            if (fails) Assert.True(await Record.ExceptionAsync(() => CompactionTests.CompactAsync(engine)) is null or StorageException);
            Assert.Equal(expected, await ContentAsync(engine));
            var written = await Record.ExceptionAsync(async () => await engine.CommitAsync([SmallStore.Attempt("afterwards", "body")]));
            Assert.True(
                written is null || (written is StorageException && disk.FailedAt != "log/packed.seg.tmp"),
                $"failed at {disk.FailedAt}: {written}");
            await Record.ExceptionAsync(async () => await engine.DisposeAsync());
            await using var again = await SmallStore.OpenAsync(disk, Compressed);
            Assert.True((await again.VerifyAsync()).IsSound);
        }
    }

    [Fact]
    public async Task A_file_that_does_not_read_back_as_written_replaces_nothing()
    {
        var (made, expected) = await MakeAsync();
        var disk = new FailingDisk(made) { Spoils = path => path == "log/packed.seg.tmp" };
        await using var engine = await SmallStore.OpenAsync(disk, Compressed);
        await Assert.ThrowsAsync<CorruptStorageException>(() => CompactionTests.CompactAsync(engine));
        Assert.DoesNotContain("log/packed.seg.tmp", made.Paths);
        Assert.Equal(expected, await ContentAsync(engine));
    }

    [Fact]
    public async Task A_first_backup_interrupted_at_any_call_is_refused_until_the_next_completes_it()
    {
        var (made, expected) = await MakeAsync();
        await using var source = await SmallStore.OpenAsync(made, Compressed);
        var (isDone, refusals) = (false, 0);
        for (var calls = 0; !isDone; calls++)
        {
            var disk = new SimulatedDisk(new Random(calls));
            disk.StopAfter(calls);
            isDone = await Record.ExceptionAsync(() => BackupAsync(source, disk)) is null;
            disk.RestartMachine();

            // Opened where it may be created: an empty store must never be what a backup left.
            if (disk.Paths.Any(path => path != OpenStore.LockFileName)) refusals += await RefusesOrHasAllAsync(disk.Copy());
            await BackupAsync(source, disk);
            await using var engine = await SmallStore.OpenAsync(disk, Plain);
            Assert.Equal(expected, await ContentAsync(engine));
        }

        Assert.True(refusals > 20, $"only {refusals} were refused");

        async Task<int> RefusesOrHasAllAsync(SimulatedDisk copy)
        {
            await using var engine = SmallStore.Make(copy, Plain);
            await using var reader = SmallStore.MakeReader(copy, Plain);
            try
            {
                await reader.InitializeAsync();
                Assert.Equal(expected, await ContentAsync(reader));
                await engine.InitializeAsync();
                Assert.Equal(expected, await ContentAsync(engine));
                return 0;
            }
            catch (StorageException refused)
            {
                Assert.Contains("did not complete", refused.Message, StringComparison.Ordinal);
                refused = await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync());
                Assert.Contains("did not complete", refused.Message, StringComparison.Ordinal);
                return 1;
            }
        }
    }

    // Runs compaction until the machine stops; returns whether it completed before.
    private static async Task<bool> StrikeAsync(
        SimulatedDisk disk, int calls, StoreSettings settings, bool losesPower, Func<FileSystemPersistenceEngine, Task>? first = null)
    {
        var isDone = true;
        var engine = await SmallStore.OpenAsync(disk, settings);
        try
        {
            if (first is not null) await first(engine);
            disk.StopAfter(calls);
            await CompactionTests.CompactAsync(engine);
        }
        catch (SimulatedCrash)
        {
            isDone = false;
        }

        if (losesPower) disk.RestartMachine();
        else disk.RestartProcess();
        return isDone;
    }

    private static Task<BackupReport> BackupAsync(FileSystemPersistenceEngine engine, IDisk target) =>
        engine.MaintainAsync((store, token) => new Backup(store, target, null, token).Run(), CancellationToken.None);

    private static async Task<(SimulatedDisk Disk, string Expected)> MakeAsync()
    {
        var disk = new SimulatedDisk(new Random(7));
        await using var engine = await SmallStore.OpenAsync(disk, Plain);
        await SmallStore.FillAsync(engine, 24, streams: 4);
        await SmallStore.FillAsync(engine, 12, streams: 2, prefix: "gone");
        for (var i = 0; i < 5; i++)
            await engine.PutDocumentAsync("document", new byte[50 + i], (await engine.FindDocumentAsync("document"))?.Version ?? 0);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(1), 0, "state", new byte[30]));
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(1), 0, "state", new byte[31]));
        await SmallStore.FillAsync(engine, 12, streams: 4);
        for (var i = 0; i < 2; i++) await engine.DeleteStreamAsync($"gone-{i}", StreamExpectation.Any);
        return (disk, await ContentAsync(engine));
    }

    private static async Task<string> ContentAsync(IPersistenceEngine engine)
    {
        var events = await SmallStore.ReadConsistentAsync(engine);
        var document = await engine.FindDocumentAsync("document");
        var snapshot = await engine.FindSnapshotAsync("stream-0", Revision.Max);
        return string.Join("\n", events) + $"\n{document!.Version} {document.Content.Length} {snapshot?.Payload.Length}";
    }
}

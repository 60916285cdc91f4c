using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// Copies of a running store that the engine makes open as what was stored.
/// </summary>
public sealed class BackupTests : IDisposable
{
    private readonly TestDirectory directory = new();
    private readonly TestDirectory copy = new();

    public void Dispose()
    {
        directory.Dispose();
        copy.Dispose();
    }

    [Theory, InlineData(true, false), InlineData(false, true)]
    public async Task Each_backup_under_load_holds_everything_acknowledged_before_it(bool isDurable, bool compresses)
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(isDurable, compresses));
        await using var load = new Load(engine);
        for (var round = 0; round < 4; round++)
        {
            await load.WaitForMoreAsync(400);
            var acknowledged = load.Acknowledged;
            var report = await BackupAsync(engine);
            Assert.True(round == 0 ? report.FilesUnchanged == 0 : report.FilesUnchanged > 0);
            await StoreCopy.CheckAsync(copy.Path, acknowledged, engine, report.UpTo.Value);
        }
    }

    [Fact]
    public async Task A_backup_of_an_unchanged_store_copies_nothing_and_a_closed_one_is_opened_for_it()
    {
        var files = new FileSystemStore(directory.Path, new FileSystemOptions { SegmentSizeBytes = 64 << 10 });
        await using (
            var store = await Wireup.Init()
                .UsingFileSystemPersistence(files)
                .UsingJsonSerialization(types => types.Register<string>("text"))
                .InitializeStorageEngine()
                .BuildAsync())
        {
            for (var i = 0; i < 300; i++) await store.AppendAsync($"stream-{i % 7}", new string('x', 300));
            Assert.True((await files.BackupAsync(copy.Path)).FilesCopied >= 2);
            var again = await files.BackupAsync(copy.Path);
            Assert.Equal((0, 300L), (again.FilesCopied, again.UpTo.Value));
            Assert.True((await files.VerifyAsync()).IsSound);
        }

        Assert.Equal(300, (await files.BackupAsync(copy.Path)).UpTo.Value);
        await using var restored = await Wireup.Init()
            .UsingFileSystemPersistence(copy.Path)
            .UsingJsonSerialization(types => types.Register<string>("text"))
            .BuildAsync();
        Assert.Equal(300, await restored.ReadAllAsync().CountAsync());
    }

    [Fact]
    public async Task A_first_backup_that_was_cancelled_is_refused_until_one_completes_it()
    {
        var files = new FileSystemStore(directory.Path, new FileSystemOptions { SegmentSizeBytes = 64 << 10 });
        await using var store = await Json(Wireup.Init().UsingFileSystemPersistence(files).InitializeStorageEngine()).BuildAsync();
        for (var i = 0; i < 300; i++) await store.AppendAsync($"stream-{i % 7}", new string('x', 300));
        using var cancelling = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await files.BackupAsync(copy.Path, new Calls(cancelling.Cancel), cancelling.Token));
        foreach (var opening in (Wireup[])[Copy(), Copy().InitializeStorageEngine(), Copy().OpenReadOnly()])
        {
            var refused = await Assert.ThrowsAsync<StorageException>(async () => await opening.BuildAsync());
            Assert.Contains("Run the backup", refused.Message, StringComparison.Ordinal);
        }

        await files.BackupAsync(copy.Path);
        await using var restored = await Copy().BuildAsync();
        Assert.Equal(300, await restored.ReadAllAsync().CountAsync());

        Wireup Copy() => Json(Wireup.Init().UsingFileSystemPersistence(copy.Path));

        static Wireup Json(Wireup wireup) => wireup.UsingJsonSerialization(types => types.Register<string>("text"));
    }

    // Called on the thread that reports.
    private sealed class Calls(Action call) : IProgress<FileSystemProgress>
    {
        public void Report(FileSystemProgress value) => call();
    }

    [Fact]
    public async Task A_marked_copy_that_is_damaged_before_its_durable_end_is_refused()
    {
        var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(segmentBytes: 1 << 20));
        await SmallStore.FillAsync(engine, 50);
        await BackupAsync(engine);
        await engine.DisposeAsync();
        var path = Path.Combine(copy.Path, "log", "00000001.seg");
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.Length / 2] ^= 4;
        await File.WriteAllBytesAsync(path, bytes);
        await File.WriteAllBytesAsync(Path.Combine(copy.Path, "copied"), []);
        Assert.Contains(
            "RepairAsync",
            (
                await Assert.ThrowsAsync<CorruptStorageException>(
                    () => SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small()))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_target_that_holds_something_else_is_refused_and_left_unchanged()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small());
        await File.WriteAllTextAsync(Path.Combine(copy.Path, "letter.txt"), "dear");
        await Assert.ThrowsAsync<StorageException>(() => BackupAsync(engine));
        File.Delete(Path.Combine(copy.Path, "letter.txt"));
        await using (var other = await SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small()))
        {
            await SmallStore.FillAsync(other, 3);
            await Assert.ThrowsAsync<StorageUnavailableException>(() => BackupAsync(engine));
        }

        await Assert.ThrowsAsync<StorageException>(() => BackupAsync(engine));
        await using (
            var other = await SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small())) Assert.Equal(
                6, (await SmallStore.ReadAllAsync(other)).Count);
        await Assert.ThrowsAsync<ArgumentException>(async () => await new FileSystemStore(directory.Path).BackupAsync(directory.Path));
    }

    [Fact]
    public async Task A_copy_that_was_written_to_becomes_a_copy_again()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small());
        await SmallStore.FillAsync(engine, 100);
        await BackupAsync(engine);
        await using (
            var other = await SmallStore.OpenAsync(
                new FileDisk(copy.Path), SmallStore.Small())) await SmallStore.FillAsync(other, 2, prefix: "diverged");
        await SmallStore.FillAsync(engine, 100);
        await BackupAsync(engine);
        await using var again = await SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small());
        Assert.Equal(await SmallStore.ReadAllAsync(engine), await SmallStore.ReadConsistentAsync(again));
    }

    private Task<BackupReport> BackupAsync(FileSystemPersistenceEngine engine) =>
        engine.MaintainAsync((store, token) => new Backup(store, new FileDisk(copy.Path), null, token).Run(), CancellationToken.None);
}

using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Files of an open store are removed, renamed, replaced or set back by another program.</summary>
public sealed class ReplacedFilesTests : IDisposable
{
    private readonly TestDirectory place = new();

    private string Folder => Path.Combine(place.Path, "events");

    private string Elsewhere => Path.Combine(place.Path, "elsewhere");

    public void Dispose() => place.Dispose();

    [Fact]
    public async Task A_second_writer_is_refused_although_the_lock_file_was_deleted()
    {
        await using var first = await SmallStore.OpenAsync(new FileDisk(Folder), SmallStore.Small());
        File.Delete(Path.Combine(Folder, OpenStore.LockFileName));
        var refused = await Assert.ThrowsAsync<StorageException>(() => SmallStore.OpenAsync(new FileDisk(Folder), SmallStore.Small()));
        Assert.Contains("open for writing", refused.Message, StringComparison.Ordinal);
        await SmallStore.FillAsync(first, 3);
    }

    public static TheoryData<string, bool> Ways()
    {
        var ways = new TheoryData<string, bool>();
        foreach (var way in (string[])["removed", "renamed", "replaced", "identity", "segment"])
        {
            ways.Add(way, true);
            ways.Add(way, false);
        }

        return ways;
    }

    [Theory, MemberData(nameof(Ways))]
    public async Task A_writer_whose_files_are_no_longer_there_acknowledges_nothing_more(string way, bool isDurable)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux says which file a path leads to.");
        var settings = SmallStore.Small(isDurable, segmentBytes: 1 << 20);
        var writer = await SmallStore.OpenAsync(new FileDisk(Folder), settings);
        await SmallStore.FillAsync(writer, 10);
        Change(way);
        var content = Content();
        await Task.Delay(15, TestContext.Current.CancellationToken); // a fast store looks every ten milliseconds
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var refused = await Assert.ThrowsAsync<StorageReplacedException>(
                async () => await writer.CommitAsync([SmallStore.Attempt("stream", "lost")]));
            Assert.Contains("removed, renamed or replaced", refused.Message, StringComparison.Ordinal);
        }

        await writer.DisposeAsync();
        Assert.Equal(content, Content());
    }

    [Fact]
    public async Task A_batch_during_which_the_files_were_replaced_is_not_acknowledged()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux says which file a path leads to.");
        var disk = new ActsInFlush(new FileDisk(Folder), () => Change("renamed"));
        await using var writer = await SmallStore.OpenAsync(disk, SmallStore.Small());
        await SmallStore.FillAsync(writer, 3);
        disk.Arm();
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(
            async () => await writer.CommitAsync([SmallStore.Attempt("stream", "unknown")]));
    }

    [Fact]
    public async Task A_store_that_is_closed_after_it_was_replaced_says_so_and_changes_nothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux says which file a path leads to.");
        var writer = await SmallStore.OpenAsync(new FileDisk(Folder), SmallStore.Small());
        await SmallStore.FillAsync(writer, 10);
        Change("replaced");
        var content = Content();
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await writer.DisposeAsync());
        Assert.Equal(content, Content());
        await using var other = await SmallStore.OpenAsync(new FileDisk(Folder), SmallStore.Small());
    }

    // The backup is put in place with its writer, which may have written more than the reader has seen, or without one.
    [Theory, InlineData(0, true), InlineData(0, false), InlineData(5, true), InlineData(50, true), InlineData(50, false)]
    public async Task A_reader_is_refused_what_was_set_back_and_skips_nothing(int commitsSince, bool isRenamed)
    {
        var time = new AdjustableTimeProvider();
        var settings = SmallStore.Small(segmentBytes: 1 << 20);
        var writer = await SmallStore.OpenAsync(new FileDisk(Folder), settings);
        await SmallStore.FillAsync(writer, 10, prefix: "first");
        await BackupAsync(writer);
        await SmallStore.FillAsync(writer, 20, prefix: "second");
        await using var reader = SmallStore.MakeReader(
            new FileDisk(Folder), settings, EngineContext.Default with { Time = time });
        await reader.InitializeAsync();
        var seen = await SmallStore.ReadAllAsync(reader);
        await writer.DisposeAsync();
        if (isRenamed) Directory.Move(Folder, Folder + "-old");
        else Directory.Delete(Folder, recursive: true);
        Directory.Move(Elsewhere, Folder);
        if (commitsSince > 0)
        {
            await using var again = await SmallStore.OpenAsync(new FileDisk(Folder), settings);
            await SmallStore.FillAsync(again, commitsSince, prefix: "third");
        }

        time.Advance(TimeSpan.FromSeconds(2));
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var error = await Assert.ThrowsAsync<StorageReplacedException>(async () => await SmallStore.ReadAllAsync(reader));
            Assert.Contains("set back", error.Message, StringComparison.Ordinal);
            Assert.Contains($"{seen[^1].Checkpoint}", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_reader_goes_on_over_the_same_store_put_in_another_place_and_back()
    {
        var time = new AdjustableTimeProvider();
        var settings = SmallStore.Small(segmentBytes: 1 << 20);
        await using (var writer = await SmallStore.OpenAsync(new FileDisk(Folder), settings)) await SmallStore.FillAsync(writer, 30);
        await using var reader = SmallStore.MakeReader(
            new FileDisk(Folder), settings, EngineContext.Default with { Time = time });
        await reader.InitializeAsync();
        var seen = await SmallStore.ReadAllAsync(reader);
        StoreCopy.CopyTree(Folder, Elsewhere);
        Directory.Delete(Folder, recursive: true);
        Directory.Move(Elsewhere, Folder);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(seen, await SmallStore.ReadConsistentAsync(reader));
        await using var again = await SmallStore.OpenAsync(new FileDisk(Folder), settings);
        await SmallStore.FillAsync(again, 5);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(await SmallStore.ReadAllAsync(again), await SmallStore.ReadConsistentAsync(reader));
    }

    private Task<BackupReport> BackupAsync(FileSystemPersistenceEngine engine) => engine.MaintainAsync(
        (store, token) => new Maintenance.Backup(store, new FileDisk(Elsewhere), null, token).Run(), CancellationToken.None);

    private void Change(string way)
    {
        switch (way)
        {
            case "removed":
                Directory.Delete(Folder, recursive: true);
                break;
            case "renamed":
                Directory.Move(Folder, Elsewhere);
                break;
            case "replaced":
                StoreCopy.CopyTree(Folder, Elsewhere);
                Directory.Delete(Folder, recursive: true);
                Directory.Move(Elsewhere, Folder);
                break;
            case "identity":
                Replace("store.esfs");
                break;
            default:
                Replace(LogSegments.PathOf(1));
                break;
        }
    }

    private void Replace(string file)
    {
        var path = Path.Combine(Folder, file);
        File.Copy(path, path + ".copy");
        File.Move(path + ".copy", path, overwrite: true);
    }

    // Does something while a segment is flushed.
    private sealed class ActsInFlush(IDisk disk, Action act) : Simulation.FaultyLayer(disk)
    {
        private bool isArmed;

        /// <summary>Has the next flush do it.</summary>
        public void Arm() => isArmed = true;

        protected override void Sync(string path, IDiskFile file)
        {
            base.Sync(path, file);
            if (!IsLog(path) || !isArmed) return;
            isArmed = false;
            act();
        }
    }

    private List<string> Content() => !Directory.Exists(Folder)
        ? []
        : [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Where(path => Path.GetFileName(path) is not (LiveFile.FileName or OpenStore.LockFileName))
            .Select(path => $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}")];
}

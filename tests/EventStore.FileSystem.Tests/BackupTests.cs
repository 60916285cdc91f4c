using System.ComponentModel;
using System.Diagnostics;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// Copies of a running store, made by the engine itself or by copying its files in the documented order, open as what was stored.
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
            await CheckCopyAsync(acknowledged, engine, report.UpTo.Value);
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
    public async Task Each_copy_in_the_documented_order_under_load_opens_as_a_prefix()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(compresses: true));
        await using var load = new Load(engine);
        for (var round = 0; round < 6; round++)
        {
            await load.WaitForMoreAsync(300);
            var acknowledged = load.Acknowledged;
            CopyFiles(["", LogSegments.Folder, "idx"]);
            await CheckCopyAsync(acknowledged, engine, acknowledged.Count);
        }
    }

    [Fact]
    public async Task Each_copy_by_rsync_under_load_opens_as_a_prefix()
    {
        Assert.SkipUnless(
            HasRsync(), "rsync, which copies the files of a running store here, is not installed. On Debian: apt-get install rsync");
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(compresses: true));
        await using var load = new Load(engine);
        for (var round = 0; round < 8; round++)
        {
            await SmallStore.FillAsync(engine, 50, streams: 1, prefix: "gone");
            await load.WaitForMoreAsync(300);
            await engine.DeleteStreamAsync("gone-0");
            if (round % 2 == 1) await CompactionTests.CompactAsync(engine);
            var acknowledged = load.Acknowledged;
            await RsyncAsync();
            await CheckCopyAsync(acknowledged, engine, acknowledged.Count);
        }
    }

    // Space is allocated ahead: zeros that were copied precede frames that were written and copied later.
    [Fact]
    public async Task A_copy_with_a_hole_before_its_end_is_refused_with_advice_and_opens_once_it_is_marked()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(segmentBytes: 1 << 20));
        await SmallStore.FillAsync(engine, 10);
        var before = await SmallStore.ReadAllAsync(engine);
        CopyTree(directory.Path, copy.Path);
        var source = Path.Combine(directory.Path, "log", "00000001.seg");
        using (var target = File.OpenHandle(Path.Combine(copy.Path, "log", "00000001.seg"), FileMode.Open, FileAccess.Write))
        {
            await SmallStore.FillAsync(engine, 300);
            var later = new byte[new FileInfo(source).Length];
            using (var file = File.OpenHandle(source, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
                RandomAccess.Read(file, later, 0);
            RandomAccess.Write(target, later.AsSpan(64 << 10), 64 << 10);
        }

        var refused = await Assert.ThrowsAsync<CorruptStorageException>(
            () => SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small()));
        Assert.Contains("'copied'", refused.Message, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(Path.Combine(copy.Path, CopyMarks.Copied), []);
        await using var again = await SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small());
        Assert.Equal(before, await SmallStore.ReadConsistentAsync(again));
        Assert.False(File.Exists(Path.Combine(copy.Path, CopyMarks.Copied)));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(copy.Path, "quarantine")));
    }

    // Its files were listed before the newest segment appeared, and read after the one before had been packed.
    [Fact]
    public async Task A_copy_that_ends_with_a_packed_segment_opens_repeatedly()
    {
        await using (var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(compresses: true)))
        {
            await SmallStore.FillAsync(engine, 100);
            await CompactionTests.CompactAsync(engine);
        }

        CopyTree(directory.Path, copy.Path);
        foreach (var path in Directory.EnumerateFiles(copy.Path))
            if (Path.GetFileName(path) != StoreIdentityFile.FileName) File.Delete(path);
        File.Delete(Directory.EnumerateFiles(Path.Combine(copy.Path, LogSegments.Folder)).Max(StringComparer.Ordinal)!);
        await File.WriteAllBytesAsync(Path.Combine(copy.Path, CopyMarks.Copied), []);
        var found = new List<int>();
        for (var opening = 0; opening < 3; opening++)
        {
            await using var engine = await SmallStore.OpenAsync(new FileDisk(copy.Path), SmallStore.Small());
            found.Add((await SmallStore.ReadConsistentAsync(engine)).Count);
        }

        Assert.True(found[0] > 0 && found.All(count => count == found[0]));
    }

    [Fact]
    public async Task A_copy_in_another_order_opens_as_a_prefix_or_is_refused()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small());
        await using var load = new Load(engine);
        for (var round = 0; round < 6; round++)
        {
            await load.WaitForMoreAsync(200);
            CopyFiles([LogSegments.Folder, "idx"]);
            await load.WaitForMoreAsync(200);
            CopyFiles([""]);
            try
            {
                await CheckCopyAsync([], engine, 0);
            }
            catch (CorruptStorageException error)
            {
                // It ends before what was durable, or a segment was sealed while its folder was copied.
                Assert.Contains("whole", error.Message, StringComparison.Ordinal);
            }
        }
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

    // The copy holds everything acknowledged before, is a prefix of the store, and can be written to.
    private async Task CheckCopyAsync(IReadOnlyList<Guid> acknowledged, FileSystemPersistenceEngine original, long atLeast)
    {
        using var opened = new TestDirectory();
        CopyTree(copy.Path, opened.Path);
        await using var engine = await SmallStore.OpenAsync(new FileDisk(opened.Path), SmallStore.Small());
        var copied = await SmallStore.ReadConsistentAsync(engine);
        Assert.True(copied.Count >= atLeast);

        // A commit that was being flushed may be in the copy before the store shows it.
        var stored = await SmallStore.ReadAllAsync(original);
        while (stored.Count < copied.Count) stored = await SmallStore.ReadAllAsync(original);
        Assert.Equal(stored.Take(copied.Count), copied);
        Assert.Subset(copied.Select(found => found.CommitId).ToHashSet(), acknowledged.ToHashSet());
        var head = (
            await engine.ReadAllAsync(
                new StoreRead(
                    EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, new PageLimit(1, 1 << 20)))).Head;
        Assert.True(head.Value >= copied[^1].Checkpoint);
        await SmallStore.FillAsync(engine, 1);
        Assert.Equal(head.Value + 1, (await SmallStore.ReadConsistentAsync(engine))[^1].Checkpoint);
    }

    // As rsync does it: folder by folder, each listed when it is reached; files deleted meanwhile are skipped, and removed from the target.
    private void CopyFiles(string[] folders)
    {
        foreach (var folder in folders)
        {
            var (from, to) = (Path.Combine(directory.Path, folder), Directory.CreateDirectory(Path.Combine(copy.Path, folder)).FullName);
            var names = Directory.EnumerateFiles(from)
                .Select(path => Path.GetFileName(path)!)
                .Where(name => name != OpenStore.LockFileName && !name.EndsWith(".tmp", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .ToArray();
            foreach (var name in names) CopyInPieces(Path.Combine(from, name), Path.Combine(to, name));
            foreach (var stray in Directory.EnumerateFiles(to).Where(path => !names.Contains(Path.GetFileName(path)))) File.Delete(stray);
        }

        File.WriteAllBytes(Path.Combine(copy.Path, CopyMarks.Copied), []);
    }

    // As docs/how-to/files.md describes it. Exit code 24 means that files vanished meanwhile: of the index, or checkpoints.
    private async Task RsyncAsync()
    {
        using var rsync = Start(
            "-a", "--checksum", "--delete", "--exclude", "writer.lock", "--exclude", "*.tmp", "--exclude", "copied", directory.Path + "/",
            copy.Path + "/");
        var output = await rsync.StandardError.ReadToEndAsync();
        await rsync.WaitForExitAsync();
        Assert.True(rsync.ExitCode is 0 or 24, output);
        await File.WriteAllBytesAsync(Path.Combine(copy.Path, CopyMarks.Copied), []);
    }

    private static bool HasRsync()
    {
        try
        {
            using var tried = Start("--version");
            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static Process Start(params string[] arguments) =>
        Process.Start(new ProcessStartInfo("rsync", arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    private static void CopyInPieces(string from, string to)
    {
        try
        {
            using var source = File.OpenHandle(from, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var target = File.OpenHandle(to, FileMode.Create, FileAccess.Write);
            var piece = new byte[1500];
            for (var at = 0L; RandomAccess.Read(source, piece, at) is > 0 and var read; at += read)
            {
                RandomAccess.Write(target, piece.AsSpan(0, read), at);
                Thread.Yield();
            }
        }
        catch (FileNotFoundException)
        {
            // Merged or replaced meanwhile.
        }
    }

    private static void CopyTree(string from, string to)
    {
        foreach (
            var path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(
                path => Path.GetFileName(path) != OpenStore.LockFileName))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
    }
}

using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests;

/// <summary>Files are read with or without a running writer: nothing is changed, and only published events are visible.</summary>
public sealed class ReadOnlyTests : IDisposable
{
    private readonly TestDirectory directory = new();
    private readonly TestDirectory other = new();

    private FileDisk Disk => new(directory.Path);

    public void Dispose()
    {
        directory.Dispose();
        other.Dispose();
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_reader_creates_and_changes_nothing_whether_the_store_was_closed_or_not(bool isClosed)
    {
        var writer = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(writer, 300);
        if (isClosed) await writer.DisposeAsync();
        CopyTo(other.Path);
        Spoil(other.Path);
        var before = Listing(other.Path);
        await using (var reader = await SmallStore.OpenReaderAsync(new FileDisk(other.Path), SmallStore.Small()))
        {
            Assert.Equal(await Stored(writer, isClosed), await SmallStore.ReadConsistentAsync(reader));
            await reader.WaitForCommitsAsync(Checkpoint.Max, TimeSpan.FromMilliseconds(50));
            await Assert.ThrowsAsync<ReadOnlyStorageException>(
                async () => await reader.CommitAsync([SmallStore.Attempt("stream", "refused")]));
        }

        Assert.Equal(before, Listing(other.Path));
        if (!isClosed) await writer.DisposeAsync();
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Without_a_live_file_a_reader_sees_what_recovery_would_accept(bool hasIndex)
    {
        await using (var writer = await SmallStore.OpenAsync(Disk, SmallStore.Small())) await SmallStore.FillAsync(writer, 300);
        var log = Directory.EnumerateFiles(Path.Combine(directory.Path, "log"), "*.seg").Max()!;
        await using (var torn = File.Open(log, FileMode.Append)) torn.Write([1, 2, 3, 4, 5, 6, 7, 8, 9]);
        File.Delete(Path.Combine(directory.Path, LiveFile.FileName));
        if (!hasIndex) Directory.Delete(Path.Combine(directory.Path, "idx"), recursive: true);
        var before = Listing(directory.Path);

        await using (var reader = await SmallStore.OpenReaderAsync(Disk, SmallStore.Small()))
        {
            var shown = await SmallStore.ReadConsistentAsync(reader);
            Assert.Equal(before, Listing(directory.Path));

            // A writer opens the store: it is followed from then on.
            await using var writer = await SmallStore.OpenAsync(Disk, SmallStore.Small());
            Assert.Equal(shown, await SmallStore.ReadAllAsync(writer));
            await SmallStore.FillAsync(writer, 50);
            Assert.Equal(await SmallStore.ReadAllAsync(writer), await SmallStore.ReadConsistentAsync(reader));
        }
    }

    [Fact]
    public async Task A_batch_whose_flush_failed_is_invisible_until_an_opening_settles_it()
    {
        var failing = new FailingDisk(Disk);
        var writer = await SmallStore.OpenAsync(failing, SmallStore.Small(segmentBytes: 1 << 20));
        await SmallStore.FillAsync(writer, 20);
        var published = await SmallStore.ReadAllAsync(writer);
        failing.FailAfter(1, new IOException("the flush failed", 5));
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(
            async () => await writer.CommitAsync([SmallStore.Attempt("stream", "unknown")]));
        Assert.Contains("log/", failing.FailedAt, StringComparison.Ordinal);

        await using var reader = await SmallStore.OpenReaderAsync(Disk, SmallStore.Small());
        Assert.Equal(published, await SmallStore.ReadConsistentAsync(reader));
        await writer.DisposeAsync();
        Assert.Equal(published, await SmallStore.ReadConsistentAsync(reader));
        await using (
            var alone = await SmallStore.OpenReaderAsync(Disk, SmallStore.Small())) Assert.Equal(
                published, await SmallStore.ReadConsistentAsync(alone));

        await using var again = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        Assert.Equal(published.Count + 1, (await SmallStore.ReadConsistentAsync(reader)).Count);
    }

    [Fact]
    public async Task After_a_power_loss_all_but_the_last_batch_is_visible_although_the_live_file_is_old()
    {
        var settings = SmallStore.Small(segmentBytes: 1 << 20);
        await using var writer = await SmallStore.OpenAsync(Disk, settings);
        await SmallStore.FillAsync(writer, 20);
        var old = await File.ReadAllBytesAsync(Path.Combine(directory.Path, LiveFile.FileName));
        await SmallStore.FillAsync(writer, 20);
        var beforeLast = await SmallStore.ReadAllAsync(writer);
        await SmallStore.FillAsync(writer, 1);
        CopyTo(other.Path);
        await File.WriteAllBytesAsync(Path.Combine(other.Path, LiveFile.FileName), old);
        await using var reader = await SmallStore.OpenReaderAsync(new FileDisk(other.Path), settings);
        Assert.Equal(beforeLast, await SmallStore.ReadConsistentAsync(reader));
    }

    [Fact]
    public async Task A_log_that_a_power_loss_cut_is_refused_to_a_reader_that_saw_more_and_read_by_others()
    {
        var settings = SmallStore.Small(isDurable: false, segmentBytes: 1 << 20);
        var writer = await SmallStore.OpenAsync(Disk, settings);
        await SmallStore.FillAsync(writer, 20);
        CopyTo(other.Path);
        await SmallStore.FillAsync(writer, 20);
        await using var reader = await SmallStore.OpenReaderAsync(Disk, settings);
        Assert.Equal(78, (await SmallStore.ReadConsistentAsync(reader)).Count);
        await writer.DisposeAsync();

        // What was not flushed is gone.
        foreach (var checkpoint in Directory.EnumerateFiles(directory.Path, "checkpoint-*")) File.Delete(checkpoint);
        foreach (
            var path in Directory.EnumerateFiles(other.Path, "*", SearchOption.AllDirectories).Where(
                path => Path.GetFileName(path) != LiveFile.FileName))
            Overwrite(Path.Combine(directory.Path, Path.GetRelativePath(other.Path, path)), await File.ReadAllBytesAsync(path));
        await using var again = await SmallStore.OpenAsync(Disk, settings);
        var refused = await Assert.ThrowsAsync<StorageReplacedException>(async () => await SmallStore.ReadAllAsync(reader));
        Assert.Contains("checkpoint 78", refused.Message, StringComparison.Ordinal);
        await SmallStore.FillAsync(again, 30);
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await SmallStore.ReadAllAsync(reader));
        await using var later = await SmallStore.OpenReaderAsync(Disk, settings);
        Assert.Equal(await SmallStore.ReadAllAsync(again), await SmallStore.ReadConsistentAsync(later));
    }

    [Fact]
    public async Task A_live_file_that_was_deleted_and_created_again_is_found()
    {
        await using var first = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(first, 5);
        await using var reader = await SmallStore.OpenReaderAsync(Disk, SmallStore.Small());
        await first.DisposeAsync();
        File.Delete(Path.Combine(directory.Path, LiveFile.FileName));
        await using var second = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(second, 5);
        var head = (await SmallStore.ReadAllAsync(second))[^1].Checkpoint;
        await reader.WaitForCommitsAsync(new Checkpoint(head - 1), TimeSpan.FromSeconds(10));
        Assert.Equal(head, (await SmallStore.ReadConsistentAsync(reader))[^1].Checkpoint);
    }

    [Fact]
    public async Task A_marked_copy_of_an_open_store_is_read_as_far_as_it_is_whole()
    {
        await using var writer = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(writer, 100);
        CopyTo(other.Path);
        var log = Directory.EnumerateFiles(Path.Combine(other.Path, "log"), "*.seg").Max()!;
        await using (var last = File.OpenWrite(log)) last.SetLength(last.Length / 2 > 8000 ? 8000 : last.Length / 2);
        await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await SmallStore.OpenReaderAsync(new FileDisk(other.Path), SmallStore.Small()));
        await File.WriteAllBytesAsync(Path.Combine(other.Path, "copied"), []);
        await using var reader = await SmallStore.OpenReaderAsync(new FileDisk(other.Path), SmallStore.Small());
        var shown = await SmallStore.ReadConsistentAsync(reader);
        Assert.Equal((await SmallStore.ReadAllAsync(writer)).Take(shown.Count), shown);
    }

    [Fact]
    public async Task Damage_to_acknowledged_data_is_refused_with_its_place()
    {
        await using (
            var writer = await SmallStore.OpenAsync(Disk, SmallStore.Small(segmentBytes: 1 << 20))) await SmallStore.FillAsync(writer, 100);
        foreach (var derived in (string[])["idx", "checkpoint-*"]) Delete(derived);
        await using (var file = File.OpenWrite(Path.Combine(directory.Path, LogSegments.PathOf(1))))
        {
            file.Position = 6000;
            file.WriteByte(0xA5);
        }

        var refused = await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await SmallStore.OpenReaderAsync(Disk, SmallStore.Small()));
        Assert.Contains("00000001.seg", refused.Place, StringComparison.Ordinal);
    }

    private async Task<List<StoredEvent>> Stored(FileSystemPersistenceEngine writer, bool isClosed)
    {
        if (!isClosed) return await SmallStore.ReadAllAsync(writer);
        await using var again = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        return await SmallStore.ReadAllAsync(again);
    }

    // Leftovers that an opening for writing would remove.
    private static void Spoil(string path)
    {
        File.WriteAllText(Path.Combine(path, "checkpoint-new.tmp"), "x");
        File.WriteAllText(Path.Combine(path, "log", "next.seg.tmp"), "x");
        Directory.CreateDirectory(Path.Combine(path, "idx")); // the first run may not have been written yet
        File.WriteAllText(Path.Combine(path, "idx", "00000000000000ff.run"), "x");
    }

    private void CopyTo(string target)
    {
        foreach (
            var path in Directory.EnumerateFiles(directory.Path, "*", SearchOption.AllDirectories).Where(
                path => !path.EndsWith(".lock", StringComparison.Ordinal)))
        {
            var to = Path.Combine(target, Path.GetRelativePath(directory.Path, path));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(path, to, overwrite: true);
        }
    }

    // In place: the reader has the file open.
    private static void Overwrite(string path, byte[] content)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        file.Write(content);
    }

    private void Delete(string pattern)
    {
        foreach (var path in Directory.EnumerateFiles(directory.Path, pattern)) File.Delete(path);
        foreach (var path in Directory.EnumerateDirectories(directory.Path, pattern)) Directory.Delete(path, recursive: true);
    }

    private static List<string> Listing(string path) =>
        [.. Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(entry => $"{Path.GetRelativePath(path, entry)} {File.GetLastWriteTimeUtc(entry).Ticks} {HashOf(entry)}")];

    private static string HashOf(string entry) =>
        File.Exists(entry) ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(entry))) : "";
}

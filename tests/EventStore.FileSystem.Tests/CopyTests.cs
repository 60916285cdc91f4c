using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Copies of the files of a running store, made in the documented order or in another one.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly TestDirectory directory = new();
    private readonly TestDirectory copy = new();

    public void Dispose()
    {
        directory.Dispose();
        copy.Dispose();
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
            await StoreCopy.CheckAsync(copy.Path, acknowledged, engine, acknowledged.Count);
        }
    }

    // Space is allocated ahead: zeros that were copied precede frames that were written and copied later.
    [Fact]
    public async Task A_copy_with_a_hole_before_its_end_is_refused_with_advice_and_opens_once_it_is_marked()
    {
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), SmallStore.Small(segmentBytes: 1 << 20));
        await SmallStore.FillAsync(engine, 10);
        var before = await SmallStore.ReadAllAsync(engine);
        StoreCopy.CopyTree(directory.Path, copy.Path);
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

        StoreCopy.CopyTree(directory.Path, copy.Path);
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
                await StoreCopy.CheckAsync(copy.Path, [], engine, 0);
            }
            catch (CorruptStorageException error)
            {
                // It ends before what was durable or indexed, or a segment was sealed while its folder was copied.
                Assert.True(
                    error.Message.Contains("whole", StringComparison.Ordinal)
                        || error.Message.Contains("ends before the place up to which it was indexed", StringComparison.Ordinal),
                    error.Message);
            }
        }
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
}

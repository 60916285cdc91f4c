using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Copies the files of a store, and checks copies.</summary>
internal static class StoreCopy
{
    /// <summary>Checks that a copy holds everything acknowledged before, is a prefix of the store, and can be written to.</summary>
    public static async Task CheckAsync(
        string copy, IReadOnlyList<Guid> acknowledged, FileSystemPersistenceEngine original, long atLeast)
    {
        using var opened = new TestDirectory();
        CopyTree(copy, opened.Path);
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

    /// <summary>Copies all files but the lock.</summary>
    public static void CopyTree(string from, string to)
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

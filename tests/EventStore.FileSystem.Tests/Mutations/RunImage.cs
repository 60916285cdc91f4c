using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>Rewrites the runs of a store with other entries, as a process could that knows the format.</summary>
internal static class RunImage
{
    /// <summary>Changes the entries of all runs.</summary>
    /// <param name="disk">The store.</param>
    /// <param name="change">Returns what takes the place of an entry.</param>
    /// <returns>How many entries were changed.</returns>
    public static int Change(MemoryDisk disk, Func<byte[], byte[], (byte[] Key, byte[] Value)> change)
    {
        var storeId = StoreIdentityFile.Read(disk).Id;
        var changed = 0;
        foreach (var path in disk.Paths.Where(path => path.EndsWith(".run", StringComparison.Ordinal)).ToArray())
        {
            var foot = FootOf(disk, path);
            var entries = ReadAll(disk, storeId, foot);
            var writer = new RunWriter(disk, Format.SeedOf(storeId), foot.Id, entries.Count);
            foreach (var (key, value) in entries)
            {
                var (newKey, newValue) = change(key, value);
                if (!newKey.SequenceEqual(key) || !newValue.SequenceEqual(value)) changed++;
                writer.Add(newKey, newValue);
            }

            writer.Finish(foot.Id, foot.From, foot.To);
        }

        return changed;
    }

    /// <summary>The entries of all runs.</summary>
    public static IReadOnlyList<(byte[] Key, byte[] Value)> ReadAll(MemoryDisk disk) =>
    [
        .. disk.Paths.Where(path => path.EndsWith(".run", StringComparison.Ordinal))
            .SelectMany(path => ReadAll(disk, StoreIdentityFile.Read(disk).Id, FootOf(disk, path))),
    ];

    private static List<(byte[] Key, byte[] Value)> ReadAll(MemoryDisk disk, Guid storeId, in RunFoot foot)
    {
        var run = new RunFolder(disk, storeId).Open(new RunEntry(foot.Id, 0, foot.From, foot.To));
        var cursor = run.OpenCursor();
        var entries = new List<(byte[], byte[])>();
        for (var isThere = cursor.Seek([]); isThere; isThere = cursor.Next()) entries.Add((cursor.Key.ToArray(), cursor.Value.ToArray()));
        return entries;
    }

    private static RunFoot FootOf(MemoryDisk disk, string path)
    {
        var bytes = disk.Read(path);
        return RunFormat.ReadFoot(bytes.AsSpan(^RunFormat.BlockLength..), bytes.Length / RunFormat.BlockLength)!.Value;
    }
}

using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>Keeps the newest two checkpoints, so that one is always whole.</summary>
internal static class CheckpointFile
{
    private const string Prefix = "checkpoint-";
    private const string Suffix = ".esfs";
    private const int MostBytes = 1 << 20; // of thousands of runs

    public static void Write(IDisk disk, Guid storeId, StoreCheckpoint checkpoint)
    {
        var bytes = CheckpointFormat.Encode(storeId, checkpoint);
        var temporary = Prefix + "new.tmp";
        using (var file = disk.Create(temporary))
        {
            file.Write(bytes, 0);
            file.Sync();
        }

        disk.Rename(temporary, PathOf(checkpoint.Generation));
        disk.SyncFolder("");
        foreach (var older in Before(disk, checkpoint.Generation - 1)) disk.TryDelete(older); // no longer read once a newer one is there
    }

    /// <summary>Removes the checkpoints before one.</summary>
    public static void DeleteBefore(IDisk disk, long generation)
    {
        foreach (var older in Before(disk, generation)) disk.Delete(older);
    }

    /// <summary>All checkpoints that are whole, newest first.</summary>
    public static IReadOnlyList<StoreCheckpoint> ReadAll(IDisk disk, Guid storeId, out long highestGeneration)
    {
        var found = new List<StoreCheckpoint>();
        highestGeneration = 0;
        foreach (var generation in Generations(disk))
        {
            highestGeneration = Math.Max(highestGeneration, generation);
            using var file = disk.Open(PathOf(generation), forWriting: false);
            if (file.Length > MostBytes) continue;
            var bytes = new byte[file.Length];
            file.Read(bytes, 0);
            if (CheckpointFormat.Decode(bytes, storeId) is { } checkpoint && checkpoint.Generation == generation) found.Add(checkpoint);
        }

        return [.. found.OrderByDescending(checkpoint => checkpoint.Generation)];
    }

    public static string PathOf(long generation) => Prefix + generation.ToString("D10", CultureInfo.InvariantCulture) + Suffix;

    private static string[] Before(IDisk disk, long generation) => [.. Generations(disk).Where(older => older < generation).Select(PathOf)];

    private static IEnumerable<long> Generations(IDisk disk) => disk.List("")
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal))
        .Select(
            name =>
                long.TryParse(
                    name.AsSpan(Prefix.Length, name.Length - Prefix.Length - Suffix.Length), NumberStyles.None,
                    CultureInfo.InvariantCulture, out var number)
                    ? number
                    : 0)
        .Where(CheckpointFormat.IsGeneration);
}

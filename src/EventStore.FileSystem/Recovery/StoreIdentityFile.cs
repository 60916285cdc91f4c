using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Recovery;

/// <summary>The file that holds the identity of a store. Written once and never changed.</summary>
internal static class StoreIdentityFile
{
    public const string FileName = LogSegments.IdentityFileName;

    /// <summary>Reads the store's identity, or creates a store where there is none.</summary>
    /// <exception cref="CorruptStorageException">The file is damaged, or missing although there is a log.</exception>
    /// <exception cref="StorageFormatException">It is of an unknown format.</exception>
    public static StoreIdentity ReadOrCreate(IDisk disk, Func<Guid> newId, TimeProvider time)
    {
        if (disk.Exists(FileName)) return Read(disk);
        if (disk.List(LogSegments.Folder).Any(name => name.EndsWith(".seg", StringComparison.Ordinal)))
            throw Damage(disk, "the file is missing, but there is a log beside it.");
        var made = new StoreIdentity(newId(), time.GetUtcNow().UtcTicks, StoreFeatures.None);
        Write(disk, made);
        return made;
    }

    /// <summary>Reads the store's identity.</summary>
    /// <exception cref="CorruptStorageException">The file is damaged.</exception>
    /// <exception cref="StorageFormatException">It is of an unknown format.</exception>
    public static StoreIdentity Read(IDisk disk)
    {
        using var file = disk.Open(FileName, forWriting: false);
        var bytes = new byte[Format.IdentityLength];
        if (file.Length != bytes.Length) throw Damage(disk, "the file has another length than every such file.");
        file.Read(bytes, 0);
        var identity = Format.ReadIdentity(bytes, $"{disk.Root}/{FileName}", out var problem);
        return problem is null ? identity! : throw Damage(disk, problem);
    }

    public static void Write(IDisk disk, StoreIdentity identity)
    {
        var bytes = new byte[Format.IdentityLength];
        Format.WriteIdentity(bytes, identity);
        using (var file = disk.Create(FileName + ".tmp"))
        {
            file.Write(bytes, 0);
            file.Sync();
        }

        disk.Rename(FileName + ".tmp", FileName);
        disk.SyncFolder("");
    }

    private static CorruptStorageException Damage(IDisk disk, string problem) => new(
        $"{disk.Root}/{FileName}", problem,
        "Copy the file from a backup of this store, it never changes; or repair the store into a new directory "
        + "with FileSystemStore.RepairAsync.");
}

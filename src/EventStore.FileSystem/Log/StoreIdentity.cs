using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>The file that makes a folder a store. Written once; its id goes into the checksum of every frame.</summary>
internal static class StoreIdentity
{
    public const string FileName = "store.esfs";

    /// <summary>Reads the store's id, or makes a new store where there is none.</summary>
    /// <exception cref="CorruptStorageException">The file is damaged, or missing although there is a log.</exception>
    /// <exception cref="StorageFormatException">It is of an unknown format.</exception>
    public static Guid ReadOrCreate(IDisk disk, TimeProvider time)
    {
        if (!disk.Exists(FileName))
        {
            if (disk.List(Segments.Folder).Any(name => name.EndsWith(".seg", StringComparison.Ordinal)))
                throw Damage(disk, "the file is missing, but there is a log beside it.");
            return Create(disk, time);
        }

        using var file = disk.Open(FileName, forWriting: false);
        var bytes = new byte[Format.IdentityLength];
        if (file.Length != bytes.Length) throw Damage(disk, "the file has another length than every such file.");
        file.Read(bytes, 0);
        var id = Format.ReadIdentity(bytes, out var problem);
        if (problem is not null) throw Damage(disk, problem);
        Format.RequireKnown(bytes, $"{disk.Root}/{FileName}");
        return id;
    }

    private static Guid Create(IDisk disk, TimeProvider time)
    {
        var id = Guid.NewGuid();
        var bytes = new byte[Format.IdentityLength];
        Format.WriteIdentity(bytes, id, time.GetUtcNow().UtcTicks);
        using (var file = disk.Create(FileName + ".tmp"))
        {
            file.Write(bytes, 0);
            file.Sync();
        }

        disk.Rename(FileName + ".tmp", FileName);
        disk.SyncFolder("");
        return id;
    }

    private static CorruptStorageException Damage(IDisk disk, string problem) => new(
        $"{disk.Root}/{FileName}", problem, "Copy the file from a backup of this very store; it never changes.");
}

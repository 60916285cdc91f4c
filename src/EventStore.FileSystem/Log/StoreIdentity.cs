using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>What a reader of a store must know to read it.</summary>
[Flags]
internal enum StoreFeatures : uint
{
    None = 0,

    /// <summary>Parts of the log were damaged and are left out: streams may have holes.</summary>
    HasLosses = 1,
}

/// <summary>The file that makes a folder a store. Written once; its id goes into the checksum of every frame.</summary>
/// <param name="Id">The store's id.</param>
/// <param name="CreatedTicks">When it was made.</param>
/// <param name="Features">What a reader must know.</param>
internal sealed record StoreIdentity(Guid Id, long CreatedTicks, StoreFeatures Features)
{
    public const string FileName = "store.esfs";

    /// <summary>Reads the store's identity, or makes a new store where there is none.</summary>
    /// <exception cref="CorruptStorageException">The file is damaged, or missing although there is a log.</exception>
    /// <exception cref="StorageFormatException">It is of an unknown format.</exception>
    public static StoreIdentity ReadOrCreate(IDisk disk, Func<Guid> newId, TimeProvider time)
    {
        if (disk.Exists(FileName)) return Read(disk);
        if (disk.List(Segments.Folder).Any(name => name.EndsWith(".seg", StringComparison.Ordinal)))
            throw Damage(disk, "the file is missing, but there is a log beside it.");
        var made = new StoreIdentity(newId(), time.GetUtcNow().UtcTicks, StoreFeatures.None);
        made.WriteTo(disk);
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

    public void WriteTo(IDisk disk)
    {
        var bytes = new byte[Format.IdentityLength];
        Format.WriteIdentity(bytes, this);
        using (var file = disk.Create(FileName + ".tmp"))
        {
            file.Write(bytes, 0);
            file.Sync();
        }

        disk.Rename(FileName + ".tmp", FileName);
        disk.SyncFolder("");
    }

    private static CorruptStorageException Damage(IDisk disk, string problem) => new(
        $"{disk.Root}/{FileName}", problem, "Copy the file from a backup of this very store, it never changes; or have it made anew in a new directory by FileSystemStore.RepairAsync.");
}

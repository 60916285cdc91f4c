using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Log;

/// <summary>What a caller gets when the log could not be written.</summary>
internal static class LogErrors
{
    /// <summary>The disk failed, so that nothing is written any more.</summary>
    public static BatchOutcomeUnknownException Broken(string root, IOException error) => new(
        $"Writing to the store at '{root}' failed: {error.Message} It takes no more writes until it is opened again.", error);

    /// <summary>Space or file handles are missing. Nothing was stored, and the log goes on.</summary>
    public static StorageUnavailableException Short(string root, DiskShortageException error) => new(
        $"The store at '{root}' could not be written: {error.Message} Nothing was stored. {error.Advice}; the store needs no reopening.",
        error);

    /// <summary>What failed earlier keeps the log from being written.</summary>
    public static StorageException Faulted(string root, Exception why) => why is StorageReplacedException replaced
        ? new StorageReplacedException(root, replaced.Found)
        : new StorageException(
            $"The store at '{root}' takes no more writes, because writing or flushing failed earlier: "
            + $"{why.Message} Nothing was stored. Dispose it and open it again; opening settles what is on the disk.",
            why);

    /// <summary>What was written went into files that are no longer those of the store.</summary>
    public static BatchOutcomeUnknownException WrittenElsewhere(string root, StorageReplacedException error) => new(
        $"What was written to the store at '{root}' went into files that are no longer there.", error);
}

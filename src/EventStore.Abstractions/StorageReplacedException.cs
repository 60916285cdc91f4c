namespace EventStore;

/// <summary>
/// The storage under an open store is no longer the one that was opened: it was removed, renamed, replaced, or set back. Nothing was
/// skipped and nothing more is acknowledged. The store has to be opened again.
/// </summary>
public sealed class StorageReplacedException : StorageException
{
    /// <summary>Creates the exception with the place of the storage and what was found there.</summary>
    public StorageReplacedException(string place, string found)
        : base(
            $"The storage at '{place}' is not the one that was opened: {found} "
            + "Find out what happened to it, dispose this store, and open it again.") => (Place, Found) = (place, found);

    /// <summary>The place: a folder, an address.</summary>
    public string Place { get; }

    /// <summary>What was found there.</summary>
    public string Found { get; }
}

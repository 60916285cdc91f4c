namespace EventStore.Engines;

/// <summary>
/// What an engine has seen of its storage. Notices storage that was set back to an older state: it has less than was seen (G14). From then
/// on every call fails, because readers may have handled what is gone. May be used by many threads at once.
/// </summary>
/// <param name="address">The place of the storage, for the exception; without secrets.</param>
public sealed class StorageHistory(string address)
{
    private readonly NewestCheckpoint newest = new();
    private volatile string? replaced;

    /// <summary>The newest checkpoint seen. Take it before a request is sent; pass it to <see cref="Observe"/> with the reply.</summary>
    public Checkpoint Newest => newest.Value;

    /// <summary>Records a checkpoint that was acknowledged or read.</summary>
    public void Raise(Checkpoint seen) => newest.Raise(seen);

    /// <summary>Throws if the storage was found replaced.</summary>
    /// <exception cref="StorageReplacedException">It was.</exception>
    public void RequireIntact()
    {
        if (replaced is { } found) throw new StorageReplacedException(address, found);
    }

    /// <summary>Compares the newest checkpoint of the storage with what was seen before it was asked for.</summary>
    /// <param name="found">The newest checkpoint ever visible in the storage, as a reply has it; removed ones included.</param>
    /// <param name="known"><see cref="Newest"/>, taken before the request was sent.</param>
    /// <exception cref="StorageReplacedException">The storage has less than was seen.</exception>
    public void Observe(Checkpoint found, Checkpoint known)
    {
        if (found < known)
            throw Replace(
                $"it went back from checkpoint {known} to {found}. "
                + "Its server lost what it had acknowledged, or an older state was restored. "
                + "Consumers may have handled events that are gone.");
        newest.Raise(found);
    }

    /// <summary>Records that the storage is not the one that was opened. Returns the exception to throw.</summary>
    /// <param name="found">What was found, as a sentence.</param>
    public StorageReplacedException Replace(string found)
    {
        replaced ??= found;
        return new StorageReplacedException(address, replaced);
    }
}

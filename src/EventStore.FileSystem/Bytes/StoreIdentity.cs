namespace EventStore.FileSystem.Bytes;

/// <summary>What a reader of a store must know to read it.</summary>
[Flags]
internal enum StoreFeatures : uint
{
    None = 0,

    /// <summary>Parts of the log were damaged and are left out: streams may have holes.</summary>
    HasLosses = 1,
}

/// <summary>What makes a folder a store. Written once; the id goes into the checksum of every frame.</summary>
/// <param name="Id">The store's id.</param>
/// <param name="CreatedTicks">The time of creation, in ticks.</param>
/// <param name="Features">What a reader must know.</param>
internal sealed record StoreIdentity(Guid Id, long CreatedTicks, StoreFeatures Features);

namespace EventStore.Serialization;

/// <summary>The payloads that are read although they are not encrypted.</summary>
/// <param name="Until">Events up to this checkpoint.</param>
/// <param name="Types">Events, snapshots and states of these type names.</param>
internal sealed record AcceptedPlaintext(Checkpoint Until, IReadOnlySet<string> Types);

/// <summary>What a store requires of the payloads that it reads.</summary>
/// <param name="StoreId">The identity of the store, to which payloads are bound; empty where no transform needs it.</param>
/// <param name="RequiresEncryption">Whether a payload without encryption is refused.</param>
/// <param name="Plaintext">The payloads that may be without encryption nevertheless.</param>
internal sealed record PayloadProtection(Guid StoreId, bool RequiresEncryption, AcceptedPlaintext? Plaintext)
{
    /// <summary>Whether a payload may be without encryption.</summary>
    /// <param name="type">The type name of its event or state.</param>
    /// <param name="checkpoint">The checkpoint of its event; the origin for a state.</param>
    public bool AcceptsPlaintext(string type, Checkpoint checkpoint) =>
        !RequiresEncryption
        || (Plaintext is { } accepted
            && ((checkpoint != Checkpoint.Origin && checkpoint <= accepted.Until) || accepted.Types.Contains(type)));
}

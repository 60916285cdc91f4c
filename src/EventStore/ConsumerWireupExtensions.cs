using EventStore.Composition;

namespace EventStore;

/// <summary>The wireup methods of reading: read-only stores, the storage of consumers, and the signature of read streams.</summary>
public static class ConsumerWireupExtensions
{
    /// <summary>Opens the store for reading only, while another process writes it. New events of that process are visible.</summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="waitForStorage">
    /// How long to wait for a storage that does not exist yet; null to fail at once with <see cref="StorageNotFoundException"/>.
    /// </param>
    /// <exception cref="InvalidOptionException">The time is negative.</exception>
    public static Wireup OpenReadOnly(this Wireup wireup, TimeSpan? waitForStorage = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        OptionRules.RequireOf(
            nameof(OpenReadOnly), waitForStorage is null || waitForStorage >= TimeSpan.Zero, waitForStorage, "0 or longer");
        return wireup.Choose(nameof(OpenReadOnly), new ReadOnlyChoice(waitForStorage ?? TimeSpan.Zero));
    }

    /// <summary>
    /// Keeps consumers and read streams in their own storage, not beside the events. A store for reading only needs this. The storage is
    /// created if it is missing, and closed with the store.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="address">
    /// A scheme, a colon, and what the backend needs, such as <c>file:./projections</c>. <c>memory:</c> is always known.
    /// </param>
    /// <param name="engines">Adds the backends that may be selected.</param>
    /// <exception cref="WireupException">
    /// A storage of consumers was chosen before. A wrong address throws when the store is built.
    /// </exception>
    public static Wireup KeepConsumersIn(this Wireup wireup, string address, Action<EngineCatalogue> engines)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(engines);
        var catalogue = new EngineCatalogue();
        engines(catalogue);
        catalogue.AddInMemoryIfMissing();
        return wireup.Choose(
            nameof(KeepConsumersIn), new ConsumerStorageChoice(context => catalogue.Create(address, context), IsOwned: true));
    }

    /// <summary>
    /// Keeps consumers and read streams in a given engine, which is initialized. It stays open when the store is disposed.
    /// </summary>
    public static Wireup KeepConsumersIn(this Wireup wireup, IPersistenceEngine engine)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(engine);
        return wireup.Choose(nameof(KeepConsumersIn), new ConsumerStorageChoice(_ => engine, IsOwned: false));
    }

    /// <summary>
    /// Signs the definitions and links of read streams, and the continuation tokens of queries, with HMAC-SHA256. What was changed is
    /// refused.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="key">At least 16 bytes; copied. Use the same key in every process that uses the read streams.</param>
    /// <exception cref="WireupException">The key is too short.</exception>
    public static Wireup SignReadStreamsWith(this Wireup wireup, ReadOnlySpan<byte> key)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        if (key.Length < 16)
            throw new WireupException(
                $"A signing key has at least 16 bytes, but this one has {key.Length}. Make one with RandomNumberGenerator.GetBytes(32).");
        return wireup.Choose(nameof(SignReadStreamsWith), new SigningChoice(key.ToArray()));
    }

    /// <summary>
    /// Leaves read streams unsigned: a filter that was changed in the storage is not noticed. Without this method or
    /// <see cref="SignReadStreamsWith"/>, read streams are refused.
    /// </summary>
    public static Wireup LeaveReadStreamsUnsigned(this Wireup wireup)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        return wireup.Choose(nameof(LeaveReadStreamsUnsigned), new SigningChoice(default));
    }
}

namespace EventStore.Leases;

/// <summary>Recognizes failures of the storage that may pass.</summary>
internal static class Outage
{
    /// <summary>Whether the storage was unavailable, or did not report an outcome. A later try may succeed.</summary>
    public static bool Explains(Exception error) => error is StorageUnavailableException or BatchOutcomeUnknownException;
}

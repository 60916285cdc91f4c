namespace EventStore.Conformance;

/// <summary>
/// A backend whose storage can be set back to an older state while engines are open, as a restored backup does. Optional: without it, the
/// facts on storage that was set back are skipped.
/// </summary>
public interface IRestorableBackend : IBackend
{
    /// <summary>Keeps the present state of the storage.</summary>
    ValueTask BackupAsync();

    /// <summary>Sets the storage back to the state that was kept. Engines stay open.</summary>
    ValueTask RestoreAsync();
}

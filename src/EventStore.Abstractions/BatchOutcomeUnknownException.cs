namespace EventStore.Engines;

/// <summary>
/// Thrown by an engine when it sent a batch and its outcome is unknown. The pipeline sends the batch again; commit ids make that safe.
/// </summary>
public sealed class BatchOutcomeUnknownException : StorageException
{
    /// <summary>Creates the exception with the reason why the outcome is unknown.</summary>
    public BatchOutcomeUnknownException(string why, Exception? inner = null) : base(why, inner)
    {
    }
}

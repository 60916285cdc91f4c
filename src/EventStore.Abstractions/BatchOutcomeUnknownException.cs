namespace EventStore.Engines;

/// <summary>Thrown by an engine when it sent a batch and cannot tell what became of it. The pipeline settles it by commit id.</summary>
public sealed class BatchOutcomeUnknownException : StorageException
{
    /// <summary>Says why the outcome is unknown.</summary>
    public BatchOutcomeUnknownException(string why, Exception? inner = null) : base(why, inner)
    {
    }
}

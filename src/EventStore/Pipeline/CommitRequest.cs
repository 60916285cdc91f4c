namespace EventStore.Pipeline;

/// <summary>A commit as the application asks for it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="CommitId">The commit's id.</param>
/// <param name="Events">The events as the application passed them, for the hooks.</param>
internal readonly record struct CommitRequest(StreamId Stream, Guid CommitId, IReadOnlyList<EventMessage> Events)
{
    /// <summary>What is expected of the stream.</summary>
    public StreamExpectation Expected { get; init; } = StreamExpectation.Any;

    /// <summary>What must not be stored yet; null for no condition.</summary>
    public AppendCondition? Condition { get; init; }

    /// <summary>The commit's headers; null for none. Copied where hooks may add to them.</summary>
    public IEnumerable<KeyValuePair<string, string>>? Headers { get; init; }
}

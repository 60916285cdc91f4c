namespace EventStore.Engines;

/// <summary>What an engine knows of a stream when it decides or reads. The default value means that there is no stream.</summary>
/// <param name="Incarnation">The checkpoint of its first event, kept when that event is removed; 0 for no stream.</param>
/// <param name="Revision">Its revision; 0 for no stream.</param>
/// <param name="FirstRevision">The first revision that is not truncated; one above the revision where all are; 0 for no stream.</param>
/// <param name="IsSealed">Whether it refuses commits.</param>
public readonly record struct StreamState(Checkpoint Incarnation, Revision Revision, Revision FirstRevision, bool IsSealed)
{
    /// <summary>Whether there is a stream.</summary>
    public bool Exists => Incarnation != Checkpoint.Origin;

    /// <summary>The state that a head shows; default for no head.</summary>
    public static StreamState Of(StreamHead? head) =>
        head is null ? default : new(head.Incarnation, head.Revision, head.FirstRevision, head.IsSealed);
}

/// <summary>What a change expects of its stream.</summary>
/// <param name="Revision">The expected revision.</param>
/// <param name="Incarnation">The expected incarnation; 0 for any.</param>
public readonly record struct StreamExpectation(ExpectedRevision Revision, Checkpoint Incarnation = default)
{
    /// <summary>Expects nothing.</summary>
    public static StreamExpectation Any => new(ExpectedRevision.Any);

    /// <summary>A revision is expected, of any incarnation.</summary>
    public static implicit operator StreamExpectation(ExpectedRevision revision) => new(revision);

    /// <summary>A revision is expected exactly, of any incarnation.</summary>
    public static implicit operator StreamExpectation(Revision revision) => new(revision);

    /// <summary>Whether a stream meets the expectation.</summary>
    public bool IsMetBy(StreamState state) =>
        Revision.IsMetBy(state.Revision) && (Incarnation == Checkpoint.Origin || Incarnation == state.Incarnation);
}

/// <summary>The kind of the outcome of a change to a stream.</summary>
public enum StreamChangeKind
{
    /// <summary>The stream was changed.</summary>
    Changed,

    /// <summary>The stream was as asked already. Nothing was changed.</summary>
    Unchanged,

    /// <summary>There is no stream.</summary>
    Missing,

    /// <summary>The stream is not as expected. Nothing was changed.</summary>
    Conflict,
}

/// <summary>The outcome of a truncation, a seal or a deletion.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="State">The stream after it; for a deletion as it was before.</param>
/// <exception cref="ArgumentOutOfRangeException">The kind is none of those that exist.</exception>
public readonly record struct StreamChange(StreamChangeKind Kind, StreamState State)
{
    /// <summary>What happened.</summary>
    public StreamChangeKind Kind { get; } = OptionRules.RequireDefined(Kind, nameof(Kind));
}

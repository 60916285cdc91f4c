namespace EventStore.Engines;

/// <summary>What an engine is and what it promises, said truthfully, with the findings of its opening.</summary>
/// <param name="Name">The kind of backend, such as "in-memory".</param>
/// <param name="Address">Where its storage is, without secrets.</param>
/// <param name="Durability">What an acknowledged commit survives.</param>
/// <param name="Limits">How large things may be.</param>
/// <param name="Capabilities">What it can do beyond what every engine can.</param>
public sealed record EngineDescription(
    string Name,
    string Address,
    EngineDurability Durability,
    EngineLimits Limits,
    EngineCapabilities Capabilities)
{
    /// <summary>What opening found worth telling an operator, such as a torn end that was cut off; empty when nothing was.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];
}

/// <summary>What an acknowledged commit survives.</summary>
/// <param name="Level">In one word.</param>
/// <param name="Basis">The settings it rests on, as they were found.</param>
/// <param name="Warnings">What weakens it; empty when nothing does.</param>
public sealed record EngineDurability(Durability Level, string Basis, IReadOnlyList<string> Warnings);

/// <summary>What an engine can do beyond what every engine can.</summary>
[Flags]
public enum EngineCapabilities
{
    /// <summary>Nothing beyond.</summary>
    None = 0,

    /// <summary>What was stored is there when the storage is opened again.</summary>
    Reopens = 1,

    /// <summary>Several engines may write to one storage at once, from several processes.</summary>
    SharedWriting = 2,

    /// <summary>A commit of another process wakes those who wait here.</summary>
    WakesAcrossProcesses = 4,

    /// <summary>Others may open the storage for reading only while it is written, from other processes, and see what is acknowledged.</summary>
    SharedReading = 8,
}

/// <summary>How large things may be. What is larger is refused before anything is written.</summary>
/// <param name="MaxEventsPerCommit">Most events of one commit.</param>
/// <param name="MaxCommitBytes">Most bytes of all bodies and headers of one commit.</param>
/// <param name="MaxSnapshotBytes">Most bytes of one snapshot.</param>
/// <param name="MaxDocumentBytes">Most bytes of one named document.</param>
/// <param name="MaxBatchAttempts">Most attempts the pipeline hands over at once. A wish, not a limit: an engine takes any number.</param>
public sealed record EngineLimits(int MaxEventsPerCommit, long MaxCommitBytes, long MaxSnapshotBytes, long MaxDocumentBytes, int MaxBatchAttempts)
{
    /// <summary>Refuses an attempt that is too large, so that every engine refuses with the same words.</summary>
    /// <exception cref="TooLargeException">It has too many events or bytes.</exception>
    public void Require(CommitAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        if (attempt.Events.Count > MaxEventsPerCommit) throw new TooLargeException("commit", attempt.Events.Count, MaxEventsPerCommit, "events");
        if (attempt.SizeBytes > MaxCommitBytes) throw new TooLargeException("commit", attempt.SizeBytes, MaxCommitBytes, "bytes");
    }

    /// <summary>Refuses a snapshot that is too large, or whose revision or schema version no snapshot has.</summary>
    /// <exception cref="TooLargeException">It has too many bytes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Its revision is 0 or its schema version negative.</exception>
    public void Require(SnapshotRecord snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentOutOfRangeException.ThrowIfLessThan(snapshot.Revision.Value, 1, nameof(snapshot));
        ArgumentOutOfRangeException.ThrowIfNegative(snapshot.SchemaVersion, nameof(snapshot));
        Names.Require(snapshot.StateType, nameof(snapshot), EventRecord.MaxTypeBytes);
        if (snapshot.Payload.Length > MaxSnapshotBytes) throw new TooLargeException("snapshot", snapshot.Payload.Length, MaxSnapshotBytes, "bytes");
    }

    /// <summary>Refuses a document that is too large or ill named.</summary>
    /// <exception cref="TooLargeException">It has too many bytes.</exception>
    /// <exception cref="InvalidNameException">Its name is empty, too long or ill-formed.</exception>
    public void RequireDocument(string name, ReadOnlyMemory<byte> content)
    {
        NamedDocument.RequireName(name);
        if (content.Length > MaxDocumentBytes) throw new TooLargeException("document", content.Length, MaxDocumentBytes, "bytes");
    }
}

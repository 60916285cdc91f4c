namespace EventStore.Engines;

/// <summary>What an engine is and promises, with the findings of its opening.</summary>
/// <param name="Name">The kind of backend, such as "in-memory".</param>
/// <param name="Address">Where its storage is, without secrets.</param>
/// <param name="Durability">What an acknowledged commit survives.</param>
/// <param name="Limits">Its limits.</param>
/// <param name="Capabilities">Its optional capabilities.</param>
public sealed record EngineDescription(
    string Name,
    string Address,
    EngineDurability Durability,
    EngineLimits Limits,
    EngineCapabilities Capabilities)
{
    /// <summary>What an operator should know about the opening, such as a torn end that was cut off; empty if nothing.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>How CommitAsync uses the calling thread. Default: <see cref="CommitThreading.Asynchronous"/>.</summary>
    public CommitThreading CommitThreading { get; init; }
}

/// <summary>How CommitAsync uses the calling thread. The pipeline chooses by it which thread sends batches.</summary>
public enum CommitThreading
{
    /// <summary>It returns while the storage works, or has nothing to wait for. The thread pool sends batches.</summary>
    Asynchronous = 0,

    /// <summary>
    /// It completes on the calling thread, and waits for no disk. A single caller commits on its own thread; where several wait, a thread
    /// of the store sends their batches.
    /// </summary>
    OnCaller = 1,

    /// <summary>
    /// It blocks the calling thread until the storage is done, such as for a flush. A thread of the store sends all batches.
    /// </summary>
    Blocking = 2,
}

/// <summary>What an acknowledged commit survives.</summary>
/// <param name="Level">The level.</param>
/// <param name="Basis">The settings on which it depends, as they were found.</param>
/// <param name="Warnings">What weakens it; empty if nothing.</param>
public sealed record EngineDurability(Durability Level, string Basis, IReadOnlyList<string> Warnings);

/// <summary>Optional capabilities of an engine.</summary>
[Flags]
public enum EngineCapabilities
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Stored data exists when the storage is opened again.</summary>
    Reopens = 1,

    /// <summary>Several engines may write to one storage at once, from several processes.</summary>
    SharedWriting = 2,

    /// <summary>A commit of another process ends the waits for commits in this one.</summary>
    WakesAcrossProcesses = 4,

    /// <summary>Other processes may open the storage for reading only while it is written, and read what is acknowledged.</summary>
    SharedReading = 8,
}

/// <summary>The limits of an engine. What exceeds them is refused before anything is written.</summary>
/// <param name="MaxEventsPerCommit">The highest number of events of one commit or unit.</param>
/// <param name="MaxCommitBytes">The highest number of bytes of all bodies, headers and tags of one commit or unit.</param>
/// <param name="MaxSnapshotBytes">The highest number of bytes of one snapshot.</param>
/// <param name="MaxDocumentBytes">The highest number of bytes of one named document.</param>
/// <param name="MaxBatchAttempts">How many attempts the pipeline sends at once at most. Not a limit: an engine accepts any number.</param>
public sealed record EngineLimits(
    int MaxEventsPerCommit, long MaxCommitBytes, long MaxSnapshotBytes, long MaxDocumentBytes, int MaxBatchAttempts)
{
    /// <summary>Throws if an attempt is too large.</summary>
    /// <exception cref="TooLargeException">The attempt has too many events or bytes.</exception>
    public void Require(CommitAttempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        if (attempt.EventCount > MaxEventsPerCommit)
            throw new TooLargeException("commit", attempt.EventCount, MaxEventsPerCommit, "events");
        if (attempt.SizeBytes > MaxCommitBytes) throw new TooLargeException("commit", attempt.SizeBytes, MaxCommitBytes, "bytes");
    }

    /// <summary>Throws if a snapshot is too large, or its revision or schema version is invalid.</summary>
    /// <exception cref="TooLargeException">It has too many bytes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Its revision is 0 or its schema version negative.</exception>
    public void Require(SnapshotRecord snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentOutOfRangeException.ThrowIfLessThan(snapshot.Revision.Value, 1, nameof(snapshot));
        ArgumentOutOfRangeException.ThrowIfNegative(snapshot.SchemaVersion, nameof(snapshot));
        Names.Require(snapshot.StateType, nameof(snapshot), EventRecord.MaxTypeBytes);
        if (snapshot.Payload.Length > MaxSnapshotBytes)
            throw new TooLargeException("snapshot", snapshot.Payload.Length, MaxSnapshotBytes, "bytes");
    }

    /// <summary>Throws if a document is too large or its name is invalid.</summary>
    /// <exception cref="TooLargeException">It has too many bytes.</exception>
    /// <exception cref="InvalidNameException">Its name is empty, too long or ill-formed.</exception>
    public void RequireDocument(string name, ReadOnlyMemory<byte> content)
    {
        NamedDocument.RequireName(name);
        if (content.Length > MaxDocumentBytes) throw new TooLargeException("document", content.Length, MaxDocumentBytes, "bytes");
    }
}

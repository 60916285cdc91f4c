namespace EventStore.Imports;

/// <summary>An attempt of a batch, and where it comes from.</summary>
/// <param name="Attempt">The attempt.</param>
/// <param name="Source">The commits of which it was made; empty for a filler.</param>
/// <param name="FirstCheckpoint">The checkpoint that it must get; the origin for any.</param>
/// <param name="Truncates">Whether its events are truncated when they are stored.</param>
internal sealed record ImportEntry(
    CommitAttempt Attempt, IReadOnlyList<ImportCommit> Source, Checkpoint FirstCheckpoint, bool Truncates = false);

/// <summary>The attempts that are sent to the engine together.</summary>
/// <param name="limits">The limits of the engine.</param>
internal sealed class ImportBatch(EngineLimits limits)
{
    private const long MaxBytes = 8 << 20;
    private const int MaxEvents = 20_000;
    private readonly List<ImportEntry> entries = [];
    private long bytes;
    private int events;

    public IReadOnlyList<ImportEntry> Entries => entries;

    public bool IsEmpty => entries.Count == 0;

    /// <summary>Whether the batch must be sent before an attempt is added.</summary>
    public bool IsFullFor(CommitAttempt attempt) => entries.Count > 0
        && (entries.Count >= limits.MaxBatchAttempts || bytes + attempt.SizeBytes > MaxBytes || events + attempt.EventCount > MaxEvents);

    public void Add(ImportEntry entry)
    {
        entries.Add(entry);
        bytes += entry.Attempt.SizeBytes;
        events += entry.Attempt.EventCount;
    }

    public void Clear()
    {
        entries.Clear();
        (bytes, events) = (0, 0);
    }
}

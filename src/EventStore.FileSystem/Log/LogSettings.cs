namespace EventStore.FileSystem.Log;

/// <summary>When written bytes are brought to the medium, and how large segments become.</summary>
/// <param name="SyncsEachBatch">Whether a batch is flushed before it counts as written.</param>
/// <param name="SegmentSizeBytes">The length from which on a segment is sealed before the next batch.</param>
internal sealed record LogSettings(bool SyncsEachBatch, long SegmentSizeBytes)
{
    /// <summary>After which time at the latest other processes are told how far the log may be read; null for with every batch.</summary>
    public TimeSpan? LiveDelay { get; init; }

    /// <summary>Runs work beside the writer; in place unless said otherwise, as tests that replay one schedule have it.</summary>
    public Func<Action, Task> InBackground { get; init; } = work =>
    {
        work();
        return Task.CompletedTask;
    };
}

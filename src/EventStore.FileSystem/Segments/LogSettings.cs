namespace EventStore.FileSystem.Segments;

/// <summary>When written bytes are brought to the medium, and how large segments become.</summary>
/// <param name="SyncsEachBatch">Whether a batch is flushed before it counts as written.</param>
/// <param name="SegmentSizeBytes">The length from which on a segment is sealed before the next batch.</param>
internal sealed record LogSettings(bool SyncsEachBatch, long SegmentSizeBytes)
{
    /// <summary>After which time at the latest other processes are told how far the log may be read; null for with every batch.</summary>
    public TimeSpan? LiveDelay { get; init; }

    /// <summary>Runs work beside the writer: the log's, the index's and packing. In place unless said otherwise, as tests that replay one schedule have it.</summary>
    public Func<Action, Task> InBackground { get; init; } = InPlace;

    /// <summary>How often the log is flushed beside the writer; null for never. Only for a log whose batches are not flushed.</summary>
    public TimeSpan? FlushInterval { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Runs work at once, where it is asked for.</summary>
    public static Task InPlace(Action work)
    {
        work();
        return Task.CompletedTask;
    }
}

namespace EventStore.FileSystem.Segments;

/// <summary>When written bytes are flushed, and how large segments become.</summary>
/// <param name="SyncsEachBatch">Whether a batch is flushed before it counts as written.</param>
/// <param name="SegmentSizeBytes">The length at which a segment is sealed before the next batch.</param>
internal sealed record LogSettings(bool SyncsEachBatch, long SegmentSizeBytes)
{
    /// <summary>The longest time until other processes can see a batch; null to publish every batch at once.</summary>
    public TimeSpan? LiveDelay { get; init; }

    /// <summary>
    /// Runs background work of the log, the index and packing. By default it runs on the calling thread, for tests that replay one
    /// schedule.
    /// </summary>
    public Func<Action, Task> InBackground { get; init; } = InPlace;

    /// <summary>How a write waits for background work that is far behind. Tests that have one thread run the work at this point.</summary>
    public Func<Task, Task> WaitFor { get; init; } = static work => work;

    /// <summary>How often the log is flushed in the background; null for never. Only for a log whose batches are not flushed.</summary>
    public TimeSpan? FlushInterval { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Runs work on the calling thread.</summary>
    public static Task InPlace(Action work)
    {
        work();
        return Task.CompletedTask;
    }
}

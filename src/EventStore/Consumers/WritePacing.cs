namespace EventStore.Consumers;

/// <summary>
/// How often a consumer writes. Beyond 64 KiB, position and state are written so many times less often as they are larger than that. This
/// bounds the bytes written for each event. After a failure the next try comes after a pause.
/// </summary>
internal sealed class WritePacing(ConsumerOptions options, TimeProvider time)
{
    private const long FreeBytes = 64 << 10;
    private volatile int factor = 1;
    private readonly TimeSpan pause = options.CheckpointInterval < options.PollInterval ? options.CheckpointInterval : options.PollInterval;
    private volatile bool hasFailed;
    private long failedAt;
    private long writtenAt = time.GetTimestamp();

    /// <summary>After so many handled events a write is due.</summary>
    public int Events => IsPausing ? int.MaxValue : (int)Math.Min(int.MaxValue, (long)options.EventsPerCheckpoint * factor);

    /// <summary>Whether a write is due whatever was handled, as none was made for an interval, or they are not spread.</summary>
    public bool IsTime => factor == 1 || time.GetElapsedTime(Volatile.Read(ref writtenAt)) >= options.CheckpointInterval * factor;

    // A try may take long while the storage cannot be reached, and deliveries wait for it.
    private bool IsPausing => hasFailed && time.GetElapsedTime(Volatile.Read(ref failedAt)) < pause;

    public void Written(long bytes)
    {
        factor = (int)Math.Clamp((bytes + FreeBytes - 1) / FreeBytes, 1, int.MaxValue);
        Volatile.Write(ref writtenAt, time.GetTimestamp());
        hasFailed = false;
    }

    public void Failed()
    {
        Volatile.Write(ref failedAt, time.GetTimestamp());
        hasFailed = true;
    }
}

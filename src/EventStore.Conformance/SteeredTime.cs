namespace EventStore.Conformance;

/// <summary>A clock whose hands a specification moves, forward or back. Waits and monotonic time stay those of the system.</summary>
public sealed class SteeredTime : TimeProvider
{
    private long offsetTicks;

    /// <summary>Moves the hands.</summary>
    public void Move(TimeSpan by) => Interlocked.Add(ref offsetTicks, by.Ticks);

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Interlocked.Read(ref offsetTicks));
}

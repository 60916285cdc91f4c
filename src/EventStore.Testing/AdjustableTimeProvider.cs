namespace EventStore.Testing;

/// <summary>
/// A clock that specifications control. It runs with the system's time, and can be advanced: waits end as if the time had passed. The time
/// of day can be changed without that, forward or back, as an administrator does.
/// </summary>
public sealed class AdjustableTimeProvider : TimeProvider
{
    private readonly Lock gate = new();
    private readonly HashSet<SteeredTimer> timers = [];
    private long handsTicks;
    private long passedTicks;

    /// <summary>Changes the time of day. Waits and timestamps are not affected.</summary>
    public void Jump(TimeSpan by) => Interlocked.Add(ref handsTicks, by.Ticks);

    /// <summary>Advances the clock, its timestamps and its timers.</summary>
    public void Advance(TimeSpan time)
    {
        Interlocked.Add(ref passedTicks, time.Ticks);
        SteeredTimer[] waiting;
        lock (gate) waiting = [.. timers];
        foreach (var timer in waiting) timer.Bring(time);
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() =>
        System.GetUtcNow().AddTicks(Interlocked.Read(ref passedTicks) + Interlocked.Read(ref handsTicks));

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => System.GetElapsedTime(0).Ticks + Interlocked.Read(ref passedTicks);

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var made = new SteeredTimer(this, callback, state);
        made.Change(dueTime, period);
        return made;
    }

    private sealed class SteeredTimer : ITimer
    {
        private readonly Lock gate = new();
        private readonly AdjustableTimeProvider time;
        private readonly TimerCallback callback;
        private readonly ITimer timer;
        private TimeSpan due;
        private TimeSpan period;
        private long since;

        public SteeredTimer(AdjustableTimeProvider time, TimerCallback callback, object? state)
        {
            (this.time, this.callback) = (time, callback);
            timer = System.CreateTimer(Fire, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            lock (time.gate) time.timers.Add(this);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (gate)
            {
                (due, this.period, since) = (dueTime, period, System.GetTimestamp());
                return timer.Change(dueTime, Timeout.InfiniteTimeSpan);
            }
        }

        /// <summary>Shortens the wait.</summary>
        public void Bring(TimeSpan passed)
        {
            lock (gate)
            {
                if (due == Timeout.InfiniteTimeSpan) return;
                var left = due - passed - System.GetElapsedTime(since);
                Change(left > TimeSpan.Zero ? left : TimeSpan.Zero, period);
            }
        }

        public void Dispose()
        {
            lock (time.gate) time.timers.Remove(this);
            timer.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            lock (time.gate) time.timers.Remove(this);
            return timer.DisposeAsync();
        }

        private void Fire(object? state)
        {
            lock (gate)
            {
                if (due == Timeout.InfiniteTimeSpan) return; // shortened at the moment it was due
                due = Timeout.InfiniteTimeSpan;
                if (period > TimeSpan.Zero) Change(period, period);
            }

            callback(state);
        }
    }
}

namespace EventStore.Sqlite;

/// <summary>
/// Wakes callers that wait for commits: at once for commits of this engine, and for those of other processes by looking, while a caller
/// waits, whether the database changed. Looking costs no read of a table unless it did.
/// </summary>
internal sealed class SqliteWakeUp(SqliteDatabase database, TimeSpan pollInterval, TimeProvider time)
{
    private readonly CommitSignal signal = new();
    private readonly NewestCheckpoint newest = new();
    private volatile bool isOver;

    /// <summary>Records that everything up to a checkpoint can be read.</summary>
    public void Raise(Checkpoint upTo)
    {
        newest.Raise(upTo);
        signal.Raise(upTo);
    }

    /// <summary>Wakes every caller, and ends later waits at once.</summary>
    public void End()
    {
        isOver = true;
        signal.WakeAll();
    }

    /// <summary>Returns once something after the checkpoint was raised or found, or after the time.</summary>
    public async ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            Raise(await database.ReadAsync(session => session.NewestCheckpoint(), cancellationToken).ConfigureAwait(false));
            var left = atMost - time.GetElapsedTime(started);
            if (newest.Value > after || left <= TimeSpan.Zero || isOver) return;
            await signal.WaitAsync(after, left < pollInterval ? left : pollInterval, time, cancellationToken).ConfigureAwait(false);
            if (isOver) return;
        }
    }
}

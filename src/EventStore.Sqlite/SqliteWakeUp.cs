namespace EventStore.Sqlite;

/// <summary>
/// Wakes callers that wait for commits. Commits of this engine wake them at once. For those of other processes it polls, while a caller
/// waits, whether the database changed. A poll reads no table unless it did.
/// </summary>
internal sealed class SqliteWakeUp : IAsyncDisposable
{
    private readonly CommitSignal signal = new();
    private readonly SqliteDatabase database;
    private readonly TimeSpan pollInterval;
    private readonly CommitWatch watch;

    public SqliteWakeUp(SqliteDatabase database, TimeSpan pollInterval, TimeProvider time)
    {
        (this.database, this.pollInterval) = (database, pollInterval);
        watch = new CommitWatch(signal, LookAsync, time);
    }

    /// <summary>Records that everything up to a checkpoint can be read.</summary>
    public void Raise(Checkpoint upTo) => signal.Raise(upTo);

    /// <summary>Returns once something after the checkpoint was raised or found, or after the time.</summary>
    public ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken)
    {
        database.RequireOpened(cancellationToken);
        return watch.WaitAsync(after, atMost, () => pollInterval, cancellationToken);
    }

    /// <summary>Wakes every caller, and ends later waits at once.</summary>
    public ValueTask DisposeAsync() => watch.DisposeAsync();

    private ValueTask<Checkpoint> LookAsync(CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.NewestCheckpoint(), cancellationToken);
}

namespace EventStore.Conformance;

/// <summary>
/// An engine whose process is killed at a write. After that no call reaches the storage, as none does after a kill.
/// </summary>
/// <param name="inner">The engine that carries the calls out.</param>
/// <param name="arrives">Whether the write at which the process is killed is still carried out.</param>
internal sealed class DyingEngine(IPersistenceEngine inner, bool arrives) : DelegatingEngine(inner)
{
    private int left = int.MaxValue;

    public bool IsDead => Volatile.Read(ref left) <= 0;

    /// <summary>Batches have one commit, so that there are many writes to be killed at.</summary>
    public override EngineDescription Description => base.Inner.Description with
    {
        Limits = base.Inner.Description.Limits with { MaxBatchAttempts = 1 },
    };

    protected override IPersistenceEngine Inner => IsDead ? throw Killed() : base.Inner;

    /// <summary>Kills the process at a write from now on: 1 for the next one.</summary>
    public void KillAt(int write) => Volatile.Write(ref left, write);

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        WriteAsync(inner => inner.CommitAsync(attempts, cancellationToken));

    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        WriteAsync(inner => inner.PutDocumentAsync(name, content, expectedVersion, cancellationToken));

    public override ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(inner => inner.TruncateStreamAsync(stream, before, expected, cancellationToken));

    public override ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(inner => inner.SealStreamAsync(stream, expected, cancellationToken));

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        await WriteAsync(inner => Done(inner.SaveSnapshotAsync(snapshot, cancellationToken)));

    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        await WriteAsync(inner => Done(inner.HoldAsync(holder, cancellationToken)));

    public override async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        await WriteAsync(inner => Done(inner.ReleaseAsync(holder, cancellationToken)));

    public override async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        await WriteAsync(inner => Done(inner.SkipCheckpointsAsync(upTo, cancellationToken)));

    private static async ValueTask<bool> Done(ValueTask call)
    {
        await call;
        return true;
    }

    private async ValueTask<T> WriteAsync<T>(Func<IPersistenceEngine, ValueTask<T>> write)
    {
        var engine = Inner;
        if (Interlocked.Decrement(ref left) > 0) return await write(engine);
        if (arrives) await write(engine);
        throw Killed();
    }

    private static InvalidOperationException Killed() => new("The process was killed by plan.");
}

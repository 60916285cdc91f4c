using System.Collections.Concurrent;

namespace EventStore.Testing;

/// <summary>
/// An engine whose calls fail by a plan, for tests of what is built on an engine. It fails from the start, and can recover and fail again.
/// Calls that do not reach the storage never fail: the description, the initialization and the disposal. Hand it to a store by
/// <c>UsingPersistence(engine)</c>, which leaves it open.
/// </summary>
/// <param name="inner">The engine that carries the calls out.</param>
/// <param name="plan">Which calls fail, and how.</param>
/// <param name="time">The clock by which slow calls are delayed; null for that of the system.</param>
public sealed class FailingEngine(IPersistenceEngine inner, FailurePlan plan, TimeProvider? time = null) : DelegatingEngine(inner)
{
    private readonly TimeProvider clock = time ?? TimeProvider.System;
    private readonly int every = plan.Every >= 1
        ? plan.Every
        : throw new ArgumentOutOfRangeException(nameof(plan), plan.Every, "At most every call can fail: use 1 or more.");

    private readonly Counter commits = new();
    private readonly Counter others = new();
    private readonly ConcurrentQueue<EngineFailure> next = new();
    private volatile bool isRecovered;
    private volatile bool isCrashed;

    /// <summary>How many calls have failed.</summary>
    public long Failed => Volatile.Read(ref commits.Failed) + Volatile.Read(ref others.Failed);

    /// <summary>Whether the process died by plan, and the engine has not recovered.</summary>
    public bool IsCrashed => isCrashed;

    /// <summary>Lets the next commits fail, each in one way, before the plan goes on.</summary>
    public void FailNext(params IReadOnlyList<EngineFailure> failures)
    {
        ArgumentNullException.ThrowIfNull(failures);
        foreach (var failure in failures) next.Enqueue(failure);
    }

    /// <summary>Lets every call succeed from now on, also after a crash.</summary>
    public void Recover()
    {
        next.Clear();
        (isRecovered, isCrashed) = (true, false);
    }

    /// <summary>Fails by the plan again.</summary>
    public void Fail() => isRecovered = false;

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var failure = isCrashed || !next.TryDequeue(out var chosen) ? Next(commits) : Count(commits, chosen);
        return failure == EngineFailure.Conflict
            ? RefuseAsync(attempts, cancellationToken)
            : WriteAsync(() => base.CommitAsync(attempts, cancellationToken), failure);
    }

    /// <inheritdoc/>
    public override ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default) =>
        isCrashed ? throw Unavailable() : base.FindCommitAsync(stream, commitId, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ReadStreamAsync(read, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ReadAllAsync(read, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.FindHeadAsync(stream, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ListHeadsAsync(query, cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.SaveSnapshotAsync(snapshot, cancellationToken)));

    /// <inheritdoc/>
    public override ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.FindSnapshotAsync(stream, atMost, cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.PruneSnapshotsAsync(stream, keep, cancellationToken)));

    /// <inheritdoc/>
    public override ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.FindDocumentAsync(name, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.PutDocumentAsync(name, content, expectedVersion, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.DeleteDocumentAsync(name, expectedVersion, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ListDocumentsAsync(prefix, after, limit, cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask WaitForCommitsAsync(
        Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        await ReadAsync(() => Done(
            plan.LosesWakeUps && !isRecovered
                ? new ValueTask(Task.Delay(atMost, clock, cancellationToken))
                : base.WaitForCommitsAsync(after, atMost, cancellationToken)));

    /// <inheritdoc/>
    public override ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.DeleteStreamAsync(stream, expected, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.TruncateStreamAsync(stream, before, expected, cancellationToken));

    /// <inheritdoc/>
    public override ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.SealStreamAsync(stream, expected, cancellationToken));

    /// <inheritdoc/>
    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.HoldAsync(holder, cancellationToken)));

    /// <inheritdoc/>
    public override async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.ReleaseAsync(holder, cancellationToken)));

    /// <inheritdoc/>
    public override async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.SkipCheckpointsAsync(upTo, cancellationToken)));

    /// <inheritdoc/>
    public override async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.PurgeBucketAsync(bucket, cancellationToken)));

    /// <inheritdoc/>
    public override async ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.PurgeAllAsync(cancellationToken)));

    /// <inheritdoc/>
    public override ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.VerifyAsync(progress, cancellationToken));

    private static async ValueTask<bool> Done(ValueTask call)
    {
        await call;
        return true;
    }

    private async ValueTask<T> ReadAsync<T>(Func<ValueTask<T>> call)
    {
        switch (Next(others))
        {
            case null or EngineFailure.Conflict: return await call();
            case EngineFailure.Slow:
                await Task.Delay(plan.Delay, clock);
                return await call();
            case EngineFailure.CrashBefore or EngineFailure.CrashAfter:
                isCrashed = true;
                throw Unavailable();
            default: throw Unavailable();
        }
    }

    private ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> call) => WriteAsync(call, Next(others));

    private async ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> call, EngineFailure? failure)
    {
        switch (failure)
        {
            case null or EngineFailure.Conflict: return await call();
            case EngineFailure.Slow:
                await Task.Delay(plan.Delay, clock);
                return await call();
            case EngineFailure.LostAfter:
                await call();
                throw Lost();
            case EngineFailure.LostBefore: throw Lost();
            case EngineFailure.CrashBefore:
                isCrashed = true;
                throw Unavailable();
            case EngineFailure.CrashAfter:
                await call();
                isCrashed = true;
                throw Lost();
            default: throw Unavailable();
        }
    }

    // Attempts that are known already, or expect nothing, are carried out: no other writer could stand in their way.
    private async ValueTask<IReadOnlyList<CommitOutcome>> RefuseAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken)
    {
        var outcomes = new CommitOutcome[attempts.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            var attempt = attempts[i];
            var mayConflict = attempt.Expected.Revision != ExpectedRevision.Any || attempt.Condition is not null;
            if (!mayConflict || await base.FindCommitAsync(attempt.Stream, attempt.CommitId, cancellationToken) is not null)
                outcomes[i] = (await base.CommitAsync([attempt], cancellationToken))[0];
            else if (attempt.Condition is { } condition)
                outcomes[i] = CommitOutcome.ConditionNotMet(condition.After + 1);
            else
                outcomes[i] = CommitOutcome.Conflict(StreamState.Of(await base.FindHeadAsync(attempt.Stream, cancellationToken)));
        }

        return outcomes;
    }

    private EngineFailure? Next(Counter counter)
    {
        if (isCrashed) return EngineFailure.Unavailable;
        if (isRecovered || plan.Failures.Count == 0 || !FailurePlan.IsDue(Interlocked.Increment(ref counter.Calls) - 1, every))
            return null;
        return plan.Failures[(int)((Interlocked.Increment(ref counter.Failed) - 1) % plan.Failures.Count)];
    }

    private static EngineFailure Count(Counter counter, EngineFailure failure)
    {
        Interlocked.Increment(ref counter.Failed);
        return failure;
    }

    private static StorageUnavailableException Unavailable() => new("The storage is unavailable by plan. Try again.");

    private static BatchOutcomeUnknownException Lost() => new("the outcome was lost by plan.");

    private sealed class Counter
    {
        public long Calls;
        public long Failed;
    }
}

namespace EventStore.Conformance;

/// <summary>How a call of a <see cref="FailingEngine"/> fails.</summary>
public enum EngineFailure
{
    /// <summary>Nothing is carried out: <see cref="StorageUnavailableException"/>.</summary>
    Unavailable,

    /// <summary>
    /// A write is carried out, and its outcome is lost: <see cref="Engines.BatchOutcomeUnknownException"/>. A read is unavailable.
    /// </summary>
    LostAfter,

    /// <summary>
    /// A write is not carried out, and its outcome is lost: <see cref="Engines.BatchOutcomeUnknownException"/>. A read is unavailable.
    /// </summary>
    LostBefore,

    /// <summary>The call is carried out after a delay.</summary>
    Slow,
}

/// <summary>The plan by which an engine fails.</summary>
/// <param name="Every">
/// One call in so many fails; at least 1. Which of them differs, by a fixed rule: with every third call, a loop of three calls might fail
/// at the same one for ever. Commits are counted apart, because they are few among many reads.
/// </param>
/// <param name="Failures">How they fail, one after the other and again from the first.</param>
public sealed record FailurePlan(int Every, params IReadOnlyList<EngineFailure> Failures)
{
    // Multiplied by it, successive numbers are spread evenly (Fibonacci hashing).
    private const uint Spread = 2_654_435_769;

    /// <summary>Whether a call fails, of which one in so many does.</summary>
    /// <param name="call">The number of the call, from 0 on.</param>
    /// <param name="every">One call in so many.</param>
    internal static bool IsDue(long call, int every) => call % every == (unchecked((uint)(call / every) * Spread) >> 16) % every;

    /// <summary>How long a slow call is delayed, by the clock of the engine that fails.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(20);
}

/// <summary>
/// An engine whose calls fail by a plan, for tests of what is built on an engine. It fails from the start, and can recover and fail again.
/// Calls that do not reach the storage never fail: the description, the initialization and the disposal.
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
    private volatile bool isRecovered;

    /// <summary>How many calls have failed.</summary>
    public long Failed => Volatile.Read(ref commits.Failed) + Volatile.Read(ref others.Failed);

    /// <summary>Lets every call succeed from now on.</summary>
    public void Recover() => isRecovered = true;

    /// <summary>Fails by the plan again.</summary>
    public void Fail() => isRecovered = false;

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.CommitAsync(attempts, cancellationToken), commits);

    public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ReadStreamAsync(read, cancellationToken));

    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ReadAllAsync(read, cancellationToken));

    public override ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.FindHeadAsync(stream, cancellationToken));

    public override ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ListHeadsAsync(query, cancellationToken));

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.SaveSnapshotAsync(snapshot, cancellationToken)));

    public override ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.FindSnapshotAsync(stream, atMost, cancellationToken));

    public override async ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.PruneSnapshotsAsync(stream, keep, cancellationToken)));

    public override ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.FindDocumentAsync(name, cancellationToken));

    public override ValueTask<long?> PutDocumentAsync(
        string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.PutDocumentAsync(name, content, expectedVersion, cancellationToken));

    public override ValueTask<bool> DeleteDocumentAsync(string name, long expectedVersion, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.DeleteDocumentAsync(name, expectedVersion, cancellationToken));

    public override ValueTask<IReadOnlyList<NamedDocument>> ListDocumentsAsync(
        string prefix, string after, int limit, CancellationToken cancellationToken = default) =>
        ReadAsync(() => base.ListDocumentsAsync(prefix, after, limit, cancellationToken));

    public override async ValueTask WaitForCommitsAsync(
        Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        await ReadAsync(() => Done(base.WaitForCommitsAsync(after, atMost, cancellationToken)));

    public override ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.DeleteStreamAsync(stream, expected, cancellationToken));

    public override ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.TruncateStreamAsync(stream, before, expected, cancellationToken));

    public override ValueTask<StreamChange> SealStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        WriteAsync(() => base.SealStreamAsync(stream, expected, cancellationToken));

    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.HoldAsync(holder, cancellationToken)));

    public override async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.ReleaseAsync(holder, cancellationToken)));

    public override async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.SkipCheckpointsAsync(upTo, cancellationToken)));

    public override async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.PurgeBucketAsync(bucket, cancellationToken)));

    public override async ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) =>
        await WriteAsync(() => Done(base.PurgeAllAsync(cancellationToken)));

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
            case null: return await call();
            case EngineFailure.Slow:
                await Task.Delay(plan.Delay, clock);
                return await call();
            default: throw Unavailable();
        }
    }

    private async ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> call, Counter? counter = null)
    {
        switch (Next(counter ?? others))
        {
            case null: return await call();
            case EngineFailure.Slow:
                await Task.Delay(plan.Delay, clock);
                return await call();
            case EngineFailure.LostAfter:
                await call();
                throw Lost();
            case EngineFailure.LostBefore: throw Lost();
            default: throw Unavailable();
        }
    }

    private EngineFailure? Next(Counter counter)
    {
        if (isRecovered || plan.Failures.Count == 0 || !FailurePlan.IsDue(Interlocked.Increment(ref counter.Calls) - 1, every))
            return null;
        return plan.Failures[(int)((Interlocked.Increment(ref counter.Failed) - 1) % plan.Failures.Count)];
    }

    private static StorageUnavailableException Unavailable() => new("The storage is unavailable by plan. Try again.");

    private static BatchOutcomeUnknownException Lost() => new("the outcome was lost by plan.");

    private sealed class Counter
    {
        public long Calls;
        public long Failed;
    }
}

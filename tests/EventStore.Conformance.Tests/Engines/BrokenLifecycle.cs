namespace EventStore.Conformance.Tests.Engines;

/// <summary>Shows heads one commit late, as a background update does (G9).</summary>
[CaughtBy(typeof(HeadSpecification<>), nameof(HeadSpecification<>.The_head_follows_every_commit_at_once))]
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.Writers_on_separate_streams_always_read_their_own_writes_while_others_write_and_delete))]
internal sealed class UpdatesHeadsLater(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly Dictionary<StreamId, StreamHead?> before = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        foreach (var stream in attempts.Select(attempt => attempt.Stream))
        {
            var head = await Inner.FindHeadAsync(stream, cancellationToken);
            lock (before) before[stream] = head;
        }

        return await Inner.CommitAsync(attempts, cancellationToken);
    }

    public override ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        lock (before) return before.Remove(stream, out var head) ? new(head) : Inner.FindHeadAsync(stream, cancellationToken);
    }
}

/// <summary>Lists the streams due for a snapshot as they were before the last write (G24).</summary>
[CaughtBy(typeof(HeadSpecification<>), nameof(HeadSpecification<>.Streams_due_for_a_snapshot_are_exact_at_once_and_by_bucket))]
internal sealed class ListsDueStreamsLater(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private IReadOnlyList<StreamHead> before = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        before = await AllAsync();
        return await Inner.CommitAsync(attempts, cancellationToken);
    }

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        before = await AllAsync();
        await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
    }

    public override async ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(
        HeadQuery query, CancellationToken cancellationToken = default)
    {
        if (query.MinEventsSinceSnapshot == 0) return await Inner.ListHeadsAsync(query, cancellationToken);
        return [.. before
            .Where(
                head => (query.Bucket is null || head.Stream.Bucket == query.Bucket)
                    && (query.After is not { } after || head.Stream.CompareTo(after) > 0))
            .Where(head => head.EventsSinceSnapshot >= query.MinEventsSinceSnapshot).Take(query.Limit)];
    }

    private ValueTask<IReadOnlyList<StreamHead>> AllAsync() => Inner.ListHeadsAsync(new HeadQuery(null, 0, null, int.MaxValue));
}

/// <summary>Counts from the threshold on exclusively, so that a stream is due one event late (G24).</summary>
[CaughtBy(typeof(HeadSpecification<>), nameof(HeadSpecification<>.Streams_due_for_a_snapshot_are_exact_at_once_and_by_bucket))]
internal sealed class ListsDueStreamsAboveTheThreshold(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Inner.ListHeadsAsync(
            query.MinEventsSinceSnapshot == 0 ? query : query with { MinEventsSinceSnapshot = query.MinEventsSinceSnapshot + 1 },
            cancellationToken);
}

/// <summary>Creates its storage again at every initialization, and loses its data (G47).</summary>
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.Initialization_may_be_repeated_and_keeps_stored_data))]
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.Several_engines_may_initialize_one_storage_at_once))]
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.Stored_data_exists_after_reopening))]
internal sealed class WipesWhenInitialized(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask InitializeAsync(CancellationToken cancellationToken = default) => Inner.PurgeAllAsync(cancellationToken);
}

/// <summary>Creates missing storage although it may not (G47).</summary>
[CaughtBy(
    typeof(LifecycleSpecification<>),
    nameof(LifecycleSpecification<>.Missing_storage_that_may_not_be_created_is_refused_without_a_trace))]
[CaughtBy(typeof(ReadOnlySpecification<>), nameof(ReadOnlySpecification<>.Missing_storage_is_refused_and_not_created))]
[CaughtBy(
    typeof(ReadOnlySpecification<>),
    nameof(ReadOnlySpecification<>.A_reader_that_waits_for_the_storage_opens_it_when_its_writer_has_created_it))]
internal sealed class MakesMissingStorage(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask InitializeAsync(CancellationToken cancellationToken = default) => default;
}

/// <summary>Does not promise shared writing, but accepts a second writer (G47).</summary>
[CaughtBy(
    typeof(LifecycleSpecification<>),
    nameof(LifecycleSpecification<>.A_second_engine_is_refused_with_a_message_where_storage_is_not_shared_and_the_first_continues))]
internal sealed class LetsASecondWriterIn(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override EngineDescription Description => Inner.Description with { Capabilities = EngineCapabilities.Reopens };
}

/// <summary>Returns results after it was disposed (G48).</summary>
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.After_dispose_every_member_throws))]
internal sealed class ReturnsAfterDispose(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask DisposeAsync() => default;
}

/// <summary>Returns the last verification after it was disposed (G48).</summary>
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.After_dispose_every_member_throws))]
internal sealed class VerifiesAfterDispose(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return await Inner.VerifyAsync(progress, cancellationToken);
        }
        catch (ObjectDisposedException)
        {
            return new VerificationReport(0, 0, []);
        }
    }
}

/// <summary>Never ends a wait early: a commit is found only after the time (G38 limits the delay, but requires a signal).</summary>
[CaughtBy(
    typeof(LifecycleSpecification<>),
    nameof(LifecycleSpecification<>.Waiting_ends_at_a_new_commit_at_once_for_a_stored_one_and_after_the_time))]
internal sealed class NeverWakes(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        await Task.Delay(atMost, cancellationToken);
}

/// <summary>Shows the log as it was when it was first read, like a copy that is never updated (G14).</summary>
[CaughtBy(typeof(ReadOnlySpecification<>), nameof(ReadOnlySpecification<>.Changes_of_the_writer_become_visible))]
internal sealed class ShowsWhatWasThereFirst(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private long? first;

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(
            read with { UpTo = new Checkpoint(Math.Min(read.UpTo.Value, first ?? long.MaxValue)) }, cancellationToken);
        first ??= page.Head.Value;
        return page with { Head = new Checkpoint(first.Value) };
    }
}

/// <summary>Waits for the next commit although one after the checkpoint is stored (G14).</summary>
[CaughtBy(
    typeof(LifecycleSpecification<>),
    nameof(LifecycleSpecification<>.Waiting_ends_at_a_new_commit_at_once_for_a_stored_one_and_after_the_time))]
internal sealed class WaitsForWhatIsThere(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private long last;

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = await Inner.CommitAsync(attempts, cancellationToken);
        foreach (var outcome in outcomes) Interlocked.Exchange(ref last, Math.Max(last, outcome.Commit?.LastCheckpoint.Value ?? 0));
        return outcomes;
    }

    public override ValueTask WaitForCommitsAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken = default) =>
        Inner.WaitForCommitsAsync(new Checkpoint(Math.Max(after.Value, Interlocked.Read(ref last))), atMost, cancellationToken);
}

/// <summary>Verifies nothing and reports no damage (G44).</summary>
[CaughtBy(
    typeof(LifecycleSpecification<>),
    nameof(LifecycleSpecification<>.Verification_of_a_sound_store_finds_nothing_and_counts_everything))]
internal sealed class VerifiesNothing(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default) =>
        new(new VerificationReport(0, 0, []));
}

/// <summary>Describes a durability without its basis (G43).</summary>
[CaughtBy(typeof(LifecycleSpecification<>), nameof(LifecycleSpecification<>.The_description_is_that_of_the_engine))]
internal sealed class PromisesWithoutReason(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override EngineDescription Description =>
        Inner.Description with { Durability = new EngineDurability(Durability.Durable, "", []) };
}

/// <summary>Promises no capability, so that facts that need one are skipped, which does not count as caught.</summary>
internal sealed class PromisesNothing(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override EngineDescription Description => Inner.Description with { Capabilities = EngineCapabilities.None };
}

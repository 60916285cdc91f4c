using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Holds the storage in its own memory, where other engines do not see it (G58).</summary>
[CaughtBy(
    typeof(ImportSpecification<>),
    nameof(ImportSpecification<>.A_held_storage_accepts_commits_of_the_import_alone_also_after_reopening))]
[CaughtBy(
    typeof(MirrorSpecification<>),
    nameof(MirrorSpecification<>.All_other_commits_are_refused_while_a_mirror_is_not_complete_also_after_a_restart))]
internal sealed class HoldsForItselfAlone(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private volatile string? holder;

    public override ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        RequireNoOther(holder);
        this.holder = holder;
        return default;
    }

    public override ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        RequireNoOther(holder);
        this.holder = null;
        return default;
    }

    private void RequireNoOther(string name)
    {
        if (holder is { } other && other != name) throw new StorageHeldException(other);
    }
}

/// <summary>Ends a hold when it is closed, as a lock of the connection does, although the import is not complete (G58).</summary>
[CaughtBy(
    typeof(ImportSpecification<>),
    nameof(ImportSpecification<>.A_held_storage_accepts_commits_of_the_import_alone_also_after_reopening))]
[CaughtBy(
    typeof(MirrorSpecification<>),
    nameof(MirrorSpecification<>.All_other_commits_are_refused_while_a_mirror_is_not_complete_also_after_a_restart))]
internal sealed class ForgetsHoldsWhenClosed(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private volatile string? held;

    public override async ValueTask HoldAsync(string holder, CancellationToken cancellationToken = default)
    {
        await Inner.HoldAsync(holder, cancellationToken);
        held = holder;
    }

    public override async ValueTask DisposeAsync()
    {
        if (held is { } holder) await Inner.ReleaseAsync(holder);
        held = null;
        await Inner.DisposeAsync();
    }
}

/// <summary>Ends the hold of any import (G58).</summary>
[CaughtBy(
    typeof(ImportSpecification<>),
    nameof(ImportSpecification<>.A_held_storage_accepts_commits_of_the_import_alone_also_after_reopening))]
internal sealed class ReleasesEveryHold(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken = default)
    {
        try
        {
            await Inner.ReleaseAsync(holder, cancellationToken);
        }
        catch (StorageHeldException held)
        {
            await Inner.ReleaseAsync(held.Holder, cancellationToken);
        }
    }
}

/// <summary>Skips checkpoints without a hold, beside other writers (G58).</summary>
[CaughtBy(typeof(ImportSpecification<>), nameof(ImportSpecification<>.Skipped_checkpoints_are_gaps_over_which_every_read_moves_on))]
internal sealed class SkipsWithoutAHold(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default)
    {
        await Inner.HoldAsync("", cancellationToken);
        await Inner.SkipCheckpointsAsync(upTo, cancellationToken);
        await Inner.ReleaseAsync("", cancellationToken);
    }
}

/// <summary>Sets the newest checkpoint to the one given, also where that is lower, so that numbers are assigned twice (G13, G58).</summary>
[CaughtBy(typeof(ImportSpecification<>), nameof(ImportSpecification<>.Skipped_checkpoints_are_gaps_over_which_every_read_moves_on))]
internal sealed class SkipsBack(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private long back;

    public override async ValueTask SkipCheckpointsAsync(Checkpoint upTo, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(
            new StoreRead(EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1, 1)),
            cancellationToken);
        back = Math.Max(0, page.Head.Value - upTo.Value);
        await Inner.SkipCheckpointsAsync(upTo, cancellationToken);
    }

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        [
            .. (await Inner.CommitAsync(attempts, cancellationToken)).Select(
                outcome => outcome.Kind == CommitOutcomeKind.Committed
                    ? CommitOutcome.Committed(
                        outcome.Commit! with { FirstCheckpoint = new Checkpoint(outcome.Commit!.FirstCheckpoint.Value - back) })
                    : outcome),
        ];
}

/// <summary>Takes a gap in the checkpoints for the end of the store (G15, G58).</summary>
[CaughtBy(typeof(ImportSpecification<>), nameof(ImportSpecification<>.Skipped_checkpoints_are_gaps_over_which_every_read_moves_on))]
internal sealed class StopsAtGaps(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return read.Direction == ReadDirection.Forward && !page.Events.IsEmpty && page.Events.Span[0].Checkpoint > read.After + 1
            ? page with { Events = default, IsEnd = true }
            : page;
    }
}

/// <summary>Keeps every given stamp, also one that decreases (G11, G58).</summary>
[CaughtBy(typeof(ImportSpecification<>), nameof(ImportSpecification<>.Given_stamps_are_kept_to_the_microsecond_and_never_decrease))]
internal sealed class KeepsDecreasingStamps(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> given = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        foreach (var attempt in attempts)
            if (attempt.Stamp is { } stamp) given[attempt.CommitId] = stamp.ToUniversalTime().AddTicks(-(stamp.UtcTicks % 10));
        return
        [
            .. (await Inner.CommitAsync(attempts, cancellationToken)).Select(
                outcome => outcome.Kind == CommitOutcomeKind.Committed ? CommitOutcome.Committed(Change(outcome.Commit!)) : outcome),
        ];
    }

    protected override CommitRecord Change(CommitRecord commit) =>
        commit with { Stamp = given.GetValueOrDefault(commit.CommitId, commit.Stamp) };
}

/// <summary>Stamps imported commits with its own clock (G58).</summary>
[CaughtBy(typeof(ImportSpecification<>), nameof(ImportSpecification<>.Given_stamps_are_kept_to_the_microsecond_and_never_decrease))]
internal sealed class IgnoresGivenStamps(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
        Inner.CommitAsync([.. attempts.Select(Unstamped)], cancellationToken);

    private static CommitAttempt Unstamped(CommitAttempt attempt) => new(attempt.Stream, attempt.CommitId, attempt.Events)
    {
        Expected = attempt.Expected,
        Headers = attempt.Headers,
        Condition = attempt.Condition,
        Rest = attempt.Rest,
    };
}

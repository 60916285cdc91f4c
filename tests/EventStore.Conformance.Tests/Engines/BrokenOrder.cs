using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>
/// Assigns checkpoints before the commit is visible, so that higher ones of other writers are visible first, as a sequence or an identity
/// column does under concurrent transactions (G14).
/// </summary>
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.No_event_ever_appears_at_or_below_a_checkpoint_that_a_reader_has_seen))]
internal sealed class ShowsCommitsLate(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly SemaphoreSlim gate = new(1);
    private readonly HashSet<Checkpoint> hidden = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        Checkpoint[] stored = [];
        var outcomes = await AloneAsync(async () =>
        {
            var outcomes = await Inner.CommitAsync(attempts, cancellationToken);
            stored =
            [
                .. outcomes.Where(
                    outcome => outcome.Kind == CommitOutcomeKind.Committed).Select(outcome => outcome.Commit!.FirstCheckpoint),
            ];
            hidden.UnionWith(stored);
            return outcomes;
        });
        if (Random.Shared.Next(20) == 0) await Task.Delay(2, CancellationToken.None);
        return await AloneAsync(() =>
        {
            hidden.ExceptWith(stored);
            return new ValueTask<IReadOnlyList<CommitOutcome>>(outcomes);
        });
    }

    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        AloneAsync(async () =>
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return page with { Events = page.Events.ToArray().Where(recorded => !hidden.Contains(recorded.Commit.FirstCheckpoint)).ToArray() };
    });

    private async ValueTask<T> AloneAsync<T>(Func<ValueTask<T>> act)
    {
        await gate.WaitAsync(CancellationToken.None);
        try
        {
            return await act();
        }
        finally
        {
            gate.Release();
        }
    }
}

/// <summary>Makes the beginning of a commit visible before its end, like rows without a transaction (G3).</summary>
[CaughtBy(
    typeof(ConcurrencySpecification<>),
    nameof(ConcurrencySpecification<>.No_event_ever_appears_at_or_below_a_checkpoint_that_a_reader_has_seen))]
internal sealed class ShowsHalfCommits(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<Checkpoint, bool> delayed = [];

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        if (!page.IsEnd || page.Events.Length < 2 || read.Direction == ReadDirection.Backward
            || !delayed.TryAdd(page.Events.Span[^1].Checkpoint, true)) return page;
        var shown = page.Events[..^1];
        return page with { Events = shown, Position = shown.Span[^1].Checkpoint, Head = shown.Span[^1].Checkpoint };
    }
}

/// <summary>Continues after the newest remaining number, like a row id without a sequence after the last row was deleted (G13).</summary>
[CaughtBy(
    typeof(DeletionSpecification<>),
    nameof(DeletionSpecification<>.Checkpoints_are_never_reused_after_deletes_purges_failures_and_reopening))]
internal sealed class ReusesCheckpoints(IPersistenceEngine inner) : ShowsAnotherLog(inner)
{
    // After a checkpoint, this many lower ones are free and assigned again.
    private readonly List<(long From, long Freed)> freed = [];

    public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        var outcomes = await Inner.CommitAsync(attempts, cancellationToken);
        return
        [
            .. outcomes.Select(
                outcome => outcome.Kind == CommitOutcomeKind.Committed ? CommitOutcome.Committed(Renumber(outcome.Commit!)) : outcome),
        ];
    }

    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var all = await EverythingAsync();
        var change = await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
        var left = await EverythingAsync();
        if (change.Kind == StreamChangeKind.Changed)
            freed.Add(
                (
                    all[^1].Checkpoint.Value + 1,
                    Renumber(all[^1].Commit).LastCheckpoint.Value - (
                        left.Count == 0 ? 0 : Renumber(left[^1].Commit).LastCheckpoint.Value)));
        return change;
    }

    protected override IEnumerable<RecordedEvent> Show(IReadOnlyList<RecordedEvent> stored) =>
        stored.Select(recorded => new RecordedEvent(Renumber(recorded.Commit), recorded.IndexInCommit, recorded.Record));

    private CommitRecord Renumber(CommitRecord commit)
    {
        var freedBefore = freed.Where(deleted => deleted.From <= commit.FirstCheckpoint.Value).Sum(deleted => deleted.Freed);
        return commit with { FirstCheckpoint = new Checkpoint(commit.FirstCheckpoint.Value - freedBefore) };
    }
}

/// <summary>Skips the number of events read before, instead of continuing after the last one, as OFFSET does (G18).</summary>
[CaughtBy(
    typeof(ReadingSpecification<>),
    nameof(ReadingSpecification<>.Appends_and_deletes_between_pages_lose_and_repeat_nothing_that_survives))]
internal sealed class PagesByOffset(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly Dictionary<Checkpoint, int> returned = [];

    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        if (read.Direction == ReadDirection.Backward || !returned.TryGetValue(read.After, out var offset)) offset = 0;
        if (offset == 0)
        {
            var first = await Inner.ReadAllAsync(read, cancellationToken);
            returned[first.Position] = first.Events.Length;
            return first;
        }

        var all = await Inner.ReadAllAsync(
            read with { After = new Checkpoint(0), Limit = new PageLimit(offset + read.Limit.MaxEvents, long.MaxValue) },
            cancellationToken);
        returned[all.Position] = all.Events.Length;
        return all with { Events = all.Events[Math.Min(offset, all.Events.Length)..] };
    }
}

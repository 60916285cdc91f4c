using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Deletes the commit ids with the truncated events, so that a retry is stored again (G7, G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.The_commit_ids_of_truncated_commits_stay_known))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class ForgetsTruncatedCommitIds(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        return outcome.Kind == CommitOutcomeKind.Duplicate
            && outcome.Commit!.LastRevision < (await StateOfAsync(attempt.Stream)).FirstRevision
            ? await StoreAsync(UnderNewId(attempt), cancellationToken)
            : outcome;
    }
}

/// <summary>Finds no truncated commit by its id, as a search among the rows that are left does (G12, G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.The_commit_ids_of_truncated_commits_stay_known))]
internal sealed class FindsNoTruncatedCommits(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<CommitRecord?> FindCommitAsync(
        StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        var first = StreamState.Of(await Inner.FindHeadAsync(stream, cancellationToken)).FirstRevision;
        return await Inner.FindCommitAsync(stream, commitId, cancellationToken) is { } found && found.LastRevision >= first ? found : null;
    }
}

/// <summary>Deletes a stream of which nothing is left, so that its revision begins again (G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Appends_go_on_after_the_head_also_when_nothing_is_left))]
[CaughtBy(typeof(DecisionSpecification<>), nameof(DecisionSpecification<>.A_truncated_stream_goes_on_and_is_not_folded_without_a_snapshot))]
internal sealed class DeletesEmptiedStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        before > StreamState.Of(await Inner.FindHeadAsync(stream, cancellationToken)).Revision
            ? await Inner.DeleteStreamAsync(stream, expected, cancellationToken)
            : await Inner.TruncateStreamAsync(stream, before, expected, cancellationToken);
}

/// <summary>Keeps the snapshots below the events that are left (G55).</summary>
[CaughtBy(
    typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Snapshots_that_can_no_longer_be_used_are_deleted_and_refused))]
internal sealed class KeepsUselessSnapshots(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentBag<SnapshotRecord> saved = [];

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
        saved.Add(snapshot);
    }

    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken)
            ?? saved.Where(one => one.Stream == stream && one.Revision <= atMost).MaxBy(one => one.Revision);
}

/// <summary>Accepts a snapshot below the events that are left, and keeps nothing of it (G22, G55).</summary>
[CaughtBy(
    typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Snapshots_that_can_no_longer_be_used_are_deleted_and_refused))]
internal sealed class AcceptsUselessSnapshots(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        var state = StreamState.Of(await Inner.FindHeadAsync(snapshot.Stream, cancellationToken));
        if (snapshot.Revision.Value >= state.FirstRevision.Value - 1) await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
    }
}

/// <summary>Hides truncated events from reads of their stream only (G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Events_below_a_revision_are_gone_from_every_read_path))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class LeavesTruncatedEventsInTheLog(IPersistenceEngine inner) : LeavesTruncatedEvents(inner);

/// <summary>Removes truncated events from streams and the log, but not from the index of categories and tags (G51, G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Events_below_a_revision_are_gone_from_every_read_path))]
internal sealed class LeavesTruncatedEventsInTheIndex(IPersistenceEngine inner) : LeavesTruncatedEvents(inner)
{
    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        read.Filter.Criteria is null ? Inner.ReadAllAsync(read, cancellationToken) : base.ReadAllAsync(read, cancellationToken);
}

/// <summary>Shows truncated events in the log.</summary>
internal abstract class LeavesTruncatedEvents(IPersistenceEngine inner) : ShowsAnotherLog(inner)
{
    private readonly List<RecordedEvent> left = [];

    public override async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var stored = await EverythingAsync();
        left.AddRange(stored.Where(recorded => recorded.Commit.Stream == stream && recorded.Revision < before));
        return await Inner.TruncateStreamAsync(stream, before, expected, cancellationToken);
    }

    protected override IEnumerable<RecordedEvent> Show(IReadOnlyList<RecordedEvent> stored) => stored.Concat(left);
}

/// <summary>Shows the newest revision as the first where all events are truncated (G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Events_below_a_revision_are_gone_from_every_read_path))]
internal sealed class CountsFromTheHeadOfAnEmptiedStream(IPersistenceEngine inner) : ShowsOtherStates(inner)
{
    protected override StreamState Change(StreamId stream, StreamState state) =>
        state with { FirstRevision = state.FirstRevision > state.Revision ? state.Revision : state.FirstRevision };
}

/// <summary>Truncates whole commits only, and so leaves events below the revision (G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.Events_below_a_revision_are_gone_from_every_read_path))]
internal sealed class TruncatesWholeCommits(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(
            new StreamRead(stream, before, before, ReadDirection.Forward, new PageLimit(1, long.MaxValue)), cancellationToken);
        var boundary = page.Events.IsEmpty || page.Events.Span[0].Revision != before ? before : page.Events.Span[0].Commit.FirstRevision;
        return await Inner.TruncateStreamAsync(stream, boundary, expected, cancellationToken);
    }
}

/// <summary>Truncates whatever the stream was expected to be (G5, G55).</summary>
[CaughtBy(typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.A_truncation_is_refused_where_the_stream_is_not_as_expected))]
internal sealed class TruncatesWhateverIsExpected(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default) =>
        Inner.TruncateStreamAsync(stream, before, StreamExpectation.Any, cancellationToken);
}

/// <summary>Keeps the truncation of a deleted stream for the one created again (G46, G55).</summary>
[CaughtBy(
    typeof(TruncationSpecification<>), nameof(TruncationSpecification<>.A_truncated_stream_that_is_deleted_begins_again_at_revision_1))]
internal sealed class KeepsTruncationsOfDeletedStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<StreamId, Revision> first = [];

    public override async ValueTask<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var change = await Inner.TruncateStreamAsync(stream, before, expected, cancellationToken);
        if (change.Kind == StreamChangeKind.Changed) first[stream] = change.State.FirstRevision;
        return change;
    }

    public override ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default) =>
        Inner.ReadStreamAsync(
            first.TryGetValue(read.Stream, out var least) && read.From < least ? read with { From = least } : read, cancellationToken);
}

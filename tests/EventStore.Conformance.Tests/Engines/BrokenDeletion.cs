namespace EventStore.Conformance.Tests.Engines;

/// <summary>Deletes only the first commit of a stream from the log (G46).</summary>
[CaughtBy(
    typeof(DeletionSpecification<>),
    nameof(DeletionSpecification<>.A_deleted_stream_is_gone_from_every_read_path_and_others_are_whole))]
internal sealed class LeavesDeletedEventsInTheLog(IPersistenceEngine inner) : ShowsAnotherLog(inner)
{
    private readonly List<RecordedEvent> left = [];

    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        left.AddRange((await EverythingAsync()).Where(recorded => recorded.Commit.Stream == stream && recorded.Commit.Sequence.Value > 1));
        return await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
    }

    protected override IEnumerable<RecordedEvent> Show(IReadOnlyList<RecordedEvent> stored) => stored.Concat(left);
}

/// <summary>Continues the numbers of a deleted stream when it is created again (G46).</summary>
[CaughtBy(
    typeof(DeletionSpecification<>),
    nameof(DeletionSpecification<>.A_deleted_stream_can_be_created_again_from_revision_1_and_deleted_again))]
internal sealed class GoesOnAfterDeletion(IPersistenceEngine inner) : AttemptByAttempt(inner)
{
    private readonly Dictionary<StreamId, long> deleted = [];

    protected override async ValueTask<CommitOutcome> DecideAsync(CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var outcome = await StoreAsync(attempt, cancellationToken);
        lock (deleted)
        {
            return outcome.Commit is { } commit && deleted.TryGetValue(attempt.Stream, out var events)
                ? CommitOutcome.Committed(commit with { FirstRevision = commit.FirstRevision + events })
                : outcome;
        }
    }

    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var revision = await RevisionOfAsync(stream);
        lock (deleted) deleted[stream] = deleted.GetValueOrDefault(stream) + revision.Value;
        return await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
    }
}

/// <summary>Returns that it deleted a stream that did not exist (G46).</summary>
[CaughtBy(
    typeof(DeletionSpecification<>),
    nameof(DeletionSpecification<>.A_deleted_stream_can_be_created_again_from_revision_1_and_deleted_again))]
internal sealed class DeletesWhatIsNotThere(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var change = await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
        return new(StreamChangeKind.Changed, change.State);
    }
}

/// <summary>Deletes a stream but keeps its head in the list (G46).</summary>
[CaughtBy(
    typeof(DeletionSpecification<>),
    nameof(DeletionSpecification<>.A_deleted_stream_is_gone_from_every_read_path_and_others_are_whole))]
internal sealed class ListsDeletedHeads(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly List<StreamHead> deleted = [];

    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        if (await Inner.FindHeadAsync(stream, cancellationToken) is { } head) deleted.Add(head);
        return await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
    }

    public override async ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(
        HeadQuery query, CancellationToken cancellationToken = default) =>
        [.. deleted.Concat(await Inner.ListHeadsAsync(query, cancellationToken))];
}

/// <summary>Purges the documents with the store, and with them the progress of dispatch (G46).</summary>
[CaughtBy(typeof(DocumentSpecification<>), nameof(DocumentSpecification<>.Documents_outlive_a_purge_of_the_store))]
internal sealed class PurgesDocumentsToo(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask PurgeAllAsync(CancellationToken cancellationToken = default)
    {
        foreach (var document in await Inner.ListDocumentsAsync("", "", int.MaxValue, cancellationToken))
            await Inner.DeleteDocumentAsync(document.Name, document.Version, cancellationToken);
        await Inner.PurgeAllAsync(cancellationToken);
    }
}

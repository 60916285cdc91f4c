using EventStore.Pipeline;
using EventStore.Streams;

namespace EventStore.Imports;

/// <summary>What an import does to the storage. What is unknown is repeated: each of these may be done twice.</summary>
/// <param name="settlement">Sends batches.</param>
/// <param name="group">The commits of the application, which a hold refuses.</param>
/// <param name="pages">Reads stored commits.</param>
/// <param name="duplicates">Compares commits with stored ones.</param>
internal sealed class ImportTarget(Settlement settlement, GroupCommit group, PageReader pages, DuplicateCheck duplicates)
{
    private readonly IPersistenceEngine engine = settlement.Engine;

    public required StoreMaintenance Maintenance { get; init; }

    public required SnapshotRecords Snapshots { get; init; }

    /// <summary>The identity of the store; empty where it is not known.</summary>
    public required Guid StoreId { get; init; }

    public DuplicateCheck Duplicates => duplicates;

    public void ThrowIfEnded() => pages.ThrowIfEnded();

    /// <summary>Holds the storage. Commits of this store are refused too, those under way are waited for.</summary>
    public async ValueTask HoldAsync(string name, CancellationToken cancellationToken)
    {
        var isNew = await group.HoldAsync(name).ConfigureAwait(false);
        try
        {
            await RepeatAsync(() => engine.HoldAsync(name, cancellationToken)).ConfigureAwait(false);
        }
        catch
        {
            if (isNew) group.Release();
            throw;
        }
    }

    public async ValueTask ReleaseAsync(string name, CancellationToken cancellationToken)
    {
        await RepeatAsync(() => engine.ReleaseAsync(name, cancellationToken)).ConfigureAwait(false);
        group.Release();
    }

    public ValueTask SkipAsync(Checkpoint upTo, CancellationToken cancellationToken) =>
        RepeatAsync(() => engine.SkipCheckpointsAsync(upTo, cancellationToken));

    public async ValueTask<bool> HasStreamsAsync(CancellationToken cancellationToken) =>
        (await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 1), cancellationToken).ConfigureAwait(false)).Count > 0;

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken) =>
        engine.FindHeadAsync(stream, cancellationToken);

    public ValueTask<CommitRecord?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken) =>
        engine.FindCommitAsync(stream, commitId, cancellationToken);

    /// <summary>The newest checkpoint, and the newest event that is not removed.</summary>
    public async ValueTask<(Checkpoint Head, RecordedEvent? Newest)> FindNewestAsync(CancellationToken cancellationToken)
    {
        var upTo = Checkpoint.Max;
        Checkpoint? head = null;
        while (true)
        {
            var read = new StoreRead(EventFilter.Everything, Checkpoint.Origin, upTo, ReadDirection.Backward, new PageLimit(1, 1));
            var page = await engine.ReadAllAsync(read, cancellationToken).ConfigureAwait(false);
            head ??= page.Head;
            if (!page.Events.IsEmpty) return (head.Value, page.Events.Span[0]);
            if (page.IsEnd || page.Position.Value <= 1) return (head.Value, null);
            upTo = new Checkpoint(page.Position.Value - 1);
        }
    }

    /// <summary>Sends a batch. The thread that called may be the one that sends the commits of the application.</summary>
    /// <exception cref="CommitOutcomeUnknownException">It stays unknown which of the commits are stored.</exception>
    public async ValueTask<(IReadOnlyList<CommitOutcome> Outcomes, bool WasSettled)> CommitAsync(CommitAttempt[] attempts)
    {
        await CommitThread.ToPoolAsync().ConfigureAwait(false);
        try
        {
            return await settlement.AwaitAsync(attempts, engine.SendAsync(attempts)).ConfigureAwait(false);
        }
        catch (Exception error) when (Settlement.Explain(error, attempts[0]) is var explained && explained != error)
        {
            throw explained;
        }
    }

    public ValueTask TruncateAsync(StreamId stream, Revision before, CancellationToken cancellationToken) => RepeatAsync(
        async () => await Maintenance.TruncateAsync(stream, before, StreamExpectation.Any, cancellationToken).ConfigureAwait(false));

    private static async ValueTask RepeatAsync(Func<ValueTask> change)
    {
        try
        {
            await change().ConfigureAwait(false);
        }
        catch (BatchOutcomeUnknownException)
        {
            try
            {
                await change().ConfigureAwait(false);
            }
            catch (BatchOutcomeUnknownException unknown)
            {
                throw new StorageUnavailableException(
                    $"It is unknown whether a step of the import was carried out: {unknown.Message} Try again.", unknown);
            }
        }
    }
}

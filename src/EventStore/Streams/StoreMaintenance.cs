using EventStore.Feeds;
using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>
/// Deletes, truncates and seals streams, purges buckets, and verifies the store. What caches events is cleared after a removal.
/// </summary>
internal sealed class StoreMaintenance(IPersistenceEngine engine, SharedPages shared, PipelineHooks hooks)
{
    /// <returns>Whether the stream existed.</returns>
    public async ValueTask<bool> DeleteStreamAsync(StreamId stream, ExpectedRevision expected, CancellationToken cancellationToken)
    {
        var change = await engine.DeleteStreamSettledAsync(stream, expected, cancellationToken).ConfigureAwait(false);
        shared.Clear();
        RequireMet(stream, expected, change);
        if (change.Kind == StreamChangeKind.Missing) return false;
        await hooks.AfterDeleteAsync(stream).ConfigureAwait(false);
        return true;
    }

    /// <returns>The first revision that exists now; null for no stream.</returns>
    public async ValueTask<Revision?> TruncateStreamAsync(
        StreamId stream, Revision before, ExpectedRevision expected, CancellationToken cancellationToken)
    {
        var change = await TruncateAsync(stream, before, expected, cancellationToken).ConfigureAwait(false);
        RequireMet(stream, expected, change);
        return change.Kind == StreamChangeKind.Missing ? null : change.State.FirstRevision;
    }

    /// <summary>Truncates a stream, and returns what happened.</summary>
    public async ValueTask<StreamChange> TruncateAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken)
    {
        var change = await engine.TruncateStreamSettledAsync(stream, before, expected, cancellationToken).ConfigureAwait(false);
        shared.Clear();
        return change;
    }

    /// <returns>The revision at which the stream is sealed.</returns>
    public async ValueTask<Revision> SealStreamAsync(StreamId stream, ExpectedRevision expected, CancellationToken cancellationToken)
    {
        var change = await engine.SealStreamSettledAsync(stream, expected, cancellationToken).ConfigureAwait(false);
        RequireMet(stream, expected, change);
        return change.Kind == StreamChangeKind.Missing
            ? throw new ConcurrencyException(stream, ExpectedRevision.StreamExists, Revision.None)
            : change.State.Revision;
    }

    public async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken)
    {
        await engine.PurgeSettledAsync(bucket, cancellationToken).ConfigureAwait(false);
        shared.Clear();
        await hooks.AfterPurgeAsync(bucket).ConfigureAwait(false);
    }

    public async ValueTask PurgeAllAsync(CancellationToken cancellationToken)
    {
        await engine.PurgeSettledAsync(bucket: null, cancellationToken).ConfigureAwait(false);
        shared.Clear();
        await hooks.AfterPurgeAsync(bucket: null).ConfigureAwait(false);
    }

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken) =>
        engine.VerifyAsync(progress, cancellationToken);

    private static void RequireMet(StreamId stream, ExpectedRevision expected, StreamChange change)
    {
        if (change.Kind == StreamChangeKind.Conflict) throw new ConcurrencyException(stream, expected, change.State.Revision);
    }
}

using EventStore.Feeds;
using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>Deletes streams and buckets, and verifies the store. Whatever caches events is cleared after a deletion.</summary>
internal sealed class StoreMaintenance(IPersistenceEngine engine, SharedPages shared, PipelineHooks hooks)
{
    /// <returns>Whether the stream existed.</returns>
    public async ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var change = await engine.DeleteStreamAsync(stream, StreamExpectation.Any, cancellationToken).ConfigureAwait(false);
        var existed = change.Kind == StreamChangeKind.Changed;
        shared.Clear();
        if (existed) await hooks.AfterDeleteAsync(stream).ConfigureAwait(false);
        return existed;
    }

    public async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken)
    {
        await engine.PurgeBucketAsync(bucket, cancellationToken).ConfigureAwait(false);
        shared.Clear();
        await hooks.AfterPurgeAsync(bucket).ConfigureAwait(false);
    }

    public async ValueTask PurgeAllAsync(CancellationToken cancellationToken)
    {
        await engine.PurgeAllAsync(cancellationToken).ConfigureAwait(false);
        shared.Clear();
        await hooks.AfterPurgeAsync(bucket: null).ConfigureAwait(false);
    }

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken) =>
        engine.VerifyAsync(progress, cancellationToken);
}

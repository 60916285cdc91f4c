using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Removes streams, buckets and the store. A mark takes all of it from every read at once. Then small steps clear it away, so that the
/// server is never blocked for long. A process that opens the store continues where another one stopped. With steps of no entries nothing
/// is cleared away.
/// </summary>
internal sealed class RedisRemoval(RedisServer server, RedisSchema schema, RedisSettings settings, int stepEntries) : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private Task resumed = Task.CompletedTask;

    public async ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(stream);
        return await MarkAsync([schema.Meta, schema.Names, schema.Newest, schema.Index(name), schema.Snapshots(name)], name,
            cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask PurgeAsync(string? bucket, CancellationToken cancellationToken) =>
        await MarkAsync([schema.Meta, schema.Names, schema.Newest], RedisSchema.PrefixOf(bucket), cancellationToken).ConfigureAwait(false);

    /// <summary>Continues what another process began, beside everything else.</summary>
    public void Resume() => resumed = Task.WhenAll(resumed, BackgroundWork.Start(SweepAsync));

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await resumed.ConfigureAwait(false);
        ending.Dispose();
    }

    private async ValueTask<bool> MarkAsync(RedisKey[] keys, byte[] removed, CancellationToken cancellationToken)
    {
        var answer = await server.ChangeAsync(RedisScript.Remove, keys, [removed], cancellationToken).ConfigureAwait(false);
        if ((long)answer[1] == 0) return false;
        await SweepAsync().ConfigureAwait(false);
        return true;
    }

    // It is removed already; when clearing away fails, only space is lost, and only for now.
    private async Task SweepAsync()
    {
        if (stepEntries == 0) return;
        RedisKey[] keys = [schema.Meta, schema.Log, schema.Ids, schema.Names, schema.Removed, schema.Graves];
        try
        {
            while (true)
            {
                var answer = await server.ChangeAsync(RedisScript.Sweep, keys, [stepEntries], ending.Token).ConfigureAwait(false);
                if ((long)answer[1] == 0) return;
            }
        }
        catch (Exception error) when (error is StorageException or OperationCanceledException)
        {
            RedisLog.SweepStopped(settings.Logger, settings.Address, error);
        }
    }
}

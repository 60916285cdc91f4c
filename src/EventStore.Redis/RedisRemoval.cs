using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Removes streams, buckets and the store, and truncates and seals streams. A mark takes all of it from every read at once. Then small
/// steps clear it away, so that the server is never blocked for long. A process that opens the store continues where another one stopped.
/// With steps of no entries nothing is cleared away.
/// </summary>
internal sealed class RedisRemoval(RedisServer server, RedisSchema schema, RedisSettings settings, int stepEntries) : IAsyncDisposable
{
    private readonly CancellationTokenSource ending = new();
    private Task resumed = Task.CompletedTask;

    public ValueTask<StreamChange> DeleteStreamAsync(StreamId stream, StreamExpectation expected, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(stream);
        return ChangeAsync(
            RedisScript.Remove,
            [schema.Meta, schema.Names, schema.Newest, schema.Index(name), schema.Snapshots(name)],
            [name, RedisPlan.ExpectationOf(expected.Revision), RedisPlan.IncarnationOf(expected)],
            cancellationToken);
    }

    public async ValueTask PurgeAsync(string? bucket, CancellationToken cancellationToken) =>
        await ChangeAsync(
            RedisScript.Remove, [schema.Meta, schema.Names, schema.Newest], [RedisSchema.PrefixOf(bucket)], cancellationToken)
            .ConfigureAwait(false);

    /// <summary>Truncates a stream, or seals it where no revision is given.</summary>
    public ValueTask<StreamChange> ChangeStreamAsync(
        StreamId stream, Revision? before, StreamExpectation expected, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(stream);
        return ChangeAsync(
            RedisScript.ChangeStream,
            [schema.Meta, schema.Index(name), schema.Newest, schema.Snapshots(name)],
            [
                name, RedisPlan.ExpectationOf(expected.Revision), RedisPlan.IncarnationOf(expected),
                .. before is { } first ? (RedisValue[])[first.Value] : [],
            ],
            cancellationToken);
    }

    /// <summary>Continues what another process began, beside everything else.</summary>
    public void Resume() => resumed = Task.WhenAll(resumed, BackgroundWork.Start(SweepAsync));

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await resumed.ConfigureAwait(false);
        ending.Dispose();
    }

    private async ValueTask<StreamChange> ChangeAsync(
        RedisScript script, RedisKey[] keys, RedisValue[] arguments, CancellationToken cancellationToken)
    {
        var answer = await server.ChangeAsync(script, keys, arguments, cancellationToken).ConfigureAwait(false);
        var kind = (string)answer[1]! switch
        {
            "changed" => StreamChangeKind.Changed,
            "unchanged" => StreamChangeKind.Unchanged,
            "missing" => StreamChangeKind.Missing,
            _ => StreamChangeKind.Conflict,
        };
        if (kind == StreamChangeKind.Changed) await SweepAsync().ConfigureAwait(false);
        return new StreamChange(kind, RedisRows.StateOf((byte[])answer[2]!));
    }

    // It is removed already; when clearing away fails, only space is lost, and only for now.
    private async Task SweepAsync()
    {
        if (stepEntries == 0) return;
        RedisKey[] keys = [schema.Meta, schema.Log, schema.Ids, schema.Names, schema.Removed, schema.Graves, schema.Cuts];
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

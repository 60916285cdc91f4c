using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Wakes callers that wait for commits: at once for commits of this engine, and by a change stream where the deployment has them. Elsewhere
/// it polls as long as a caller waits. Only a hint: a caller finds by reading what it misses.
/// </summary>
internal sealed class MongoWakeUp : IAsyncDisposable
{
    private static readonly TimeSpan PollIntervalBesideStream = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);
    private readonly CommitSignal signal = new();
    private readonly CancellationTokenSource ending = new();
    private readonly MongoConnection connection;
    private readonly TimeProvider time;
    private readonly CommitWatch watch;

    // Guarded by the gate: not streaming before the first wait.
    private readonly Lock gate = new();
    private Task? watching;
    private volatile bool isStreaming;

    public MongoWakeUp(MongoConnection connection, TimeProvider time)
    {
        (this.connection, this.time) = (connection, time);
        watch = new CommitWatch(signal, LookAsync, time);
    }

    public void Raise(long upTo) => signal.Raise(new Checkpoint(upTo));

    public ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken)
    {
        BeginWatching();
        return watch.WaitAsync(
            after, atMost, () => isStreaming ? PollIntervalBesideStream : connection.PollInterval, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await watch.DisposeAsync().ConfigureAwait(false);
        Task last;
        lock (gate) last = watching ?? Task.CompletedTask;
        await last.ConfigureAwait(false);
        ending.Dispose();
    }

    private async ValueTask<Checkpoint> LookAsync(CancellationToken cancellationToken) =>
        await connection.FindFirstAsync(connection.Entries, MongoStorePages.Newest, cancellationToken).ConfigureAwait(false) is { } found
            ? new Checkpoint(MongoEntry.Of(found).Last)
            : Checkpoint.Origin;

    private void BeginWatching()
    {
        if (!connection.Deployment.HasChangeStreams) return;
        lock (gate)
        {
            if (!ending.IsCancellationRequested) watching ??= BackgroundWork.Start(WatchAsync);
        }
    }

    private async Task WatchAsync()
    {
        BsonDocument[] stages =
        [
            new("$match", new BsonDocument("operationType", "insert")),
            new("$project", new BsonDocument { { $"fullDocument.{MongoRows.Last}", 1 } }),
        ];
        PipelineDefinition<ChangeStreamDocument<BsonDocument>, BsonDocument> pipeline = stages;
        while (!ending.IsCancellationRequested)
        {
            try
            {
                using var changes = await connection.Entries.WatchAsync(pipeline, cancellationToken: ending.Token).ConfigureAwait(false);
                isStreaming = true;
                while (await changes.MoveNextAsync(ending.Token).ConfigureAwait(false))
                {
                    foreach (var change in changes.Current)
                        Raise(MongoRows.NumberOf(change["fullDocument"].AsBsonDocument, MongoRows.Last, least: 0));
                }
            }
            catch (Exception error) when (MongoErrors.IsOfDriver(error)
                || error is ObjectDisposedException or KeyNotFoundException or InvalidCastException or FormatException)
            {
                isStreaming = false;
            }

            await Task.Delay(PauseAfterFailure, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Wakes callers that wait for commits: at once for commits of this engine, by a change stream where the deployment has them, else by
/// polling as long as a caller waits. Only a hint: a caller finds by reading what it misses.
/// </summary>
internal sealed class MongoWakeUp(MongoConnection connection, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan PollIntervalBesideStream = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(5);
    private readonly CommitSignal signal = new();
    private readonly CancellationTokenSource ending = new();

    private readonly NewestCheckpoint newest = new();

    // Guarded by the gate: not watching before the first wait; polls are shared by all who wait.
    private readonly Lock gate = new();
    private Task? watching;
    private Task polling = Task.CompletedTask;
    private volatile bool isStreaming;

    public void Raise(long upTo)
    {
        newest.Raise(new Checkpoint(upTo));
        signal.Raise(new Checkpoint(upTo));
    }

    public async ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, CancellationToken cancellationToken)
    {
        BeginWatching();
        var started = time.GetTimestamp();
        while (newest.Value <= after)
        {
            var left = atMost - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero || ending.IsCancellationRequested) return;
            var interval = isStreaming ? PollIntervalBesideStream : connection.PollInterval;
            await signal.WaitAsync(after, left < interval ? left : interval, time, cancellationToken).ConfigureAwait(false);
            if (newest.Value <= after && left > interval) await PollAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        signal.WakeAll();
        Task[] last;
        lock (gate) last = [watching ?? Task.CompletedTask, polling];
        await Task.WhenAll(last).ConfigureAwait(false);
        ending.Dispose();
    }

    private Task PollAsync()
    {
        lock (gate) return polling.IsCompleted ? polling = BackgroundWork.Start(LookAsync) : polling;
    }

    private async Task LookAsync()
    {
        try
        {
            if (await connection.FindFirstAsync(connection.Entries, MongoReader.Newest, ending.Token)
                .ConfigureAwait(false) is { } found) Raise(MongoEntry.Of(found).Last);
        }
        catch (Exception error) when (error is StorageException or OperationCanceledException or ObjectDisposedException)
        {
            // The waiting caller then reads, and gets the error there.
        }
    }

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
            new("$project", new BsonDocument { { "documentKey", 1 }, { $"fullDocument.{MongoRows.Count}", 1 } }),
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
                    foreach (var change in changes.Current) Raise(change["documentKey"][MongoRows.Key].AsInt64
                        + change["fullDocument"][MongoRows.Count].AsInt32 - 1);
                }
            }
            catch (Exception error) when (MongoErrors.IsOfDriver(error) || error is ObjectDisposedException or KeyNotFoundException)
            {
                isStreaming = false;
            }

            await Task.Delay(PauseAfterFailure, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}

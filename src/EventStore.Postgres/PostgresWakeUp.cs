using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Announces commits to other processes by NOTIFY, and receives theirs by LISTEN. Only a hint: sent after the commit, at most every few
/// milliseconds, and lost with a connection; a caller that waits also polls. Listens from the first wait on, over a connection of its own.
/// </summary>
internal sealed class PostgresWakeUp(PostgresConnections connections, PostgresSql sql, CommitSignal signal, ILogger logger)
    : IAsyncDisposable
{
    private static readonly TimeSpan PauseBetweenNotices = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan PauseAfterLoss = TimeSpan.FromMilliseconds(200);

    // How long a connection may be silent until it is asked whether it is still there.
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(15);
    private const string Notify = "SELECT pg_notify($1, $2)";
    private const string NotifyUnflushed = "SELECT pg_notify($1, $2), set_config('synchronous_commit', 'off', true)";
    private readonly string findStore = sql.Load("find-store");
    private readonly Channel<long> committed =
        Channel.CreateBounded<long>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CancellationTokenSource ending = new();

    // Guarded by the gate.
    private readonly Lock gate = new();
    private Task announcing = Task.CompletedTask;
    private Task listening = Task.CompletedTask;
    private bool isAnnouncing;
    private bool isListening;

    /// <summary>The channel of a store: named after its table, so that no two stores of a database share one.</summary>
    public static string ChannelOf(long tableId) => $"eventstore_{tableId}";

    /// <summary>
    /// The statement that announces a commit. Inside a transaction the notice is sent when that is committed; outside, nothing is flushed
    /// for a hint.
    /// </summary>
    public static NpgsqlCommand NoticeOf(NpgsqlConnection connection, long tableId, Checkpoint upTo, bool isInside) =>
        new(isInside ? Notify : NotifyUnflushed, connection)
        {
            Parameters = { PostgresSql.Value(ChannelOf(tableId)), PostgresSql.Value(upTo.ToString()) },
        };

    /// <summary>
    /// Announces to other processes, within a few milliseconds, that everything up to a checkpoint can be read. Inside a transaction of the
    /// application, the notice is sent when that is committed.
    /// </summary>
    public ValueTask AnnounceAsync(long tableId, Checkpoint upTo)
    {
        if (connections.IsInside) return AnnounceInsideAsync(tableId, upTo);
        committed.Writer.TryWrite(upTo.Value);
        if (!Volatile.Read(ref isAnnouncing)) Start(ref isAnnouncing, ref announcing, () => KeepAnnouncingAsync(tableId));
        return default;
    }

    /// <summary>Begins to listen for commits of other processes.</summary>
    public void Listen(long tableId)
    {
        if (!Volatile.Read(ref isListening)) Start(ref isListening, ref listening, () => KeepListeningAsync(tableId));
    }

    public async ValueTask DisposeAsync()
    {
        Task[] last;
        lock (gate)
        {
            ending.Cancel();
            last = [announcing, listening];
        }

        await Task.WhenAll(last).ConfigureAwait(false);
        ending.Dispose();
    }

    private void Start(ref bool isStarted, ref Task task, Func<Task> loop)
    {
        lock (gate)
        {
            if (isStarted || ending.IsCancellationRequested) return;
            Volatile.Write(ref isStarted, true);
            task = BackgroundWork.Start(loop);
        }
    }

    private async ValueTask AnnounceInsideAsync(long tableId, Checkpoint upTo) =>
        await connections.ChangeAsync("announce a commit", async connection =>
    {
        var notice = NoticeOf(connection, tableId, upTo, isInside: true);
        await using var disposing = notice.ConfigureAwait(false);
        return await notice.ExecuteNonQueryAsync().ConfigureAwait(false);
    }, CancellationToken.None).ConfigureAwait(false);

    private async Task KeepAnnouncingAsync(long tableId)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                var upTo = await committed.Reader.ReadAsync(ending.Token).ConfigureAwait(false);
                var lease = await connections.RentAsync(ending.Token).ConfigureAwait(false);
                await using var leaseEnding = lease.ConfigureAwait(false);
                var notice = NoticeOf(lease.Connection, tableId, new Checkpoint(upTo), isInside: false);
                await using var noticeEnding = notice.ConfigureAwait(false);
                await notice.ExecuteNonQueryAsync(ending.Token).ConfigureAwait(false);
                await Task.Delay(PauseBetweenNotices, ending.Token).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                await PauseAsync(error, PostgresLog.NoticeLost).ConfigureAwait(false);
            }
        }
    }

    private async Task KeepListeningAsync(long tableId)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                var lease = await connections.RentAsync(ending.Token).ConfigureAwait(false);
                await using var leaseEnding = lease.ConfigureAwait(false);
                await ListenAsync(lease, tableId).ConfigureAwait(false);
            }
            catch (Exception error)
            {
                await PauseAsync(error, PostgresLog.ListeningLost).ConfigureAwait(false);
            }
        }
    }

    private async Task ListenAsync(PostgresConnections.Lease lease, long tableId)
    {
        var connection = lease.Connection;
        connection.Notification += (_, notice) =>
        {
            if (long.TryParse(notice.Payload, NumberStyles.None, CultureInfo.InvariantCulture, out var upTo)) signal.Raise(
                new Checkpoint(upTo));
        };
        var listen = new NpgsqlCommand($"LISTEN {ChannelOf(tableId)}", connection);
        await using (listen.ConfigureAwait(false)) await listen.ExecuteNonQueryAsync(ending.Token).ConfigureAwait(false);
        try
        {
            while (true)
            {
                // What was committed before this connection listened, or while it was silent and perhaps dead.
                var find = new NpgsqlCommand(findStore, connection);
                await using (find.ConfigureAwait(false))
                {
                    var reader = await find.ExecuteReaderAsync(ending.Token).ConfigureAwait(false);
                    await using var readerEnding = reader.ConfigureAwait(false);
                    if (await reader.ReadAsync(ending.Token).ConfigureAwait(false)) signal.Raise(new Checkpoint(reader.GetInt64(1)));
                }

                while (await connection.WaitAsync(LongestSilence, ending.Token).ConfigureAwait(false))
                {
                }
            }
        }
        finally
        {
            if (connection.FullState.HasFlag(System.Data.ConnectionState.Open)) await StopListeningAsync(lease, tableId)
                .ConfigureAwait(false);
        }
    }

    // The connection goes back to its pool, which may be the application's: it goes back without the subscription, or is closed.
    private static async Task StopListeningAsync(PostgresConnections.Lease lease, long tableId)
    {
        try
        {
            var unlisten = new NpgsqlCommand($"UNLISTEN {ChannelOf(tableId)}", lease.Connection) { CommandTimeout = 2 };
            await using var unlistenEnding = unlisten.ConfigureAwait(false);
            await unlisten.ExecuteNonQueryAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException)
        {
            lease.Discard();
        }
    }

    private async Task PauseAsync(Exception error, Action<ILogger, Exception> log)
    {
        if (ending.IsCancellationRequested) return;
        log(logger, error);
        await Task.Delay(PauseAfterLoss, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}

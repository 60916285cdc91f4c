using System.Globalization;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Hears of commits: those of this engine at once, those of others by pub/sub, from the first wait on. Only a hint: whoever waits also polls.
/// </summary>
internal sealed class RedisWakeUp(RedisConnection connection, RedisSchema schema, RedisOptions options, string address, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    // How long a wait lasts while nothing is heard: whoever waits then looks for himself, and comes back.
    private static readonly TimeSpan LongestDeafWait = TimeSpan.FromSeconds(1);

    private readonly CommitSignal signal = new();
    private readonly SemaphoreSlim subscribing = new(1, 1);
    private volatile bool isSubscribed;
    private volatile bool isConnected;

    /// <summary>The channel on which the scripts announce commits, as the server names it. Channels are those of a server, not of a database.</summary>
    public string Channel => $"{connection.ChannelPrefix}{LocalChannel}";

    private string LocalChannel => string.Create(CultureInfo.InvariantCulture, $"{schema.Channel}:{connection.Database.Database}");

    /// <summary>Begins to tell of changes of the connection.</summary>
    public void Connect()
    {
        if (isConnected) return;
        isConnected = true;
        connection.Multiplexer.ConnectionFailed += OnFailed;
        connection.Multiplexer.ConnectionRestored += OnRestored;
    }

    public void Raise(long checkpoint) => signal.Raise(checkpoint);

    /// <summary>Waits for a commit after a checkpoint; while none can be heard of, for a moment only.</summary>
    /// <param name="after">The checkpoint.</param>
    /// <param name="atMost">How long.</param>
    /// <param name="find">Finds the newest checkpoint.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, Func<CancellationToken, ValueTask<long>> find, CancellationToken cancellationToken)
    {
        if (!isSubscribed) await SubscribeAsync(find, cancellationToken).ConfigureAwait(false);
        if (!isSubscribed && atMost > LongestDeafWait) atMost = LongestDeafWait;
        await signal.WaitAsync(after, atMost, time, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        signal.WakeAll();
        await subscribing.WaitAsync().ConfigureAwait(false);
        if (isConnected)
        {
            connection.Multiplexer.ConnectionFailed -= OnFailed;
            connection.Multiplexer.ConnectionRestored -= OnRestored;
        }

        try
        {
            if (isSubscribed) await connection.Multiplexer.GetSubscriber().UnsubscribeAsync(NamedChannel(), OnCommit).WaitAsync(options.CommandTimeout, time).ConfigureAwait(false);
        }
        catch (Exception error) when (error is RedisException or TimeoutException or ObjectDisposedException)
        {
            // The server is away, and with it the subscription.
        }

        subscribing.Release();
    }

    // What was committed before the subscription holds is not announced, so it is looked for.
    private async ValueTask SubscribeAsync(Func<CancellationToken, ValueTask<long>> find, CancellationToken cancellationToken)
    {
        await subscribing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (isSubscribed) return;
            await connection.Multiplexer.GetSubscriber().SubscribeAsync(NamedChannel(), OnCommit).WaitAsync(options.CommandTimeout, time, cancellationToken).ConfigureAwait(false);
            isSubscribed = true;
            signal.Raise(await find(cancellationToken).ConfigureAwait(false));
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            RedisLog.NotListening(logger, error);
        }
        finally
        {
            subscribing.Release();
        }
    }

    private RedisChannel NamedChannel() => new(LocalChannel, RedisChannel.PatternMode.Literal);

    private void OnCommit(RedisChannel channel, RedisValue checkpoint)
    {
        if (long.TryParse((string?)checkpoint, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) signal.Raise(value);
    }

    private void OnFailed(object? sender, ConnectionFailedEventArgs failure) => RedisLog.Failed(logger, address, failure.FailureType.ToString());

    // What was announced meanwhile was not heard.
    private void OnRestored(object? sender, ConnectionFailedEventArgs restored)
    {
        RedisLog.Restored(logger, address);
        signal.WakeAll();
    }
}

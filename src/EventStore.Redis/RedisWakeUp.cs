using System.Globalization;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Reports commits: those of this engine at once, those of others by pub/sub, from the first wait on. Only a hint: a caller that waits also
/// polls.
/// </summary>
internal sealed class RedisWakeUp(RedisConnection connection, RedisSchema schema, RedisSettings settings) : IAsyncDisposable
{
    // How long a wait lasts while commits of others are not announced here: the caller then reads, and waits again.
    private static readonly TimeSpan LongestDeafWait = TimeSpan.FromSeconds(1);

    private readonly CommitSignal signal = new();
    private readonly SemaphoreSlim following = new(1, 1);

    // Guarded by the semaphore: subscribed once; from then on the driver subscribes again by itself when a connection was replaced.
    private bool isRequested;

    // Whether commits are announced here, and those from before that were looked for. A connection that fails or is replaced ends it.
    private volatile bool isFollowing;

    /// <summary>
    /// The channel on which the scripts announce commits, as the server names it. Channels are those of a server, not of a database.
    /// </summary>
    public string Channel => $"{connection.ChannelPrefix}{LocalChannel}";

    private string LocalChannel => string.Create(CultureInfo.InvariantCulture, $"{schema.Channel}:{connection.Database.Database}");

    private RedisChannel NamedChannel => RedisChannel.Literal(LocalChannel);

    public void Raise(long checkpoint) => signal.Raise(new Checkpoint(checkpoint));

    /// <summary>Waits for a commit after a checkpoint; while none is announced here, for a moment only.</summary>
    /// <param name="after">The checkpoint.</param>
    /// <param name="atMost">How long.</param>
    /// <param name="find">Finds the newest checkpoint.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask WaitAsync(Checkpoint after, TimeSpan atMost, Func<CancellationToken, ValueTask<long>> find,
        CancellationToken cancellationToken)
    {
        if (!isFollowing) await FollowAsync(find, cancellationToken).ConfigureAwait(false);
        if (!isFollowing && atMost > LongestDeafWait) atMost = LongestDeafWait;
        await signal.WaitAsync(after, atMost, settings.Time, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Takes in that a connection failed.</summary>
    public void OnFailed(object? sender, ConnectionFailedEventArgs failure)
    {
        isFollowing = false;

        // A connection that was replaced before its server is retired is no failure.
        if (failure.FailureType != ConnectionFailureType.MaintenanceHandoff) RedisLog.Failed(settings.Logger, settings.Address,
            failure.FailureType.ToString());
    }

    /// <summary>Takes in that a connection is there again: what was announced meanwhile was missed.</summary>
    public void OnRestored(object? sender, ConnectionFailedEventArgs restored)
    {
        isFollowing = false;
        RedisLog.Restored(settings.Logger, settings.Address);
        signal.WakeAll();
    }

    public async ValueTask DisposeAsync()
    {
        signal.WakeAll();
        await following.WaitAsync().ConfigureAwait(false);
        try
        {
            if (isRequested) await connection.Multiplexer.GetSubscriber().UnsubscribeAsync(NamedChannel, OnCommit)
                .WaitAsync(settings.Options.CommandTimeout, settings.Time).ConfigureAwait(false);
        }
        catch (Exception error) when (error is RedisException or TimeoutException or ObjectDisposedException)
        {
            // The server is away, and with it the subscription.
        }

        following.Release();
    }

    private async ValueTask FollowAsync(Func<CancellationToken, ValueTask<long>> find, CancellationToken cancellationToken)
    {
        await following.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (isFollowing) return;
            var subscriber = connection.Multiplexer.GetSubscriber();
            if (!isRequested)
            {
                isRequested = true;
                await subscriber.SubscribeAsync(NamedChannel, OnCommit)
                    .WaitAsync(settings.Options.CommandTimeout, settings.Time, cancellationToken).ConfigureAwait(false);
            }
            else if (subscriber.SubscribedEndpoint(NamedChannel) is null)
            {
                return;
            }

            // Set before the search, so that a connection that is replaced meanwhile resets it. What was committed before the subscription
            // is not announced.
            isFollowing = true;
            signal.Raise(new Checkpoint(await find(cancellationToken).ConfigureAwait(false)));
        }
        catch (Exception error) when (error is RedisException or RedisCommandException or TimeoutException)
        {
            RedisLog.NotListening(settings.Logger, error);
        }
        catch
        {
            isFollowing = false;
            throw;
        }
        finally
        {
            following.Release();
        }
    }

    private void OnCommit(RedisChannel channel, RedisValue checkpoint)
    {
        if (long.TryParse((string?)checkpoint, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) signal.Raise(
            new Checkpoint(value));
    }
}

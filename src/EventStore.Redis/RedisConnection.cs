using System.Net;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>The driver's connection: opened here and closed with the store, or the application's, which is left open.</summary>
internal sealed class RedisConnection(ConfigurationOptions configuration, IConnectionMultiplexer? given) : IAsyncDisposable
{
    private const int FirstReconnectMilliseconds = 100;
    private const int LastReconnectMilliseconds = 2_000;
    private readonly SemaphoreSlim opening = new(1, 1);
    private readonly bool isGiven = given is not null;
    private volatile IConnectionMultiplexer? open = given;
    private volatile IDatabase? database = given?.GetDatabase();
    private volatile bool isListening;
    private TaskCompletionSource change = NewChange();

    /// <summary>Raised when a connection to a server failed.</summary>
    public event EventHandler<ConnectionFailedEventArgs>? Failed;

    /// <summary>Raised when a connection to a server is there again.</summary>
    public event EventHandler<ConnectionFailedEventArgs>? Restored;

    /// <summary>The servers, without anything secret.</summary>
    public string Address { get; } = string.Join(',', configuration.EndPoints.Select(Describe));

    /// <summary>What the driver puts before the names of channels.</summary>
    public string ChannelPrefix { get; } = (string?)configuration.ChannelPrefix ?? "";

    /// <summary>The connection once it is open.</summary>
    public IConnectionMultiplexer Multiplexer => open ?? throw NotInitialized();

    /// <summary>
    /// Completes when the driver next reports a connection, a role or a slot that changed: a command that failed may succeed then.
    /// </summary>
    public Task NextChange => Volatile.Read(ref change).Task;

    /// <summary>The database that the configuration names.</summary>
    public IDatabase Database => database ?? throw NotInitialized();

    /// <summary>Reads a configuration string, without opening anything.</summary>
    /// <exception cref="WireupException">It cannot be read, or names no server.</exception>
    public static ConfigurationOptions Parse(string configuration)
    {
        ConfigurationOptions? parsed = null;
        try
        {
            parsed = ConfigurationOptions.Parse(configuration ?? "");
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            // What it says may be secret, so it is not shown.
        }

        return parsed is { EndPoints.Count: > 0 } && parsed.EndPoints.All(IsServer)
            ? parsed
            : throw new WireupException(
            "The Redis configuration names no server, or cannot be read. It has the form 'host:port,option=value', as in "
                + "'localhost:6379,ssl=true', and is not a URL.");
    }

    // What is not the name of a host may be a secret in the wrong place, and would be part of the store's address.
    private static bool IsServer(EndPoint server) =>
        server is not DnsEndPoint named || named.Host.All(one => char.IsAsciiLetterOrDigit(one) || one is '.' or '-' or '_');

    /// <summary>Opens the connection. Where the server is not there yet, the driver goes on trying by itself.</summary>
    public async ValueTask OpenAsync(RedisOptions options, CancellationToken cancellationToken)
    {
        if (isListening) return;
        await opening.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (isListening) return;
            var connected = open ?? await ConnectAsync(options).ConfigureAwait(false);
            database = connected.GetDatabase();
            open = connected;
            Listen(connected);
            isListening = true;
        }
        finally
        {
            opening.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await opening.WaitAsync().ConfigureAwait(false);
        opening.Release();
        if (open is null) return;
        if (isListening) StopListening(open);
        if (isGiven) return;

        // Nothing is under way any more. Disposing alone would first wait until every server has replied to a QUIT.
        await open.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
        await open.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<IConnectionMultiplexer> ConnectAsync(RedisOptions options)
    {
        configuration.AbortOnConnectFail = false;
        configuration.AllowAdmin = true; // the driver lets no other connection ask for the settings that durability depends on
        LimitTimes(options);
        configuration.ReconnectRetryPolicy = new ExponentialRetry(FirstReconnectMilliseconds, LastReconnectMilliseconds);
        return await ConnectionMultiplexer.ConnectAsync(configuration).ConfigureAwait(false);
    }

    private void Listen(IConnectionMultiplexer connected)
    {
        connected.ConnectionFailed += OnFailed;
        connected.ConnectionRestored += OnRestored;
        connected.ConfigurationChanged += OnChanged;
        connected.ConfigurationChangedBroadcast += OnChanged;
        connected.HashSlotMoved += OnChanged;
    }

    private void StopListening(IConnectionMultiplexer connected)
    {
        connected.ConnectionFailed -= OnFailed;
        connected.ConnectionRestored -= OnRestored;
        connected.ConfigurationChanged -= OnChanged;
        connected.ConfigurationChangedBroadcast -= OnChanged;
        connected.HashSlotMoved -= OnChanged;
    }

    private void OnFailed(object? sender, ConnectionFailedEventArgs failure) => Failed?.Invoke(this, failure);

    private void OnRestored(object? sender, ConnectionFailedEventArgs restored)
    {
        OnChanged(sender, restored);
        Restored?.Invoke(this, restored);
    }

    private void OnChanged(object? sender, EventArgs report) => Interlocked.Exchange(ref change, NewChange()).TrySetResult();

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // How long the driver has patience by itself. With a command that was sent, longer than the engine, or its options would be of no
    // effect. With one that found no connection, shorter: the driver knows that it was not sent, the engine would not.
    private void LimitTimes(RedisOptions options)
    {
        var longest = options.CommandTimeout + options.ReplicaTimeout;
        configuration.AsyncTimeout = (int)longest.TotalMilliseconds;
        configuration.SyncTimeout = Math.Min(configuration.SyncTimeout, (int)options.CommandTimeout.TotalMilliseconds / 2);
    }

    private static string Describe(EndPoint server) => server is DnsEndPoint named ? $"{named.Host}:{named.Port}" : server.ToString()!;

    private static InvalidOperationException NotInitialized() =>
        new("The engine is not initialized. Call InitializeAsync before any other member.");
}

using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>What an error of the driver says about the command.</summary>
internal enum RedisFault
{
    /// <summary>Nothing was carried out, and time may heal it.</summary>
    Unavailable,

    /// <summary>It was sent, and no answer came.</summary>
    Unknown,

    /// <summary>The server replied with an error that time does not heal.</summary>
    Refused,
}

/// <summary>Classifies errors of the driver and the server by type, kind and the code with which a server's error begins.</summary>
internal static class RedisErrors
{
    // A server that cannot serve now, or no longer serves the store: then the driver is about to learn the new roles and slots.
    private static readonly HashSet<RedisErrorKind> Passing =
    [
        RedisErrorKind.Loading, RedisErrorKind.Busy, RedisErrorKind.ClusterDown, RedisErrorKind.TryAgain, RedisErrorKind.MasterDown,
        RedisErrorKind.ReadOnly,
        RedisErrorKind.Moved, RedisErrorKind.Ask, RedisErrorKind.UnknownRedirectTarget, RedisErrorKind.NoReplicas,
            RedisErrorKind.Misconfigured, RedisErrorKind.OutOfMemory,
    ];

    public static RedisFault FaultOf(Exception error) => error switch
    {
        RedisServerException server when Passing.Contains(server.Kind) => RedisFault.Unavailable,
        RedisServerException => RedisFault.Refused,
        RedisConnectionException { CommandStatus: CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog } =>
            RedisFault.Unavailable,
        RedisTimeoutException { Commandstatus: CommandStatus.WaitingToBeSent or CommandStatus.WaitingInBacklog } => RedisFault.Unavailable,
        RedisConnectionException
        {
            FailureType: ConnectionFailureType.UnableToResolvePhysicalConnection or ConnectionFailureType.UnableToConnect,
            CommandStatus: not CommandStatus.Sent,
        } => RedisFault.Unavailable,
        RedisConnectionException or RedisTimeoutException or TimeoutException or ObjectDisposedException => RedisFault.Unknown,
        RedisCommandException => RedisFault.Refused,
        _ => RedisFault.Unknown,
    };

    /// <summary>
    /// Whether a script to which the server replied with an error may have begun to write: one that says no more than that running it
    /// failed.
    /// </summary>
    public static bool MayHaveBegun(Exception error) => error is RedisServerException server && CodeOf(server) is "ERR" or "WRONGTYPE";

    /// <summary>Whether the server does not know the script of a hash, so that nothing was run.</summary>
    public static bool IsUnknownScript(RedisServerException error) => error.Kind == RedisErrorKind.NoScript;

    /// <summary>The code with which a server's error begins, such as WRONGTYPE.</summary>
    public static string CodeOf(RedisServerException error)
    {
        var end = error.Message.IndexOf(' ', StringComparison.Ordinal);
        return end < 0 ? error.Message : error.Message[..end];
    }

    /// <summary>What the caller of a refused command gets. Arguments of commands never appear.</summary>
    public static StorageException Explain(Exception error, string address) => error is RedisServerException server ? CodeOf(server) switch
    {
        "STOREGONE" =>
            new StorageException(
            $"The store {address} is no longer there, or not whole: its keys were deleted from outside. "
                + "Restore the server's data, or open the store again.", error),
        "STREAMFULL" =>
            new StorageException(
            $"A stream in {address} has 20 million commits, which is all that this backend keeps in one. Nothing was stored. "
                + "Go on in a new stream.", error),
        "ENTRYGONE" =>
            new CorruptStorageException($"checkpoint {server.Message["ENTRYGONE ".Length..].Split(' ')[0]} of {address}",
            "the log does not have the entry that a stream's index names.",
            "Run a verification, which names all such places, and restore the server's data.", error),
        "INDEXGONE" => new CorruptStorageException($"an index of {address}", "a stream is listed whose index is not there.",
            "Run a verification, which names all such places, and restore the server's data.", error),
        "NOAUTH" or "WRONGPASS" or "NOPERM" =>
            new StorageException(
            $"The server of {address} does not let this user do what is needed ({CodeOf(server)}). "
                + "Give the user of the connection string the keys of the store, its channel and the scripting commands.", error),
        var code => new StorageException(
            $"The server of {address} refused a command with the error {code}. The inner exception has its words.", error),
    }
    : new StorageException($"The driver could not send a command to {address}: {error.GetType().Name}. The inner exception has its words.",
    error);
}

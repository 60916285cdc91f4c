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

    // The code of scripts for a value that is not as it was written.
    private const string Damaged = "DAMAGED";

    // The code of scripts that failed after they began to write.
    private const string Begun = "BEGUN";

    public static RedisFault FaultOf(Exception error) => error switch
    {
        RedisServerException server when Passing.Contains(server.Kind) => RedisFault.Unavailable,
        RedisServerException => RedisFault.Refused,
        // First: the driver keeps the command in its backlog, as for a server that is away.
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => RedisFault.Refused,
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
    /// Whether a script that failed may have begun to write. The script says so, or the error says only that running it failed.
    /// </summary>
    public static bool MayHaveBegun(Exception error) =>
        error is RedisServerException server && CodeOf(server) is Begun or "ERR" or "WRONGTYPE";

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
        "TERMFULL" =>
            new StorageException(
            $"A category or tag in {address} has 80 million commits, which is all that this backend keeps of one. Nothing was stored. "
                + "Use a new category or tag.", error),
        "ENTRYGONE" =>
            new CorruptStorageException($"checkpoint {server.Message["ENTRYGONE ".Length..].Split(' ')[0]} of {address}",
            "the log does not have the entry that a stream's index names.",
            "Run a verification, which names all such places, and restore the server's data.", error),
        "INDEXGONE" => new CorruptStorageException($"an index of {address}", "a stream is listed whose index is not there.",
            "Run a verification, which names all such places, and restore the server's data.", error),
        "NOAUTH" or "WRONGPASS" => NotLetIn(CodeOf(server), error, address),
        "NOPERM" =>
            new StorageException(
            $"The server of {address} does not let this user do what is needed (NOPERM). "
                + "Give the user of the connection string the keys of the store, its channel and the scripting commands.", error),
        "CROSSSLOT" =>
            new StorageException(
            $"The server of {address} finds the keys of the store in several slots (CROSSSLOT). A proxy before it may change key names; "
                + "let it leave the braces in them.", error),
        Damaged =>
            new CorruptStorageException($"the key '{KeyOf(server)}' of {address}", "its value is not as this engine writes it.",
            "Run a verification, which names all such places, and restore the server's data.", error),
        var code => new StorageException(
            $"The server of {address} refused a command with the error {code}. The inner exception has its words.", error),
    }
    : error is RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure }
        ? NotLetIn("authentication failed", error, address)
        : new StorageException(
            $"The driver could not send a command to {address}: {error.GetType().Name}. The inner exception has its words.",
    error);

    /// <summary>What the caller gets when the server stayed away, or could not serve, until the time was over.</summary>
    public static StorageUnavailableException Unavailable(Exception error, string address, TimeSpan waited) => new(
        error is RedisServerException server
            ? $"The server of {address} could not serve for {waited.TotalSeconds:0.#} s ({CodeOf(server)}). Nothing was stored. "
                + AdviceFor(CodeOf(server))
            : $"{address} could not be reached for {waited.TotalSeconds:0.#} s. Nothing was stored. "
                + "Check that the server is up and can be reached, and try again.", error);

    // The script replaced control characters by slashes.
    private static string KeyOf(RedisServerException error) => error.Message[Math.Min(Damaged.Length + 1, error.Message.Length)..];

    private static string AdviceFor(string code) => code switch
    {
        "MISCONF" => "It takes no writes because it cannot save to its disk. Look at its log, make room on the disk, and try again.",
        "OOM" => "Its memory is used up (maxmemory). Raise the limit, or remove data of others, and try again.",
        "LOADING" => "It loads its data into memory. Try again later.",
        "BUSY" => "A script or function of another application runs for too long. Wait for it, or end it with SCRIPT KILL.",
        "READONLY" => "It is a replica. Name the master, or all servers of the set, in the connection string.",
        "MASTERDOWN" => "It is a replica that lost its master, and may not serve stale data. Bring the master back.",
        "NOREPLICAS" => "Fewer replicas are connected than min-replicas-to-write asks for. Bring them back.",
        "CLUSTERDOWN" => "The cluster does not serve all slots. Look at CLUSTER INFO, and bring the missing masters back.",
        "TRYAGAIN" or "MOVED" or "ASK" => "Its slots are being moved. Try again later.",
        _ => "Look at its log, and try again later.",
    };

    private static StorageException NotLetIn(string why, Exception error, string address) => new(
        $"The server of {address} refused the user or the password ({why}). Give both in the connection string, as in "
            + "'host:6379,user=name,password=…'.", error);
}

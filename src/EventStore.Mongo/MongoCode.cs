using System.Collections.Frozen;

namespace EventStore.Mongo;

/// <summary>What an error code of the server means to an operator: whether time may heal it, and what to do.</summary>
/// <param name="Heals">Whether a later call may succeed.</param>
/// <param name="Advice">What to do, in sentences.</param>
internal sealed record MongoCode(bool Heals, string Advice)
{
    private const string Credentials = "Check the user, the password and authSource of the connection string.";
    private const string Changing = "The primary is changing or shutting down. Try again later.";
    private const string Network = "The server lost its connections to others. Try again later.";
    private const string Slow = "The server did not end it in time. Try again, or raise MongoOptions.CommandTimeout.";
    private const string Members = "The write concern cannot be met: too few members are up. Bring them back.";

    private static readonly FrozenDictionary<int, MongoCode> Known = new Dictionary<int, MongoCode>
    {
        [6] = new(true, Network), // HostUnreachable
        [7] = new(true, Network), // HostNotFound
        [13] = new(false, "The user may not do this. Give it the role readWrite on the database."), // Unauthorized
        [18] = new(false, Credentials), // AuthenticationFailed
        [26] = new(false, "A collection of the store is missing. Restore it, or call InitializeStorageEngine()."), // NamespaceNotFound
        [43] = new(true, "The cursor is gone. Try again."), // CursorNotFound
        [50] = new(true, Slow), // MaxTimeMSExpired
        [64] = new(true, Members), // WriteConcernFailed
        [79] = new(false, "The deployment does not know this write concern. Correct its configuration."), // UnknownReplWriteConcern
        [89] = new(true, Network), // NetworkTimeout
        [91] = new(true, Changing), // ShutdownInProgress
        [100] = new(true, Members), // UnsatisfiableWriteConcern
        [112] = new(true, "Another operation was in the way. Try again."), // WriteConflict
        [133] = new(true, "No member fits the read preference now. Bring the primary back."), // FailedToSatisfyReadPreference
        [189] = new(true, Changing), // PrimarySteppedDown
        [262] = new(true, Slow), // ExceededTimeLimit
        [8000] = new(false, Credentials), // AtlasError
        [9001] = new(true, Network), // SocketException
        [10107] = new(true, Changing), // NotWritablePrimary
        [10334] = new(false, "It is larger than a document may be. Split it."), // BSONObjectTooLarge
        [11600] = new(true, Changing), // InterruptedAtShutdown
        [11602] = new(true, Changing), // InterruptedDueToReplStateChange
        [13388] = new(true, "Its collections are being moved. Try again."), // StaleConfig
        [13435] = new(true, Changing), // NotPrimaryNoSecondaryOk
        [13436] = new(true, Changing), // NotPrimaryOrSecondary
        [14031] = new(true, "The disk of the server is full. Make room and try again."), // OutOfDiskSpace
        [16500] = new(true, "The service limits the rate of requests. Try again later, or raise the limit."), // throttled
    }.ToFrozenDictionary();

    /// <summary>What a code means; null where it is not known.</summary>
    public static MongoCode? Find(int? code) => code is { } known ? Known.GetValueOrDefault(known) : null;
}

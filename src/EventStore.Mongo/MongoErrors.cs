using System.Net.Sockets;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>Turns what the driver throws into what the contract promises: by type and code, never by the text of a message.</summary>
internal static class MongoErrors
{
    private const int IndexOptionsConflict = 85;
    private const int IndexKeySpecsConflict = 86;

    /// <summary>Whether a unique index refused a document, and nothing else went wrong.</summary>
    public static bool IsDuplicateKey(Exception error) => error switch
    {
        MongoBulkWriteException bulk =>
            bulk.WriteConcernError is null && bulk.WriteErrors is [{ Category: ServerErrorCategory.DuplicateKey }],
        MongoWriteException write => write.WriteConcernError is null && write.WriteError?.Category == ServerErrorCategory.DuplicateKey,
        _ => false,
    };

    /// <summary>Whether an index of the same name or keys is there with other settings.</summary>
    public static bool IsOtherIndex(MongoCommandException error) => error.Code is IndexOptionsConflict or IndexKeySpecsConflict;

    /// <summary>Whether the error comes from the driver or from the time limit of a request.</summary>
    public static bool IsOfDriver(Exception error) =>
        error is MongoException or TimeoutException or OperationCanceledException or SocketException or IOException;

    /// <summary>What a failed read means: nothing was changed.</summary>
    public static StorageException OfRead(Exception error) => IsUnreachable(error) ? Unreachable(error) : Refused(error);

    /// <summary>What a failed write means.</summary>
    public static StorageException OfWrite(Exception error)
    {
        if (WasNotSent(error)) return Unreachable(error);
        return error is MongoServerException and not (
            MongoNotPrimaryException or MongoNodeIsRecoveringException or MongoExecutionTimeoutException or MongoWriteConcernException)
            && error is not MongoBulkWriteException { WriteConcernError: not null }
                and not MongoWriteException { WriteConcernError: not null }
            ? Refused(error)
            : new BatchOutcomeUnknownException("The connection to MongoDB failed, or time ran out, after the request was sent.", error);
    }

    // The server or a connection was not available, or the credentials were refused. A server that is not the primary is not among these:
    // the driver repeats a write by itself, so this may be what a repetition met after the first attempt was carried out elsewhere.
    private static bool WasNotSent(Exception error) =>
        error is TimeoutException or MongoConnectionPoolPausedException or MongoWaitQueueFullException or MongoAuthenticationException
        || (error is MongoConnectionException
            && FindSocketError(error) is SocketError.ConnectionRefused or SocketError.HostNotFound
                or SocketError.HostUnreachable or SocketError.NetworkUnreachable);

    private static bool IsUnreachable(Exception error) => WasNotSent(error)
        || error is MongoConnectionException or MongoNotPrimaryException or MongoNodeIsRecoveringException or MongoExecutionTimeoutException
        or OperationCanceledException or SocketException or IOException;

    private static int? CodeOf(Exception error) => error switch
    {
        MongoCommandException command => command.Code,
        MongoBulkWriteException { WriteErrors: [{ } first, ..] } => first.Code,
        MongoWriteException { WriteError: { } write } => write.Code,
        _ => null,
    };

    private static SocketError? FindSocketError(Exception error)
    {
        for (var inner = error; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException socket) return socket.SocketErrorCode;
        }

        return null;
    }

    private static StorageException Unreachable(Exception error) => error is MongoAuthenticationException
        ? new StorageException("MongoDB refused the credentials. Check the user, the password and authSource of the connection string.",
        error)
        : new StorageUnavailableException(
        "MongoDB cannot be reached, or has no primary now. Check that it runs where the connection string says; try again later.", error);

    private static StorageException Refused(Exception error)
    {
        var code = CodeOf(error);
        var (heals, advice) = MongoCode.Find(code) is { } known ? (known.Heals, known.Advice) : (false, "The inner exception says why.");
        var message = $"MongoDB refused a request{(code is { } shown ? $" (code {shown})" : "")}. Nothing was carried out. {advice}";
        return heals ? new StorageUnavailableException(message, error) : new StorageException(message, error);
    }
}

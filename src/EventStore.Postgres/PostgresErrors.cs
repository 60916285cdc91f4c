using System.Data.Common;
using System.Net.Sockets;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Turns errors of the driver into the contract's, by their code and the name of the constraint, never by their text, which may show
/// values.
/// </summary>
internal static class PostgresErrors
{
    private const string DamageOfData = "XX001";
    private const string DamageOfIndex = "XX002";
    private const string Advice = "Run VerifyAsync for the full list, and restore the database from a backup.";

    // A transaction that the server ended while it waited for the next statement was not committed.
    private static readonly string[] EndedTransactions = ["25P03", "25P04"];

    /// <summary>Whether the connection, and not the statement, is at fault.</summary>
    public static bool IsOfConnection(Exception error) => error switch
    {
        PostgresException refused => EndedTransactions.Contains(refused.SqlState)
            || (refused.SqlState[..2] is "57" or "08" && refused.SqlState != PostgresErrorCodes.QueryCanceled),
        NpgsqlException or IOException or SocketException or TimeoutException => true,
        _ => false,
    };

    /// <summary>
    /// Whether the driver did not expect the error, as when a value cannot be encoded in the middle of a message. Driver and server may
    /// then differ about the connection, so it must not be used again.
    /// </summary>
    public static bool LeavesConnectionInDoubt(Exception error) =>
        error is not (DbException or IOException or SocketException or TimeoutException or OperationCanceledException
            or EventStoreException);

    /// <summary>An error of something that was not carried out, or that changes nothing.</summary>
    public static Exception Refused(Exception error, string what) => error switch
    {
        PostgresException { SqlState: DamageOfData or DamageOfIndex } refused => new CorruptStorageException(
            "the database", $"PostgreSQL could not {what} (SQLSTATE {refused.SqlState}).", PostgresCode.Damaged, error),
        PostgresException { SqlState: PostgresErrorCodes.NumericValueOutOfRange } => Damage(
            "the database", $"a number in a row is so high or low that PostgreSQL could not {what}.", error),
        PostgresException refused => Explain(refused, what),
        NpgsqlException or IOException or SocketException or TimeoutException =>
            new StorageUnavailableException(
                $"PostgreSQL could not be reached to {what}. Nothing was carried out. Check that the server runs and that the connection "
                    + "string is right"
                    + (error.InnerException is TimeoutException ? ", and that 'Maximum Pool Size' and 'Timeout' suffice." : "."), error),
        EventStoreException or OperationCanceledException or ObjectDisposedException => error,
        _ when IsOfValue(error) => Damage(
            "the database", $"PostgreSQL could not {what}, because a row holds a value that no store writes.", error),

        // So the driver reports a reply of the server that it did not expect. The connection is discarded, and the next one is sound.
        _ when error.GetType() == typeof(Exception) => new StorageUnavailableException(
            $"The driver of PostgreSQL and the server disagreed on a connection while it was used to {what}. Nothing was carried out. "
                + "The connection was discarded. Try again.", error),
        _ => new StorageException(
            $"The driver of PostgreSQL failed to {what} with {error.GetType().Name}. Nothing was carried out. "
                + "The inner exception has the details.", error),
    };

    /// <summary>
    /// An error of a change that was sent. A sentence of the server says that it was not carried out; anything else leaves it open (G12).
    /// </summary>
    public static Exception Sent(Exception error, string what) => error switch
    {
        PostgresException refused when EndedTransactions.Contains(refused.SqlState) => Refused(error, what),
        PostgresException refused when !IsOfConnection(refused) && refused.SqlState[..2] != "XX" => Refused(error, what),
        EventStoreException or OperationCanceledException or ObjectDisposedException => error,
        NpgsqlException or IOException or SocketException or TimeoutException =>
            new BatchOutcomeUnknownException($"the connection to PostgreSQL was lost after the request to {what} was sent.", error),
        _ when IsOfValue(error) => Refused(error, what),
        _ => new BatchOutcomeUnknownException($"the driver of PostgreSQL failed to {what} with {error.GetType().Name}.", error),
    };

    /// <summary>Damage at a place.</summary>
    public static CorruptStorageException Damage(string place, string problem, Exception? error = null) =>
        new(place, problem, Advice, error);

    /// <summary>Whether a unique index or the isolation of transactions refused a batch that rests on what was remembered.</summary>
    public static bool IsOutdated(Exception error) =>
        error is PostgresException
        {
            SqlState: PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected,
        };

    /// <summary>Whether another process made the same thing at the same time.</summary>
    public static bool IsMadeByAnother(PostgresException error) =>
        error.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateSchema
        or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateFunction or PostgresErrorCodes.DuplicateObject
        or PostgresErrorCodes.DeadlockDetected;

    // What a row held is none that the driver or a record takes. It was read before the end of the transaction, so nothing was changed.
    private static bool IsOfValue(Exception error) =>
        error is InvalidNameException or ArgumentOutOfRangeException or InvalidCastException or OverflowException;

    private static StorageException Explain(PostgresException error, string what)
    {
        var heals = PostgresCode.MayHeal(error.SqlState);
        var advice = PostgresCode.Find(error.SqlState)?.Advice
            ?? (heals ? "Try again later." : "The inner exception has the details.");
        var message =
            $"PostgreSQL could not {what} (SQLSTATE {error.SqlState}{OfConstraint(error)}). Nothing was carried out. {advice}";
        return heals ? new StorageUnavailableException(message, error) : new StorageException(message, error);
    }

    private static string OfConstraint(PostgresException error) =>
        error.ConstraintName is { Length: > 0 } name ? $", constraint {name}" : "";
}

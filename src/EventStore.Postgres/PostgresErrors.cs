using System.Net.Sockets;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Turns errors of the driver into the contract's, by their code and the name of the constraint, never by their text, which may show
/// values.
/// </summary>
internal static class PostgresErrors
{
    /// <summary>Whether the connection, and not the statement, is at fault.</summary>
    public static bool IsOfConnection(Exception error) => error switch
    {
        PostgresException refused =>
            Heals(refused.SqlState) && refused.SqlState[..2] is "57" or "08" && refused.SqlState != PostgresErrorCodes.QueryCanceled,
        NpgsqlException or IOException or SocketException or TimeoutException => true,
        _ => false,
    };

    /// <summary>An error of something that was not carried out, or that changes nothing.</summary>
    public static Exception Refused(Exception error, string what) => error switch
    {
        PostgresException refused when Explain(refused) is { } explained => explained,
        PostgresException refused when Heals(refused.SqlState) =>
            new StorageUnavailableException(
                $"PostgreSQL could not {what} now (SQLSTATE {refused.SqlState}). Nothing was carried out; try again later.", error),
        PostgresException refused =>
            new StorageException(
                $"PostgreSQL refused to {what} (SQLSTATE {refused.SqlState}{OfConstraint(refused)}). Nothing was carried out. "
                    + "The inner exception has the details.", error),
        NpgsqlException or IOException or SocketException or TimeoutException =>
            new StorageUnavailableException(
                $"PostgreSQL could not be reached to {what}. Nothing was carried out; "
                    + "check that the server runs and that the connection string is right.", error),
        _ => error,
    };

    /// <summary>
    /// An error of a change that was sent. A sentence of the server says that it was not carried out; anything else leaves it open (G12).
    /// </summary>
    public static Exception Sent(Exception error, string what) => error switch
    {
        PostgresException refused when !IsOfConnection(refused) && refused.SqlState[..2] != "XX" => Refused(error, what),
        NpgsqlException or IOException or SocketException or TimeoutException =>
            new BatchOutcomeUnknownException($"the connection to PostgreSQL was lost after the request to {what} was sent.", error),
        _ => error,
    };

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

    private static StorageException? Explain(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName => new StorageException(
            "There is no store in this schema of the database. Add InitializeStorageEngine() to make it, or check database and schema.",
            error),
        PostgresErrorCodes.ReadOnlySqlTransaction => new StorageException(
            "The server takes no writes: it is a standby, or its transactions are read-only. "
                + "Connect to the primary, as with 'Target Session Attributes=primary'.", error),
        PostgresErrorCodes.InsufficientPrivilege => new StorageException(
            "The role of this connection may not do this. Grant it CREATE on the database to make the store, and SELECT, INSERT, UPDATE "
                + "and DELETE on its tables to use it.", error),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new StorageException(
            "PostgreSQL refused the role or its password. Check the connection string.", error),
        PostgresErrorCodes.InvalidCatalogName =>
            new StorageException("The database of the connection string does not exist. Create it, or name another.", error),
        PostgresErrorCodes.InFailedSqlTransaction =>
            new StorageException("The transaction failed before. Roll it back and begin another.", error),
        PostgresErrorCodes.DiskFull =>
            new StorageUnavailableException("The disk of the server is full. Nothing was stored; make room and try again.", error),
        _ => null,
    };

    // Classes: connection (08), rollback by the server (40), resources (53), locks (55), intervention of an operator (57), disk (58).
    private static bool Heals(string sqlState) => sqlState[..2] is "08" or "40" or "53" or "55" or "57" or "58";

    private static string OfConstraint(PostgresException error) =>
        error.ConstraintName is { Length: > 0 } name ? $", constraint {name}" : "";
}

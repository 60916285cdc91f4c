using System.Collections.Frozen;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>What an error code of the server means to an operator: whether time may heal it, and what to do.</summary>
/// <param name="Heals">Whether a later call may succeed.</param>
/// <param name="Advice">What happened and what to do, in sentences.</param>
internal sealed record PostgresCode(bool Heals, string Advice)
{
    /// <summary>What to do where a pooler mixes up prepared statements.</summary>
    public const string Pooler =
        "A pooler gives out its connections by transaction and does not keep prepared statements. Set 'Max Auto Prepare=0' in the "
        + "connection string, or let the pooler track prepared statements (max_prepared_statements of PgBouncer), and switch "
        + nameof(PostgresOptions) + "." + nameof(PostgresOptions.UseNotifications) + " off.";

    private const string NoStore =
        "There is no store in this schema of the database. Add InitializeStorageEngine() to make it, or check database and schema.";

    private const string WrongPassword = "PostgreSQL refused the role or its password. Check the connection string.";

    /// <summary>What to do where the server found damage.</summary>
    public const string Damaged = "PostgreSQL found damaged data. Look at its log, and restore the database from a backup.";

    private static readonly FrozenDictionary<string, PostgresCode> Known = new Dictionary<string, PostgresCode>
    {
        [PostgresErrorCodes.UndefinedTable] = new(false, NoStore),
        [PostgresErrorCodes.InvalidSchemaName] = new(false, NoStore),
        [PostgresErrorCodes.ReadOnlySqlTransaction] = new(false,
            "The server takes no writes. If it is a standby, connect to the primary, as with 'Target Session Attributes=primary'. If "
            + "transactions are read-only by default, switch default_transaction_read_only off for the server, the database or the role."),
        [PostgresErrorCodes.InsufficientPrivilege] = new(false,
            "The role of this connection may not do this. Grant it CREATE on the database to make the store, and SELECT, INSERT, UPDATE "
            + "and DELETE on its tables to use it."),
        [PostgresErrorCodes.InvalidPassword] = new(false, WrongPassword),
        [PostgresErrorCodes.InvalidAuthorizationSpecification] = new(false, WrongPassword),
        [PostgresErrorCodes.InvalidCatalogName] = new(false,
            "The database of the connection string does not exist. Create it, or name another."),
        [PostgresErrorCodes.InFailedSqlTransaction] = new(false, "The transaction failed before. Roll it back and begin another."),
        [PostgresErrorCodes.InvalidSqlStatementName] = new(false, Pooler),
        [PostgresErrorCodes.DuplicatePreparedStatement] = new(false, Pooler),
        [PostgresErrorCodes.ProtocolViolation] = new(true,
            "The server, or a pooler before it, refused the connection or the protocol. Look at its log for the limit or the setting."),
        [PostgresErrorCodes.DataCorrupted] = new(false, Damaged),
        [PostgresErrorCodes.IndexCorrupted] = new(false, Damaged),
        [PostgresErrorCodes.DiskFull] = new(true, "The disk of the server is full. Make room and try again."),
        [PostgresErrorCodes.OutOfMemory] = new(true, "The server is out of memory. Lower its load or the size of commits, and try again."),
        [PostgresErrorCodes.TooManyConnections] = new(true,
            "The server, the database or the role has no connection left. Raise max_connections or the connection limit, or lower "
            + "'Maximum Pool Size' in the connection strings."),
        [PostgresErrorCodes.LockNotAvailable] = new(true, "Another transaction held a lock longer than lock_timeout. Try again."),
        [PostgresErrorCodes.QueryCanceled] = new(true,
            "The server cancelled the statement: by statement_timeout, by an administrator, or on a standby for the sake of replication. "
            + "Raise statement_timeout for the role if it is too short."),
        [PostgresErrorCodes.CannotConnectNow] = new(true, "The server is starting, recovering or shutting down. Try again later."),
        [PostgresErrorCodes.AdminShutdown] = new(true, "The server or an administrator ended the connection. Try again later."),
        [PostgresErrorCodes.CrashShutdown] = new(true, "The server ended the connection after a crash. Try again later."),
        ["25P03"] = new(true,
            "The server ended the connection because its transaction was idle longer than idle_in_transaction_session_timeout; it was "
            + "rolled back. Raise the limit for the role if this process pauses that long."),
        ["25P04"] = new(true,
            "The server ended the connection because its transaction took longer than transaction_timeout; it was rolled back. Raise the "
            + "limit for the role."),
        ["57P05"] = new(true, "The server ended a connection that was idle longer than idle_session_timeout. Try again."),
    }.ToFrozenDictionary();

    // Classes: connection (08), rollback by the server (40), resources (53), locks (55), intervention of an operator (57), disk (58).
    private static readonly FrozenSet<string> HealingClasses = FrozenSet.ToFrozenSet(["08", "40", "53", "55", "57", "58"]);

    /// <summary>What a code means; null where nothing better is known than its class.</summary>
    public static PostgresCode? Find(string sqlState) => Known.GetValueOrDefault(sqlState);

    /// <summary>Whether a later call may succeed.</summary>
    public static bool MayHeal(string sqlState) => Find(sqlState)?.Heals ?? HealingClasses.Contains(sqlState[..2]);
}

using System.Text;

namespace EventStore;

/// <summary>What an acknowledged commit of the PostgreSQL backend survives, as far as the server's own settings allow.</summary>
public enum PostgresDurability
{
    /// <summary>Kill and power loss: the server flushes each transaction before it acknowledges it (<c>synchronous_commit on</c>).</summary>
    Durable,

    /// <summary>A power loss or crash of the server may take the last moments, never part of a commit (<c>synchronous_commit off</c>).</summary>
    Fast,
}

/// <summary>How the PostgreSQL backend keeps a store.</summary>
public sealed class PostgresOptions
{
    private const int MaxSchemaBytes = 63;

    /// <summary>The schema that holds the store, of any name; stores of several names share a database. 1 to 63 bytes in UTF-8. Default: <c>eventstore</c>.</summary>
    public string Schema { get; set; } = "eventstore";

    /// <summary>What an acknowledged commit survives; said for each transaction, whatever the session's setting, but not inside one of the application. Default: <see cref="PostgresDurability.Durable"/>.</summary>
    public PostgresDurability Durability { get; set; } = PostgresDurability.Durable;

    /// <summary>Whether a server that keeps less than an acknowledged commit through a power loss is refused. Default: it is described with a warning.</summary>
    public bool RequireDurable { get; set; }

    /// <summary>
    /// Whether commits wake those who wait in other processes, by LISTEN and NOTIFY over a connection that is kept open as soon as somebody waits.
    /// Switch it off behind a pooler that gives out its connections by transaction; whoever waits then polls. Default: they do.
    /// </summary>
    public bool Notifies { get; set; } = true;

    /// <summary>How long opening the store waits for a server that cannot be reached yet. Default: 15 seconds.</summary>
    public TimeSpan StartupPatience { get; set; } = TimeSpan.FromSeconds(15);

    internal void Validate()
    {
        if (string.IsNullOrEmpty(Schema) || Schema.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(Schema) > MaxSchemaBytes || Schema.StartsWith("pg_", StringComparison.Ordinal))
            throw new WireupException($"{nameof(PostgresOptions)}.{nameof(Schema)} is '{Schema}', but a schema's name has 1 to {MaxSchemaBytes} bytes and does not begin with 'pg_'.");
        if (StartupPatience < TimeSpan.Zero)
            throw new WireupException($"{nameof(PostgresOptions)}.{nameof(StartupPatience)} is {StartupPatience}, but must not be negative.");
        if (RequireDurable && Durability == PostgresDurability.Fast)
            throw new WireupException($"{nameof(PostgresOptions)}.{nameof(RequireDurable)} contradicts {nameof(Durability)}, which is {nameof(PostgresDurability.Fast)}. Leave one of the two out.");
    }
}

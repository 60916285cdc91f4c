using System.Text;

namespace EventStore;

/// <summary>How the PostgreSQL backend keeps a store.</summary>
public sealed class PostgresOptions
{
    private const int MaxSchemaBytes = 63;

    /// <summary>
    /// The schema that holds the store, of any name; stores of several names share a database. 1 to 63 bytes in UTF-8. Default:
    /// <c>eventstore</c>.
    /// </summary>
    public string Schema { get; set; } = "eventstore";

    /// <summary>
    /// What an acknowledged commit survives; said for each transaction, whatever the session's setting, but not inside one of the
    /// application. Default: <see cref="Durability.Durable"/>.
    /// </summary>
    public Durability Durability { get; set; } = Durability.Durable;

    /// <summary>
    /// Whether a server that keeps less than an acknowledged commit through a power loss is refused. Default: it is described with a
    /// warning.
    /// </summary>
    public bool RequireDurable { get; set; }

    /// <summary>
    /// Whether commits wake callers that wait in other processes, by LISTEN and NOTIFY over a connection that is kept open from the first
    /// wait on. Switch it off behind a pooler that gives out its connections by transaction; a caller that waits then polls. Default: they
    /// do.
    /// </summary>
    public bool UseNotifications { get; set; } = true;

    /// <summary>How long opening the store waits for a server that cannot be reached yet. Up to 1 h; default 15 s.</summary>
    public TimeSpan StartupTimeout { get; set; } = TimeSpan.FromSeconds(15);

    internal PostgresOptions Validated()
    {
        RequireSchema();
        OptionRules.Require(this, Durability is Durability.Durable or Durability.Fast, Durability,
            $"{nameof(Durability.Durable)} or {nameof(Durability.Fast)}");
        OptionRules.RequireBetween(this, StartupTimeout, TimeSpan.Zero, TimeSpan.FromHours(1));
        OptionRules.Require(
            this, !RequireDurable || Durability == Durability.Durable, RequireDurable, $"false while {nameof(Durability)} is {Durability}");
        return (PostgresOptions)MemberwiseClone();
    }

    internal void RequireSchema() => OptionRules.Require(
        this,
        Paths.IsPath(Schema)
            && Encoding.UTF8.GetByteCount(Schema) <= MaxSchemaBytes
            && !Schema.StartsWith("pg_", StringComparison.Ordinal),
        Schema,
        $"1 to {MaxSchemaBytes} bytes of UTF-8 that do not begin with 'pg_'");
}

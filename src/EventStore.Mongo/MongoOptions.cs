using System.Text.RegularExpressions;

namespace EventStore;

/// <summary>How the MongoDB engine keeps a store.</summary>
public sealed partial class MongoOptions
{
    /// <summary>The database; null for the one that the connection string names, else <c>eventstore</c>. Default: null.</summary>
    public string? Database { get; set; }

    /// <summary>
    /// What the store's collections begin with: stores of several names share a database. 1 to 64 lower-case letters, digits, <c>-</c> and
    /// <c>_</c>. Default: <c>events</c>.
    /// </summary>
    public string Name { get; set; } = "events";

    /// <summary>What an acknowledged commit survives. Default: <see cref="Durability.Durable"/>.</summary>
    public Durability Durability { get; set; } = Durability.Durable;

    /// <summary>
    /// Whether opening is refused where the deployment cannot keep what <see cref="Durability.Durable"/> promises. Default: false.
    /// </summary>
    public bool RequireDurable { get; set; }

    /// <summary>
    /// How long one request may take before it is given up, 1 second to 10 minutes. A write that took longer is of unknown outcome.
    /// Default: 30 seconds.
    /// </summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often a wait looks for commits of other processes, 1 millisecond to 1 minute. Change streams, where there are any, are faster.
    /// Default: 50 milliseconds.
    /// </summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    internal MongoOptions Validated()
    {
        OptionRules.Require(this, NamePattern().IsMatch(Name ?? ""), Name, "1 to 64 lower-case letters, digits, '-' and '_'");
        OptionRules.Require(
            this, Database is null || (DatabasePattern().IsMatch(Database) && Paths.IsPath(Database)), Database,
            "1 to 63 characters, none of them /\\. \"$*<>:|?, or null for that of the address");
        OptionRules.Require(this, Durability is Durability.Durable or Durability.Fast, Durability,
            $"{nameof(Durability.Durable)} or {nameof(Durability.Fast)}");
        OptionRules.RequireBetween(this, CommandTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        OptionRules.RequireBetween(this, PollInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        OptionRules.Require(
            this, !RequireDurable || Durability == Durability.Durable, RequireDurable, $"false while {nameof(Durability)} is {Durability}");
        return (MongoOptions)MemberwiseClone();
    }

    [GeneratedRegex("^[a-z0-9_-]{1,64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[^/\\\\. \"$*<>:|?\\x00]{1,63}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex DatabasePattern();
}

using System.Text.RegularExpressions;

namespace EventStore;

/// <summary>What an acknowledged commit of the MongoDB engine survives.</summary>
public enum MongoDurability
{
    /// <summary>Kill and power loss: journaled, on a replica set by a majority of its members, before it is acknowledged.</summary>
    Durable,

    /// <summary>Kill of this process. A power loss, or a failover of a replica set, may take the last moments, never part of a commit.</summary>
    Fast,
}

/// <summary>How the MongoDB engine keeps a store.</summary>
public sealed partial class MongoOptions
{
    /// <summary>The database; null for the one that the connection string names, else <c>eventstore</c>. Default: null.</summary>
    public string? Database { get; set; }

    /// <summary>What the store's collections begin with: stores of several names share a database. 1 to 64 lower-case letters, digits, <c>-</c> and <c>_</c>. Default: <c>events</c>.</summary>
    public string Name { get; set; } = "events";

    /// <summary>What an acknowledged commit survives. Default: <see cref="MongoDurability.Durable"/>.</summary>
    public MongoDurability Durability { get; set; } = MongoDurability.Durable;

    /// <summary>Whether opening is refused where the deployment cannot keep what <see cref="MongoDurability.Durable"/> promises. Default: false.</summary>
    public bool RequireDurable { get; set; }

    /// <summary>How long one request may take before it is given up, 1 second to 10 minutes. A write that took longer is of unknown outcome. Default: 30 seconds.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often is looked for commits of other processes while somebody waits for them, 1 millisecond to 1 minute. Change streams, where there are any, are faster. Default: 50 milliseconds.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(50);

    internal void Validate()
    {
        if (!NamePattern().IsMatch(Name ?? ""))
            throw new WireupException($"{nameof(MongoOptions)}.{nameof(Name)} is '{Name}', but a store's name has 1 to 64 lower-case letters, digits, '-' and '_'.");
        if (Database is { } database && (!DatabasePattern().IsMatch(database)))
            throw new WireupException($"{nameof(MongoOptions)}.{nameof(Database)} is '{Database}', but a database's name has 1 to 63 characters and none of /\\. \"$*<>:|?.");
        RequireBetween(nameof(RequestTimeout), RequestTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        RequireBetween(nameof(PollInterval), PollInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        if (RequireDurable && Durability == MongoDurability.Fast)
            throw new WireupException($"{nameof(MongoOptions)}.{nameof(RequireDurable)} is set, but {nameof(Durability)} is {nameof(MongoDurability.Fast)}. Leave one of the two out.");
    }

    private static void RequireBetween(string property, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most) throw new WireupException($"{nameof(MongoOptions)}.{property} is {value}, but must be {least} to {most}.");
    }

    [GeneratedRegex("^[a-z0-9_-]{1,64}$", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[^/\\\\. \"$*<>:|?\\x00]{1,63}$", RegexOptions.CultureInvariant)]
    private static partial Regex DatabasePattern();
}

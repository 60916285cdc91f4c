using System.Text.RegularExpressions;

namespace EventStore;

/// <summary>How a store is kept in Redis.</summary>
public sealed partial class RedisOptions
{
    /// <summary>
    /// The store's name: stores of several names share a server, and a cluster spreads them. 1 to 64 lower-case letters, digits, <c>-</c>
    /// and <c>_</c>. Default: <c>events</c>.
    /// </summary>
    public string Name { get; set; } = "events";

    /// <summary>
    /// Whether a server that may lose an acknowledged commit, or does not return its settings, is refused. Default: it is described, not
    /// refused.
    /// </summary>
    public bool RequireDurable { get; set; }

    /// <summary>How many replicas must have a commit before it is acknowledged; 0 to 16. Not on a cluster. Default: 0.</summary>
    public int RequiredReplicas { get; set; }

    /// <summary>Whether those replicas must have flushed it, too (Redis 7.2). Default: they must have received it.</summary>
    public bool RequireReplicaFlush { get; set; }

    /// <summary>How long replicas are waited for; then the outcome of the commit is unknown. 1 ms to 1 min; default 1 s.</summary>
    public TimeSpan ReplicaTimeout { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a server that is not there yet is waited for when the store is opened. Up to 1 h; default 30 s.</summary>
    public TimeSpan StartupTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a call tries again while the server cannot be reached. Up to 10 min; default 5 s.</summary>
    public TimeSpan OutageTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long the reply to one command is waited for. 10 ms to 10 min; default 15 s.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(15);

    internal RedisOptions Validated()
    {
        OptionRules.Require(this, NamePattern().IsMatch(Name ?? ""), Name, "1 to 64 lower-case letters, digits, '-' and '_'");
        OptionRules.RequireBetween(this, RequiredReplicas, 0, 16);
        var hasReplicas = RequiredReplicas > 0;
        OptionRules.Require(this, !RequireReplicaFlush || hasReplicas, RequireReplicaFlush, $"false while {nameof(RequiredReplicas)} is 0");
        OptionRules.RequireBetween(this, ReplicaTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        OptionRules.RequireBetween(this, StartupTimeout, TimeSpan.Zero, TimeSpan.FromHours(1));
        OptionRules.RequireBetween(this, OutageTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        OptionRules.RequireBetween(this, CommandTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        return (RedisOptions)MemberwiseClone();
    }

    [GeneratedRegex("^[a-z0-9_-]{1,64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}

namespace EventStore.Redis;

/// <summary>
/// What an acknowledged commit survives, by the settings of the server; says so where the server does not return them.
/// </summary>
internal static class RedisDurability
{
    /// <summary>What settings mean.</summary>
    public static EngineDurability Judge(IReadOnlyDictionary<string, string> settings, RedisOptions options)
    {
        var replicas = options.RequiredReplicas == 0 ? ""
            : $"; acknowledged when {options.RequiredReplicas} {(options.RequireReplicaFlush ? "replicas have flushed" : "replicas have received")} it";
        if (!settings.TryGetValue("appendonly", out var appendOnly) || !settings.TryGetValue("appendfsync", out var flushes))
        {
            return new EngineDurability(Durability.Fast, "the server does not return its settings (CONFIG GET is forbidden)" + replicas,
                ["What an acknowledged commit survives is unknown here. Look at appendonly and appendfsync where the server is set up, "
                    + "and open a connection of your own with allowAdmin=true."]);
        }

        var warnings = new List<string>();
        if (appendOnly != "yes")
            warnings.Add(
                "appendonly is no: when the server ends, everything since its last snapshot is lost. "
                    + "Set appendonly yes and appendfsync always.");
        else if (flushes != "always")
            warnings.Add(
                $"appendfsync is {flushes}: a power loss, or the end of the machine, takes the last "
                    + $"{(flushes == "everysec" ? "second or two" : "moments")}. Set appendfsync always.");
        if (appendOnly == "yes" && settings.GetValueOrDefault("no-appendfsync-on-rewrite") == "yes")
            warnings.Add("no-appendfsync-on-rewrite is yes: while the file is rewritten nothing is flushed. Set it to no.");
        if (settings.GetValueOrDefault("maxmemory", "0") != "0"
            && settings.GetValueOrDefault("maxmemory-policy", "").StartsWith("allkeys", StringComparison.Ordinal))
            warnings.Add(
                $"maxmemory-policy is {settings["maxmemory-policy"]}: when memory runs short, the server deletes the store. "
                    + "Set noeviction.");

        var basis = appendOnly == "yes" ? $"appendonly yes, appendfsync {flushes}" : "appendonly no";
        return new EngineDurability(warnings.Count == 0 ? Durability.Durable : Durability.Fast, basis + replicas, warnings);
    }
}

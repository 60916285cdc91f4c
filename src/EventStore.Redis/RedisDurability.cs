namespace EventStore.Redis;

/// <summary>
/// Finds what an acknowledged commit survives: asks the server for its settings, and says so where it does not return them.
/// </summary>
internal static class RedisDurability
{
    /// <exception cref="StorageUnavailableException">The server stayed away.</exception>
    public static async ValueTask<EngineDurability> FindAsync(RedisServer server, RedisSchema schema, RedisOptions options,
        CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (var setting in (string[])["append*", "no-appendfsync-on-rewrite", "maxmemory*"])
            {
                foreach (var (name, value) in await server.ReadSettingsAsync(schema.Meta, setting, cancellationToken)
                    .ConfigureAwait(false)) settings[name] = value;
            }
        }
        catch (StorageException error) when (error is not StorageUnavailableException)
        {
            // Hosted servers often forbid it, and the driver does on a connection of the application that was opened without allowAdmin.
        }

        return Judge(settings, options);
    }

    /// <summary>What settings mean.</summary>
    public static EngineDurability Judge(IReadOnlyDictionary<string, string> settings, RedisOptions options)
    {
        var replicas = options.Replicas == 0 ? ""
            : $"; acknowledged when {options.Replicas} {(options.ReplicasFlush ? "replicas have flushed" : "replicas have received")} it";
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

namespace EventStore.Redis;

/// <summary>The hold of an import, kept beside the counters, where the script of a commit reads it with them.</summary>
internal sealed class RedisHold(RedisServer server, RedisSchema schema)
{
    /// <summary>The word by which scripts say that another import holds the store.</summary>
    public const string Held = "held";

    private const string Free = "free";
    private volatile string heldAs = "";

    /// <summary>The name under which this engine holds the store; empty for none.</summary>
    public string HeldAs => heldAs;

    public async ValueTask TakeAsync(string holder, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(holder);
        Names.RequireWellFormed(holder, nameof(holder));
        await RunAsync("hold", holder, 0, cancellationToken).ConfigureAwait(false);
        heldAs = holder;
    }

    public async ValueTask ReleaseAsync(string holder, CancellationToken cancellationToken)
    {
        await RunAsync("release", holder, 0, cancellationToken).ConfigureAwait(false);
        heldAs = "";
    }

    public async ValueTask SkipAsync(Checkpoint upTo, CancellationToken cancellationToken)
    {
        AttemptRules.RequireSkip(upTo);
        if (heldAs.Length == 0 || await RunAsync("skip", heldAs, upTo.Value, cancellationToken).ConfigureAwait(false) == Free)
            throw new InvalidOperationException("Checkpoints are skipped only while the storage is held by this engine. Call HoldAsync.");
    }

    private async ValueTask<string> RunAsync(string what, string holder, long upTo, CancellationToken cancellationToken)
    {
        var answer = await server.ChangeAsync(RedisScript.Hold, [schema.Meta, schema.Log], [what, holder, upTo], cancellationToken)
            .ConfigureAwait(false);
        var found = (string)answer[1]!;
        return found == Held ? throw new StorageHeldException((string)answer[2]!) : found;
    }
}

namespace EventStore.Mongo;

/// <summary>
/// The hold of an import. Each entry of the chain says who holds the storage, so no writer appends behind one without knowing it. Holding
/// and releasing are entries without events.
/// </summary>
internal sealed class MongoHold(MongoWriter writer)
{
    /// <summary>Stores who holds the storage.</summary>
    /// <exception cref="StorageHeldException">Another import holds it.</exception>
    public Task TakeAsync(string holder, CancellationToken cancellationToken)
    {
        // Every entry repeats it, so it is short.
        return SetAsync(Names.RequireFeature(holder, nameof(holder)), holder, cancellationToken);
    }

    /// <summary>Ends the hold, if there is one.</summary>
    /// <exception cref="StorageHeldException">Another import holds the storage.</exception>
    public Task ReleaseAsync(string holder, CancellationToken cancellationToken) => SetAsync(holder, null, cancellationToken);

    /// <summary>Passes over checkpoints, by an entry that takes them.</summary>
    public async Task SkipAsync(long upTo, CancellationToken cancellationToken)
    {
        AttemptRules.RequireSkip(new Checkpoint(upTo));
        var holder = writer.Holder;
        var skipped = await writer.ChangeAsync<bool>(end =>
        {
            if (holder is null || end.Holder != holder) return Task.FromResult<MongoDecision<bool>>(new(false, null));
            if (end.Last >= upTo) return Task.FromResult<MongoDecision<bool>>(new(true, null));
            var entry = MongoRows.ToEntry(end);
            entry[MongoRows.Last] = upTo;
            entry[MongoRows.Count] = upTo - end.Last;
            return Task.FromResult<MongoDecision<bool>>(new(true, entry));
        }, cancellationToken).ConfigureAwait(false);
        if (!skipped.Outcome)
            throw new InvalidOperationException("Checkpoints are skipped only while the storage is held by this engine. Call HoldAsync.");
    }

    private async Task SetAsync(string holder, string? next, CancellationToken cancellationToken)
    {
        await writer.ChangeAsync<bool>(end =>
        {
            if (end.Holder is { } other && other != holder) throw new StorageHeldException(other);
            return Task.FromResult<MongoDecision<bool>>(
                new(true, end.Holder == next ? null : MongoRows.ToEntry(end with { Holder = next })));
        }, cancellationToken).ConfigureAwait(false);
        writer.HoldAs(next);
    }
}

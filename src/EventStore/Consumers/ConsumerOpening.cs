using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>
/// Decides where a consumer begins, once, and writes it before anything is delivered. Refuses a consumer that does not fit what is stored
/// under its name. A position means nothing in another store or source, and a state nothing to another projection.
/// </summary>
internal sealed class ConsumerOpening(ConsumerClaim claim, EventFeeds feeds)
{
    private readonly ConsumerDefinition definition = claim.Definition;
    private readonly string source = SourceFingerprint.Of(claim.Definition.Source);
    private long? failingSince;

    /// <summary>Checks what is stored before the name is taken, for a consumer that waits for it.</summary>
    /// <exception cref="ConsumerChangedException">It has another store, source or state.</exception>
    public async ValueTask RequireSameAsync(CancellationToken cancellationToken)
    {
        try
        {
            RequireSame(await claim.Lease.Ledger.LoadAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (StorageException error) when (Outage.Explains(error))
        {
            // It is checked when the name is taken.
            claim.Report.LogStorageFailure(error, claim.Options.PollInterval);
        }
    }

    /// <summary>The position and the state with which the consumer continues, or begins. Called with the lease held.</summary>
    /// <exception cref="ConsumerChangedException">It has another store, source or state.</exception>
    /// <exception cref="PositionAheadException">The store ends before the position.</exception>
    /// <exception cref="ConsumerTakenException">Another process took over.</exception>
    public async ValueTask<(FeedPosition Position, object? State)> OpenAsync(StateKeeper keeper, CancellationToken cancellationToken)
    {
        var record = claim.Lease.Ledger.Known;
        RequireSame(record);
        var isToBegin = !record.IsStarted || record.StateVersion != definition.State.SchemaVersion;
        if (isToBegin) await BeginAsync(record, cancellationToken).ConfigureAwait(false);
        else if (record.Store != claim.StoreId && claim.StoreId != Guid.Empty)
            await WriteAsync(before => before with { Store = claim.StoreId }, cancellationToken).ConfigureAwait(false);

        record = claim.Lease.Ledger.Known;
        var position = record.Position;
        var head = await TryAsync(feeds.FindHeadAsync, cancellationToken).ConfigureAwait(false);
        if (position.Checkpoint > head.Value) throw new PositionAheadException(claim.Name, new Checkpoint(position.Checkpoint), head);
        var state = await TryAsync(token => keeper.OpenAsync(record, token), cancellationToken).ConfigureAwait(false);
        claim.Report.LogActive(new Checkpoint(position.Checkpoint));
        return (position, state);
    }

    // A state of another version is computed again from where the consumer began the first time.
    private async ValueTask BeginAsync(ConsumerRecord record, CancellationToken cancellationToken)
    {
        var origin = record.IsStarted
            ? record.Origin
            : await TryAsync(
                token => feeds.FindOriginAsync(claim.Name, definition.Source, claim.Options.StartFrom, token), cancellationToken)
                .ConfigureAwait(false);
        var start = await TryAsync(token => feeds.FindStartAsync(origin, token), cancellationToken).ConfigureAwait(false);
        await WriteAsync(Begin, cancellationToken).ConfigureAwait(false);

        ConsumerRecord Begin(ConsumerRecord before) =>
            (before with { Store = claim.StoreId, Source = source, Origin = origin }).Begin(start, definition.State);
    }

    private async ValueTask WriteAsync(Func<ConsumerRecord, ConsumerRecord> change, CancellationToken cancellationToken)
    {
        if (await TryAsync(token => claim.Lease.TryWriteAsync(change, token), cancellationToken).ConfigureAwait(false) is null)
            throw new ConsumerTakenException(claim.Name, "another process took over.");
    }

    // Each step is repeated by itself: a storage that fails now and then lets single calls through, but hardly all of them in a row. A
    // start that does not wait for its name does not wait longer for the storage than for the name.
    private async ValueTask<T> TryAsync<T>(Func<CancellationToken, ValueTask<T>> step, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await step(cancellationToken).ConfigureAwait(false);
            }
            catch (StorageException error) when (Outage.Explains(error) && MayWait())
            {
                claim.Report.LogStorageFailure(error, claim.Options.PollInterval);
                await Task.Delay(claim.Options.PollInterval, claim.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private bool MayWait()
    {
        failingSince ??= claim.Time.GetTimestamp();
        return claim.Options.WhenTaken == WhenTaken.Wait || claim.Time.GetElapsedTime(failingSince.Value) < claim.Options.LeaseTerm;
    }

    private void RequireSame(ConsumerRecord record)
    {
        if (!record.IsStarted) return;
        var kept = definition.State;
        var isOfAnotherStore = record.Store != claim.StoreId && record.Store != Guid.Empty && claim.StoreId != Guid.Empty;
        var problem = isOfAnotherStore
            ? "was started on another store, or on one that was deleted and created again, so its position means nothing here."
            : record.Source != source ? "was started with another source, in which its position means nothing."
            : record.InitialType is not null && kept.InitialType is null ? "has a state, but is started without one."
            : record.InitialType is null && kept.InitialType is not null ? "has no state, but is started with one."
            : record.StateVersion == kept.SchemaVersion && record.InitialType != kept.InitialType
                ? $"has a state of type '{record.InitialType}', but is started with '{kept.InitialType}' under the same SchemaVersion."
            : null;
        if (problem is null) return;
        throw new ConsumerChangedException(
            claim.Name, problem, "Choose another name, or delete the consumer with Consumers.DeleteAsync to begin again.");
    }
}

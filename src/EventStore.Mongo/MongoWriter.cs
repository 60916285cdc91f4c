using System.Diagnostics.CodeAnalysis;
using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// Appends to the chain. What this engine knows, the end of the chain and heads of streams, is as of one end. A document that takes the
/// next number proves that nothing came since: the number is unique and never given up. So a lone writer needs one round trip, and one that
/// was too late looks again.
/// </summary>
[SuppressMessage("Design", "CA1001",
    Justification = "Disposing a semaphore would leave callers that wait for their turn waiting for ever; it holds nothing else.")]
internal sealed class MongoWriter(MongoConnection connection, MongoHeads heads, MongoWakeUp wakeUp, TimeProvider time)
{
    private const int MaxEntriesPerAdvance = 1000;
    private const int MaxKnownHeads = 65_536;
    private const int RequestsAtOnce = 32;

    private readonly MongoChain chain = new(connection);
    private readonly MongoNames names = new(connection);
    private readonly MongoConditions conditions = new(connection);
    private readonly SemaphoreSlim gate = new(1, 1);

    // All touched only behind the gate: the newest entry, none before the first, null while unknown; and heads as of it.
    private MongoEnd? end;
    private readonly Dictionary<StreamId, MongoHead> known = [];

    // Nothing, once it was found so: what begins to go is an entry of the chain, which makes it unknown again.
    private MongoGoing? going;

    // The import as which this engine holds the storage; null for none.
    private volatile string? holder;

    /// <summary>The import as which this engine holds the storage; null for none.</summary>
    public string? Holder => holder;

    /// <summary>Sets the import that this engine commits for.</summary>
    public void HoldAs(string? import) => holder = import;

    public async Task<IReadOnlyList<CommitOutcome>> CommitAsync(IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        var batch = new MongoBatch(attempts, time);
        try
        {
            await CommitAsync(batch, cancellationToken).ConfigureAwait(false);
            return batch.Outcomes;
        }
        catch (Exception error)
        {
            // What is known may be wrong now, and is read again.
            end = null;
            if (error is StorageException and not BatchOutcomeUnknownException && batch.HasStored)
                throw new BatchOutcomeUnknownException("Part of the batch was stored before MongoDB failed.", error);
            throw;
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>
    /// Appends an entry that stores no events. What decides it reads the store, and is asked again where the chain went on meanwhile.
    /// </summary>
    /// <param name="decide">Returns the outcome, and the entry; null where there is nothing to append.</param>
    /// <param name="cancellationToken">Honoured until the entry is sent.</param>
    public async Task<MongoDecision<T>> ChangeAsync<T>(
        Func<MongoEnd, Task<MongoDecision<T>>> decide, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var patience = new MongoPatience(connection.CommandTimeout);
            while (true)
            {
                await AdvanceAsync(cancellationToken).ConfigureAwait(false);
                var current = end!.Value;
                var decision = await decide(current).ConfigureAwait(false);
                if (decision.Entry is not { } document) return decision;
                if (await chain.AppendAsync(current, [document]).ConfigureAwait(false) == 1)
                {
                    Learn(MongoEntry.Of(document));
                    return decision;
                }

                await patience.WaitAsync().ConfigureAwait(false);
            }
        }
        catch
        {
            end = null;
            throw;
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task CommitAsync(MongoBatch batch, CancellationToken cancellationToken)
    {
        var patience = new MongoPatience(connection.CommandTimeout);
        var isFresh = end is null;
        if (isFresh) await AdvanceAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            if (batch.HasStored) cancellationToken = CancellationToken.None;
            await LearnHeadsAsync(batch, cancellationToken).ConfigureAwait(false);
            await LearnMatchesAsync(batch, cancellationToken).ConfigureAwait(false);
            var isHeld = end!.Value.Holder is { } other && other != holder;
            if (!isHeld) batch.Decide(end!.Value, known);

            // A refusal rests on what the store says now, not on what was known; and a known commit id comes before a conflict.
            if (!isFresh && (isHeld || batch.HasDoubts))
            {
                batch.Follow(await AdvanceAsync(cancellationToken).ConfigureAwait(false));
                isFresh = true;
                continue;
            }

            if (isHeld) throw new StorageHeldException(end!.Value.Holder!);
            if (batch.HasDoubts)
            {
                await FindOriginalsAsync(batch, cancellationToken).ConfigureAwait(false);
                continue;
            }

            await names.RegisterAsync(batch.Names).ConfigureAwait(false);
            var count = batch.Documents.Count == 0 ? 0 : await chain.AppendAsync(end!.Value, batch.Documents).ConfigureAwait(false);
            foreach (var document in batch.Documents.Take(count)) Learn(MongoEntry.Of(document));
            var wasRefused = count < batch.Documents.Count;
            batch.Settle(count);
            if (batch.IsSettled) return;
            if (!wasRefused) continue;

            await patience.WaitAsync().ConfigureAwait(false);
            batch.Follow(await AdvanceAsync(batch.HasStored ? CancellationToken.None : cancellationToken).ConfigureAwait(false));
            isFresh = true;
        }
    }

    // Reads what was appended since, beginning with the end, which stays whatever is removed. Returns what was appended; null where that is
    // not known.
    private async Task<List<MongoEntry>?> AdvanceAsync(CancellationToken cancellationToken)
    {
        if (end is { Link: > 0 } from)
        {
            var query = new MongoQuery(new BsonDocument(MongoRows.Key, new BsonDocument("$gte", from.Link)))
            {
                Sort = new(MongoRows.Key, 1),
                Fields = MongoRows.WithoutPayloads,
                Limit = MaxEntriesPerAdvance,
            };
            var found = (await connection.FindAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false))
                .ConvertAll(MongoEntry.Of);
            if (found.Count > 0 && MongoEnd.Of(found[0]) != from) throw chain.Lost(from);
            if (found.Count is > 0 and < MaxEntriesPerAdvance)
            {
                found.RemoveAt(0);
                foreach (var entry in found) Learn(entry);
                return found;
            }
        }

        Forget();
        end = await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false) is { } newest ? MongoEnd.Of(newest)
            : MongoEnd.Origin;
        wakeUp.Raise(end.Value.Last);
        return null;
    }

    // Takes in the entry after the end. The chain has no holes: every writer takes the number after the last.
    private void Learn(MongoEntry entry)
    {
        if (entry.Link != end!.Value.Link + 1 || entry.First != end.Value.Last + 1)
            throw new CorruptStorageException($"entry {end.Value.Link + 1} of the chain, checkpoint {end.Value.Last + 1}",
                $"the next one is entry {entry.Link}, and begins at checkpoint {entry.First}.",
                "Run VerifyAsync, and restore the store from a backup.");
        end = MongoEnd.Of(entry);
        if (entry.IsWhole)
        {
            foreach (var member in entry.Members) known[member.Stream] = member.After;
        }
        else if (entry.Change is { Target.IsStream: true } change)
        {
            going = null;
            known[new StreamId(change.Target.Bucket, change.Target.Category, change.Target.Id)] = change.Head;
        }
        else
        {
            // A finished removal no longer says what it removed.
            Forget();
        }

        connection.History.Raise(new Checkpoint(entry.Last));
        wakeUp.Raise(entry.Last);
    }

    private void Forget()
    {
        known.Clear();
        going = null;
    }

    // A head found is as of the end, unless its entry came after it; then the entries up to there are taken in as well.
    private async Task LearnHeadsAsync(MongoBatch batch, CancellationToken cancellationToken)
    {
        if (known.Count > MaxKnownHeads) known.Clear();
        while (batch.OpenStreams.Where(stream => !known.ContainsKey(stream)).Distinct().Take(RequestsAtOnce)
            .ToArray() is { Length: > 0 } missing)
        {
            var found = await Task.WhenAll(missing.Select(stream => heads.FindNewestAsync(stream, cancellationToken)))
                .ConfigureAwait(false);
            for (var i = 0; i < missing.Length; i++) known[missing[i]] = found[i]?.HeadOf(missing[i]) ?? default;
            if (found.Any(newest => newest?.Link > end!.Value.Link)) batch.Follow(await AdvanceAsync(cancellationToken)
                .ConfigureAwait(false));
        }
    }

    // The same for what stands in the way of conditions. What they asked before the end moved on, they ask again.
    private async Task LearnMatchesAsync(MongoBatch batch, CancellationToken cancellationToken)
    {
        while (batch.OpenConditions.Take(RequestsAtOnce).ToArray() is { Length: > 0 } missing)
        {
            var hiding = going ?? await MongoGoing.FindAsync(connection, cancellationToken).ConfigureAwait(false);
            going = hiding.IsEmpty ? hiding : null;
            var found = await Task.WhenAll(missing.Select(condition =>
                conditions.FindFirstAsync(condition, hiding, cancellationToken))).ConfigureAwait(false);
            for (var i = 0; i < missing.Length; i++) batch.SetMatch(missing[i], found[i].Checkpoint);
            if (!found.Any(match => match.Link > end!.Value.Link)) continue;
            batch.Follow(await AdvanceAsync(cancellationToken).ConfigureAwait(false));
            await LearnHeadsAsync(batch, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FindOriginalsAsync(MongoBatch batch, CancellationToken cancellationToken)
    {
        foreach (var chunk in batch.TakeDoubts().Chunk(RequestsAtOnce))
        {
            var found = await Task.WhenAll(chunk.Select(asked =>
                heads.FindCommitAsync(known[asked.Stream].Start, asked.CommitId, cancellationToken))).ConfigureAwait(false);
            for (var i = 0; i < chunk.Length; i++) batch.SetOriginal(chunk[i], found[i]);
        }
    }
}

/// <summary>What was decided about a change.</summary>
/// <param name="Outcome">What the caller gets.</param>
/// <param name="Entry">What is appended; null for no entry.</param>
internal readonly record struct MongoDecision<T>(T Outcome, BsonDocument? Entry);

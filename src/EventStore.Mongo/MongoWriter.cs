using System.Diagnostics.CodeAnalysis;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Appends to the chain. What this engine knows, the end of the chain and heads of streams, is as of one end. A document that takes the
/// next key proves that nothing came since: the key is unique and never given up. So a lone writer needs one round trip, and one that was
/// too late looks again.
/// </summary>
[SuppressMessage("Design", "CA1001",
    Justification = "Disposing a semaphore would leave callers that wait for their turn waiting for ever; it holds nothing else.")]
internal sealed class MongoWriter(MongoConnection connection, MongoHeads heads, MongoWakeUp wakeUp, TimeProvider time)
{
    private const int MaxEntriesPerAdvance = 1000;
    private const int MaxKnownHeads = 65_536;
    private const int RequestsAtOnce = 32;

    private readonly MongoChain chain = new(connection);
    private readonly SemaphoreSlim gate = new(1, 1);

    // All touched only behind the gate: the newest entry, none before the first, null while unknown; and heads as of it.
    private MongoEnd? end;
    private readonly Dictionary<StreamId, MongoHead> known = [];

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
    /// Appends a removal, after which no reader sees anything of the target. Returns its checkpoint; null if there is nothing to remove.
    /// </summary>
    public async Task<long?> RemoveAsync(MongoTarget target, Func<Task<bool>> isThere, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var patience = new MongoPatience(connection.CommandTimeout);
            while (true)
            {
                await AdvanceAsync(cancellationToken).ConfigureAwait(false);
                if (!await isThere().ConfigureAwait(false)) return null;
                var removal = end!.Value.Next;
                var document = MongoRows.ToRemoval(removal, CommitRecord.NextStamp(time, end.Value.Stamp), target);
                if (await chain.AppendAsync(end.Value, [document]).ConfigureAwait(false) == 1)
                {
                    Learn(MongoEntry.Of(document));
                    return removal;
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
            batch.Decide(end!.Value, known);

            // A refusal rests on what the store says now, not on what was known; and a known commit id comes before a conflict.
            if (!isFresh && batch.HasDoubts)
            {
                batch.Follow(await AdvanceAsync(cancellationToken).ConfigureAwait(false));
                isFresh = true;
                continue;
            }

            if (batch.HasDoubts)
            {
                await FindOriginalsAsync(batch, cancellationToken).ConfigureAwait(false);
                continue;
            }

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
    private async Task<List<BsonDocument>?> AdvanceAsync(CancellationToken cancellationToken)
    {
        if (end is { First: > 0 } from)
        {
            var query = new MongoQuery(new BsonDocument(MongoRows.Key, new BsonDocument("$gte", from.First)))
            {
                Sort = new(MongoRows.Key, 1),
                Fields = MongoRows.WithoutPayloads,
                Limit = MaxEntriesPerAdvance,
            };
            var found = await connection.FindAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false);
            if (found.Count > 0 && !MongoChain.IsEnd(found[0], from)) throw chain.Lost(from);
            if (found.Count is > 0 and < MaxEntriesPerAdvance)
            {
                found.RemoveAt(0);
                foreach (var document in found) Learn(MongoEntry.Of(document));
                return found;
            }
        }

        known.Clear();
        end = await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false) is { } newest ? MongoEnd.Of(newest)
            : MongoEnd.Origin;
        wakeUp.Raise(end.Value.Last);
        return null;
    }

    // Takes in the entry after the end. The chain has no holes: every writer takes the key after the last checkpoint.
    private void Learn(in MongoEntry entry)
    {
        if (entry.First != end!.Value.Last + 1)
            throw new CorruptStorageException($"checkpoint {end.Value.Last + 1}", $"the next entry of the chain begins at {entry.First}.",
                "Run VerifyAsync, and restore the store from a backup.");
        end = MongoEnd.Of(entry);

        // A finished removal no longer says what it removed.
        if (entry.Start == 0 || (entry.IsRemoval && !entry.Target.IsStream)) known.Clear();
        else known[new StreamId(entry.Target.Bucket, entry.Target.Category, entry.Target.Id)] = MongoHead.After(entry);
        connection.History.Raise(new Checkpoint(entry.Last));
        wakeUp.Raise(entry.Last);
    }

    // A head found is as of the end, unless its entry came after it; then the entries up to there are taken in as well.
    private async Task LearnHeadsAsync(MongoBatch batch, CancellationToken cancellationToken)
    {
        if (known.Count > MaxKnownHeads) known.Clear();
        while (batch.Open.Select(attempt => attempt.Stream).Where(stream => !known.ContainsKey(stream)).Distinct().Take(RequestsAtOnce)
            .ToArray() is { Length: > 0 } missing)
        {
            var found = await Task.WhenAll(missing.Select(stream => heads.FindNewestAsync(stream, cancellationToken)))
                .ConfigureAwait(false);
            for (var i = 0; i < missing.Length; i++) known[missing[i]] = found[i] is { } newest ? MongoHead.After(newest) : default;
            if (found.Any(newest => newest?.First > end!.Value.Last)) batch.Follow(await AdvanceAsync(cancellationToken)
                .ConfigureAwait(false));
        }
    }

    private async Task FindOriginalsAsync(MongoBatch batch, CancellationToken cancellationToken)
    {
        foreach (var chunk in batch.TakeDoubts().Chunk(RequestsAtOnce))
        {
            await Task.WhenAll(chunk.Select(async attempt =>
                batch.SetOriginal(attempt, await heads.FindCommitAsync(known[attempt.Stream].Start, attempt.CommitId, cancellationToken)
                    .ConfigureAwait(false)))).ConfigureAwait(false);
        }
    }
}

using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Appends entries behind the known end of the chain. Where others came first, the unique key refuses them. Where the end itself is gone,
/// because the storage was set back, nothing would: so the end is looked for while they are sent.
/// </summary>
internal sealed class MongoChain(MongoConnection connection)
{
    private static InsertManyOptions InOrder { get; } = new() { IsOrdered = true };

    /// <summary>Inserts documents in order up to the first that a unique index refuses. Returns how many were inserted.</summary>
    /// <exception cref="StorageReplacedException">The end is gone. What was inserted behind it was deleted.</exception>
    public async Task<int> AppendAsync(MongoEnd end, List<BsonDocument> documents)
    {
        var looking = IsThereAsync(end);
        int count;
        try
        {
            count = await InsertAsync(documents).ConfigureAwait(false);
        }
        finally
        {
            await ((Task)looking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (count > 0 && !await looking.ConfigureAwait(false))
            await RequireThereAsync(end, documents[..count]).ConfigureAwait(false);
        return count;
    }

    /// <summary>Whether an entry is the known end. What empties entries leaves what is compared.</summary>
    public static bool IsEnd(BsonDocument document, MongoEnd end) => MongoEnd.Of(MongoEntry.Of(document)) == end;

    /// <summary>Records that the chain no longer holds the end. Returns the exception to throw.</summary>
    public StorageReplacedException Lost(MongoEnd end) => connection.History.Replace(
        $"its entry {end.Link}, at checkpoint {end.Last}, is gone, or another one is in its place. "
        + "Its server lost what it had acknowledged, or an older state was restored. Consumers may have handled events that are gone.");

    private async Task<int> InsertAsync(List<BsonDocument> documents)
    {
        try
        {
            return await connection.WriteAsync(async token =>
            {
                await connection.Entries.InsertManyAsync(documents, InOrder, token).ConfigureAwait(false);
                return documents.Count;
            }).ConfigureAwait(false);
        }
        catch (MongoBulkWriteException<BsonDocument> error) when (MongoErrors.IsDuplicateKey(error))
        {
            return error.WriteErrors[0].Index;
        }
        catch (StorageException error) when (error is not BatchOutcomeUnknownException
            && error.InnerException is MongoBulkWriteException { WriteErrors: [{ Index: > 0 }, ..] })
        {
            throw new BatchOutcomeUnknownException("Part of the batch was stored before MongoDB refused the rest.", error);
        }
    }

    // False also where it cannot be learnt: after the insert it is looked for again.
    private async Task<bool> IsThereAsync(MongoEnd end)
    {
        if (end == MongoEnd.Origin) return true;
        try
        {
            return await connection.FindFirstAsync(connection.Entries, QueryOf(end.Link), CancellationToken.None).ConfigureAwait(false)
                is { } found && IsEnd(found, end);
        }
        catch (StorageUnavailableException)
        {
            return false;
        }
    }

    // A new primary may not show for a moment what a majority has. It does where it shows what was inserted after it.
    private async Task RequireThereAsync(MongoEnd end, List<BsonDocument> inserted)
    {
        var first = inserted[0][MongoRows.Key].AsInt64;
        for (var attempt = 1; ; attempt++)
        {
            var found = await FindBothAsync(end.Link, first).ConfigureAwait(false);
            if (found.Exists(document => IsEnd(document, end))) return;
            if (attempt == MongoConnection.AttemptsInDoubt || found.Exists(document => document[MongoRows.Key] == first))
            {
                var lost = Lost(end);
                await DeleteAsync(inserted, lost).ConfigureAwait(false);
                throw lost;
            }

            await Task.Delay(MongoConnection.PauseOfDoubt).ConfigureAwait(false);
        }
    }

    private async Task<List<BsonDocument>> FindBothAsync(long end, long first)
    {
        try
        {
            return await connection.FindAsync(connection.Entries, QueryOf(end, first), CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageUnavailableException error)
        {
            throw new BatchOutcomeUnknownException(
                "The batch was stored, but the connection to MongoDB failed before the entry in front of it was seen.", error);
        }
    }

    private async Task DeleteAsync(List<BsonDocument> inserted, StorageReplacedException lost)
    {
        var entries = inserted.Select(document => new BsonDocument
        {
            { MongoRows.Key, document[MongoRows.Key] }, { MongoRows.Last, document[MongoRows.Last] },
            { MongoRows.Stamp, document[MongoRows.Stamp] }, { MongoRows.Commit, document.GetValue(MongoRows.Commit, BsonNull.Value) },
        });
        var filter = new BsonDocument("$or", new BsonArray(entries));
        try
        {
            await connection.WriteAsync(token => connection.Entries.DeleteManyAsync(filter, token)).ConfigureAwait(false);
        }
        catch (StorageException)
        {
            throw new BatchOutcomeUnknownException("The batch was stored behind an end that was lost, and is perhaps still there.", lost);
        }
    }

    private static MongoQuery QueryOf(params long[] keys) =>
        new(new BsonDocument(MongoRows.Key, new BsonDocument("$in", new BsonArray(keys)))) { Fields = MongoRows.OnlyEnd };
}

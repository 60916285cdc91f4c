using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Empties what a removal or truncation covers, in steps of a bounded number of entries. Each update may be repeated, and two processes may
/// empty the same: an entry only ever loses parts. What is left keeps the numbers, counts and stamps that the chain goes on from.
/// </summary>
internal sealed class MongoEmptying(MongoConnection connection)
{
    private const int EntriesPerStep = 500;

    /// <summary>What an entry loses that is emptied.</summary>
    public static readonly string[] Emptied =
    [
        MongoRows.Commit, MongoRows.Commits, MongoRows.Streams, MongoRows.Lives, MongoRows.Terms, MongoRows.Born, MongoRows.Change,
        MongoRows.Bucket, MongoRows.Category, MongoRows.Id, MongoRows.Start, MongoRows.Revision, MongoRows.Sequence, MongoRows.First,
        MongoRows.Newest, MongoRows.Sealed, MongoRows.Before,
    ];

    private readonly MongoNames names = new(connection);

    /// <summary>Leaves of an entry what the chain goes on from.</summary>
    public static BsonDocument Empty => Unset(Emptied);

    /// <summary>
    /// Empties, as long as there is time. A failure is no error: no reader sees what is covered, and only space is lost until the next
    /// opening of the store goes on.
    /// </summary>
    public async Task TryAsync(MongoEntry entry, Func<bool> hasTime, CancellationToken cancellationToken)
    {
        try
        {
            if (entry.Change is not { } change || !await EmptyAsync(entry, change, hasTime, cancellationToken).ConfigureAwait(false))
                return;

            // The removal of a stream has nothing left to hide. A purge stays, so that a lookup of a stream finds it while this is done; a
            // truncation says where the stream stands.
            var finished = change is { IsRemoval: true, Target.IsStream: true } ? Empty : Unset(MongoRows.Commit, MongoRows.Lives);
            await connection.WriteAsync(token => connection.Entries.UpdateOneAsync(
                new BsonDocument(MongoRows.Key, entry.Link), finished, null, token)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is StorageException || MongoErrors.IsDuplicateKey(error))
        {
        }
    }

    private async Task<bool> EmptyAsync(MongoEntry entry, MongoChange change, Func<bool> hasTime, CancellationToken cancellationToken)
    {
        if (!await DeleteSnapshotsAsync(entry, change, hasTime, cancellationToken).ConfigureAwait(false)) return false;
        var low = change.IsRemoval ? 0 : await FindBeginAsync(change, cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var query = new MongoQuery(CoveredBy(entry, change, low))
            {
                Sort = new(MongoRows.Key, 1),
                Fields = MongoRows.WithoutBodies,
                Limit = EntriesPerStep,
            };
            var found = await connection.FindAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false);
            if (found.Count == 0) break;
            if (!hasTime()) return false;
            await EmptyAsync(found, change, cancellationToken).ConfigureAwait(false);
            low = found[^1][MongoRows.Key].AsInt64 + 1;
        }

        if (change.IsRemoval) await names.RemoveAsync(change.Target, entry.Last).ConfigureAwait(false);
        return true;
    }

    private async Task EmptyAsync(List<BsonDocument> found, MongoChange change, CancellationToken cancellationToken)
    {
        var (whole, parts) = (new BsonArray(), new List<WriteModel<BsonDocument>>());
        foreach (var document in found)
        {
            var entry = MongoEntry.Of(document);
            if (change.IsRemoval && Array.TrueForAll(entry.Members, member => !member.IsThere || change.Target.Covers(member.Stream)))
                whole.Add(entry.Link);
            else if (change.IsRemoval) parts.Add(Update(entry, RemoveFrom(entry, change)));
            else if (await CutAsync(entry, change, cancellationToken).ConfigureAwait(false) is { } cut) parts.Add(cut);
        }

        if (whole.Count > 0)
        {
            var those = new BsonDocument(MongoRows.Key, new BsonDocument("$in", whole));
            await connection.WriteAsync(token => connection.Entries.UpdateManyAsync(those, Empty, null, token)).ConfigureAwait(false);
        }

        if (parts.Count > 0)
            await connection.WriteAsync(token => connection.Entries.BulkWriteAsync(parts, null, token)).ConfigureAwait(false);
    }

    // Takes the commits of removed streams out of a unit of which others stay. They keep their revisions, as the others' checkpoints count
    // on them.
    private static BsonDocument RemoveFrom(MongoEntry entry, MongoChange change)
    {
        var (set, unset) = (new BsonDocument(), new BsonDocument());
        var (streams, lives) = (new BsonArray(), new BsonArray());
        var gone = entry.Members.Where(member => member.IsThere && change.Target.Covers(member.Stream)).ToHashSet();
        for (var i = 0; i < entry.Members.Length; i++)
        {
            var member = entry.Members[i];
            if (!gone.Contains(member)) continue;
            set.Add($"{MongoRows.Commits}.{i}",
                new BsonDocument { { MongoRows.Revision, member.Revision }, { MongoRows.To, member.To } });
            streams.AddRange(MongoTokens.Of(member.Stream, member.Revision, member.To));
            lives.Add(member.Start);
            if (entry.Born == MongoTokens.Of(member.Stream)) unset.Add(MongoRows.Born, "");
        }

        var update = new BsonDocument
        {
            { "$set", set },
            {
                "$pullAll", new BsonDocument
                {
                    { MongoRows.Streams, streams }, { MongoRows.Lives, lives },
                    { MongoRows.Terms, TermsOnlyOf(entry, gone.Contains, long.MaxValue) },
                }
            },
        };
        if (unset.ElementCount > 0) update.Add("$unset", unset);
        return update;
    }

    // Takes truncated events out of a commit; null where they are out already. A commit of which some are left is read whole.
    private async Task<WriteModel<BsonDocument>?> CutAsync(MongoEntry entry, MongoChange change, CancellationToken cancellationToken)
    {
        var i = Array.FindIndex(entry.Members, member => member.IsThere && member.Start == change.Head.Start);
        if (i < 0 || entry.Members[i] is var member && (member.From > member.To || member.From >= change.Head.First)) return null;
        var (first, path) = (Math.Min(change.Head.First, member.To + 1), $"{MongoRows.Commits}.{i}");
        var set = new BsonDocument($"{path}.{MongoRows.From}", first);
        var unset = new BsonDocument();
        if (first > member.To)
        {
            unset.Add($"{path}.{MongoRows.Events}", "");
            unset.Add($"{path}.{MongoRows.Headers}", "");
        }
        else
        {
            var query = new MongoQuery(new BsonDocument(MongoRows.Key, entry.Link));
            if (await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is not { } found)
                return null;
            var now = MongoEntry.Of(found).Members.ElementAtOrDefault(i);
            if (now is not { IsThere: true } || now.From != member.From) return null;
            set.Add($"{path}.{MongoRows.Events}", MongoRows.Read(found, () => now.EventsFrom(first)));
        }

        var update = new BsonDocument
        {
            { "$set", set }, { "$pullAll", new BsonDocument(MongoRows.Terms, TermsOnlyOf(entry, other => other == member, first)) },
        };
        if (unset.ElementCount > 0) update.Add("$unset", unset);

        // Where another process was faster, what it left stays.
        var same = new BsonDocument { { MongoRows.Key, entry.Link }, { $"{path}.{MongoRows.Start}", member.Start } };
        same.Add($"{path}.{MongoRows.From}", member.From > member.Revision ? member.From : new BsonDocument("$exists", false));
        return new UpdateOneModel<BsonDocument>(same, update);
    }

    // The terms of members of which nothing below a revision stays, as far as nothing else of the entry has them.
    private static BsonArray TermsOnlyOf(MongoEntry entry, Func<MongoMember, bool> goes, long first)
    {
        var (going, staying) = (new HashSet<long>(), new HashSet<long>());
        foreach (var member in entry.Members)
        {
            if (!member.IsThere || member.From > member.To) continue;
            var events = entry.ToEvents(member, entry.ToCommit(member));
            var stay = events.Where(recorded => !goes(member) || recorded.Revision.Value >= first).Select(recorded => recorded.Record)
                .ToList();
            if (stay.Count > 0) staying.UnionWith(MongoCommits.TermsOf(member.Stream, stay));
            if (goes(member)) going.UnionWith(MongoCommits.TermsOf(member.Stream, events.Select(recorded => recorded.Record)));
        }

        return new BsonArray(going.Except(staying));
    }

    private static UpdateOneModel<BsonDocument> Update(MongoEntry entry, BsonDocument update) =>
        new(new BsonDocument(MongoRows.Key, entry.Link), update);

    // What is emptied is covered no longer. Of a truncation only commits are that still have events below its revision.
    private static BsonDocument CoveredBy(MongoEntry entry, MongoChange change, long low)
    {
        var covered = change.Target.ToEntryFilter();
        covered.Add(MongoRows.Key, new BsonDocument { { "$gte", low }, { "$lt", entry.Link } });
        if (change.IsRemoval) return covered;
        covered.Add(MongoRows.Commits, new BsonDocument("$elemMatch", new BsonDocument
        {
            { MongoRows.Start, change.Head.Start }, { MongoRows.Revision, new BsonDocument("$lt", change.Head.First) },
            { MongoRows.Events, new BsonDocument("$exists", true) },
            { MongoRows.From, new BsonDocument("$not", new BsonDocument("$gte", change.Head.First)) },
        }));
        return covered;
    }

    // Entries before the block of the first revision that was left were emptied before.
    private Task<long> FindBeginAsync(MongoChange change, CancellationToken cancellationToken) => new MongoHeads(connection).FindBlockAsync(
        MongoTokens.OfBlock(new StreamId(change.Target.Bucket, change.Target.Category, change.Target.Id), change.Before),
        cancellationToken);

    private async Task<bool> DeleteSnapshotsAsync(
        MongoEntry entry, MongoChange change, Func<bool> hasTime, CancellationToken cancellationToken)
    {
        var covered = change.Target.ToSnapshotFilter();
        covered.Add(MongoRows.Start, change.IsRemoval ? new BsonDocument("$lte", entry.Last) : change.Head.Start);
        if (!change.IsRemoval) covered.Add(MongoRows.Revision, new BsonDocument("$lt", change.Head.First - 1));
        while (true)
        {
            var query = new MongoQuery(covered) { Fields = new(MongoRows.Key, 1), Limit = EntriesPerStep };
            var found = await connection.FindAsync(connection.Snapshots, query, cancellationToken).ConfigureAwait(false);
            if (found.Count == 0) return true;
            if (!hasTime()) return false;
            var step = new BsonDocument(MongoRows.Key,
                new BsonDocument("$in", new BsonArray(found.Select(document => document[MongoRows.Key]))));
            await connection.WriteAsync(token => connection.Snapshots.DeleteManyAsync(step, token)).ConfigureAwait(false);
        }
    }

    private static BsonDocument Unset(params string[] fields) =>
        new("$unset", new BsonDocument(fields.Select(field => new BsonElement(field, ""))));
}

using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Reads every document of every collection, whatever its key, and checks that it is as this engine writes it. The chain must have no
/// holes, and streams must count their revisions and commits from 1. Bits that rot on a disk are found by the server, whose storage engine
/// keeps checksums.
/// </summary>
internal sealed class MongoVerification(MongoConnection connection, IProgress<VerificationProgress>? progress)
{
    private const int DocumentsPerRequest = 500;
    private const string Advice = "Restore the store from a backup.";
    private readonly Dictionary<StreamId, Life> lives = [];
    private readonly List<Damage> damages = [];
    private long last;
    private long stamp = long.MinValue;
    private long eventsChecked;

    public async Task<VerificationReport> RunAsync(CancellationToken cancellationToken)
    {
        // By their keys, so that entries come in the order of the chain.
        await WalkAsync(connection.Entries, document => Check(MongoEntry.Of(document), document), cancellationToken).ConfigureAwait(false);
        await WalkAsync(connection.Snapshots, CheckSnapshot, cancellationToken).ConfigureAwait(false);
        await WalkAsync(connection.Documents, document => MongoDocuments.ToDocument(document), cancellationToken).ConfigureAwait(false);
        await WalkAsync(connection.Store, MongoSchema.RequireKnown, cancellationToken).ConfigureAwait(false);
        return new VerificationReport(Total(head => head.Sequence), Total(head => head.Revision), damages);
    }

    private async Task WalkAsync(IMongoCollection<BsonDocument> collection, Action<BsonDocument> check, CancellationToken cancellationToken)
    {
        var query = new MongoQuery([]) { Sort = new(MongoRows.Key, 1), BatchSize = DocumentsPerRequest };
        await connection.WalkAsync(collection, query, batch =>
        {
            foreach (var document in batch) Check(document, check);
            progress?.Report(new VerificationProgress(eventsChecked, null));
        }, cancellationToken).ConfigureAwait(false);
    }

    private void Check(BsonDocument document, Action<BsonDocument> check)
    {
        try
        {
            check(document);
        }
        catch (CorruptStorageException damage)
        {
            Report(damage.Place, damage.Problem);

            // So that it is not reported as missing as well.
            if (document.GetValue(MongoRows.Key, BsonNull.Value) is BsonInt64 { Value: <= MongoRows.MostNumber } key)
                last = Math.Max(last, key.Value);
        }
    }

    private void Check(in MongoEntry entry, BsonDocument document)
    {
        if (entry.First != last + 1) Report($"checkpoint {last + 1}", $"the next entry of the chain begins at {entry.First}.");
        if (entry.Stamp < stamp) Report($"checkpoint {entry.First}", "its stamp is before that of the entry before it.");
        last = Math.Max(entry.First, entry.Last);
        stamp = Math.Max(stamp, entry.Stamp);
        if (entry.IsRemoval) Remove(entry.Target);
        if (entry.IsCommit) Check(entry, MongoRows.ToCommit(document), document);
    }

    private void Check(in MongoEntry entry, CommitRecord commit, BsonDocument document)
    {
        eventsChecked += MongoRows.ToEvents(commit, document).Length;
        var life = lives.GetValueOrDefault(commit.Stream) ?? new Life(new MongoHead(entry.First, 0, 0), []);
        var head = life.Head;
        if (entry.Start != head.Start || entry.Revision != head.Revision + 1 || entry.Sequence != head.Sequence + 1)
            Report($"stream '{commit.Stream}', revision {entry.Revision}",
                $"the stream begins at checkpoint {head.Start} and is at revision {head.Revision} after {head.Sequence} commits there.");
        if (!life.CommitIds.Add(commit.CommitId)) Report($"stream '{commit.Stream}', revision {entry.Revision}",
            "its commit id came before.");
        lives[commit.Stream] = life with { Head = MongoHead.After(entry) };
    }

    private void Remove(MongoTarget target)
    {
        foreach (var gone in lives.Keys.Where(target.Covers).ToArray()) lives.Remove(gone);
    }

    // Snapshots of streams that are gone may be left over, and are never returned.
    private void CheckSnapshot(BsonDocument document)
    {
        var stream = MongoRows.StreamOf(document);
        var (start, revision) = MongoRows.PlaceOf(document);
        MongoRows.Read(document, () => document[MongoRows.Key].AsObjectId);
        MongoSnapshots.ToSnapshot(stream, document);
        var head = lives.GetValueOrDefault(stream)?.Head ?? default;
        if (head.Start == start && revision > head.Revision)
            Report($"stream '{stream}', snapshot at revision {revision}", $"it is above the stream's revision {head.Revision}.");
    }

    // Wrong numbers of very many streams could be too high for a checked sum.
    private long Total(Func<MongoHead, long> number) => lives.Values.Aggregate(0L, (sum, life) => sum + number(life.Head));

    private void Report(string place, string problem) => damages.Add(new Damage(place, problem, Advice));

    private sealed record Life(MongoHead Head, HashSet<Guid> CommitIds);
}

using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// Walks the whole chain and checks that it has no holes, and that every document can be read. Streams must count their revisions and
/// commits from 1. Bits that rot on a disk are found by the server, whose storage engine keeps checksums.
/// </summary>
internal sealed class MongoVerification(MongoConnection connection, IProgress<VerificationProgress>? progress)
{
    private const int EntriesPerRequest = 500;
    private const string Advice = "Restore the store from a backup.";
    private readonly Dictionary<StreamId, Life> lives = [];
    private readonly List<Damage> damages = [];
    private long last;
    private long stamp = long.MinValue;
    private long eventsChecked;

    public async Task<VerificationReport> RunAsync(CancellationToken cancellationToken)
    {
        long seen;
        do
        {
            seen = last;
            var query = new MongoQuery(new BsonDocument(MongoRows.Key, new BsonDocument("$gt", last)))
            {
                Sort = new(MongoRows.Key, 1),
                Limit = EntriesPerRequest
            };
            await connection.TakeAsync(connection.Entries, query, Take, cancellationToken).ConfigureAwait(false);
            progress?.Report(new VerificationProgress(eventsChecked, null));
        }
        while (last > seen);

        await CheckSnapshotsAsync(cancellationToken).ConfigureAwait(false);
        return new VerificationReport(Total(head => head.Sequence), Total(head => head.Revision), damages);
    }

    private bool Take(BsonDocument document)
    {
        if (!TryCheck(() => Check(MongoEntry.Of(document), document)) && document.GetValue(MongoRows.Key, BsonNull.Value) is BsonInt64 key)
            last = Math.Max(last, key.Value);
        return true;
    }

    private bool TryCheck(Action check)
    {
        try
        {
            check();
            return true;
        }
        catch (CorruptStorageException damage)
        {
            damages.Add(new Damage(damage.Place, damage.Problem, Advice));
            return false;
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
    private Task CheckSnapshotsAsync(CancellationToken cancellationToken)
    {
        var query = new MongoQuery([]) { Fields = new(MongoRows.State, 0) };
        return connection.TakeAsync(connection.Snapshots, query, document =>
        {
            TryCheck(() => CheckSnapshot(document));
            return true;
        }, cancellationToken);
    }

    private void CheckSnapshot(BsonDocument document)
    {
        var stream = MongoRows.StreamOf(document);
        var (start, revision) = MongoRows.PlaceOf(document);
        var head = lives.GetValueOrDefault(stream)?.Head ?? default;
        if (head.Start == start && revision > head.Revision)
            Report($"stream '{stream}', snapshot at revision {revision}", $"it is above the stream's revision {head.Revision}.");
    }

    // Wrong numbers of very many streams could be too high for a checked sum.
    private long Total(Func<MongoHead, long> number) => lives.Values.Aggregate(0L, (sum, life) => sum + number(life.Head));

    private void Report(string place, string problem) => damages.Add(new Damage(place, problem, Advice));

    private sealed record Life(MongoHead Head, HashSet<Guid> CommitIds);
}

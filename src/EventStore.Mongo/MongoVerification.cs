using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>
/// Reads every document of every collection, whatever its key, and checks that it is as this engine writes it and is found by its indexes.
/// The chain must have no holes. Streams must count their revisions and commits from 1, and lack no more than was truncated. Bits that rot
/// on a disk are found by the server, whose storage engine keeps checksums.
/// </summary>
internal sealed class MongoVerification(MongoConnection connection, IProgress<VerificationProgress>? progress)
{
    private const int DocumentsPerRequest = 500;
    private const string Advice = "Restore the store from a backup.";
    private readonly Dictionary<StreamId, Life> lives = [];
    private readonly List<Damage> damages = [];
    private long link;
    private long last;
    private long removed;
    private long stamp = long.MinValue;
    private long eventsChecked;

    public async Task<VerificationReport> RunAsync(CancellationToken cancellationToken)
    {
        // By their keys, so that entries come in the order of the chain.
        await WalkAsync(connection.Entries, document => Check(MongoEntry.Of(document)), cancellationToken).ConfigureAwait(false);
        foreach (var (stream, life) in lives.Where(life => life.Value.Lacking >= life.Value.Head.First))
            Report($"stream '{stream}', revision {life.Lacking}", "its event is missing, and was not truncated.");
        await WalkAsync(connection.Snapshots, CheckSnapshot, cancellationToken).ConfigureAwait(false);
        await WalkAsync(connection.Documents, document => MongoDocuments.ToDocument(document), cancellationToken).ConfigureAwait(false);
        await WalkAsync(connection.Names, MongoNames.RequireName, cancellationToken).ConfigureAwait(false);
        await WalkAsync(connection.Store, MongoSchema.RequireKnown, cancellationToken).ConfigureAwait(false);
        return new VerificationReport(Total(head => head.Sequence), Total(head => head.Revision - head.First + 1), damages);
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
            if (document.GetValue(MongoRows.Key, BsonNull.Value) is not BsonInt64 { Value: <= MongoRows.MostNumber } key) return;
            link = Math.Max(link, key.Value);
            if (document.GetValue(MongoRows.Last, BsonNull.Value) is BsonInt64 { Value: <= MongoRows.MostNumber } upTo)
                last = Math.Max(last, upTo.Value);
        }
    }

    private void Check(MongoEntry entry)
    {
        if (entry.Link != link + 1 || entry.First != last + 1)
            Report($"entry {link + 1} of the chain, checkpoint {last + 1}",
                $"the next one is entry {entry.Link}, and begins at checkpoint {entry.First}.");
        if (entry.Stamp < stamp) Report($"entry {entry.Link}", "its stamp is before that of the entry before it.");
        if (entry.Removed < removed) Report($"entry {entry.Link}", "fewer checkpoints are removed than before it.");
        (link, last) = (Math.Max(link, entry.Link), Math.Max(last, entry.Last));
        (stamp, removed) = (Math.Max(stamp, entry.Stamp), Math.Max(removed, entry.Removed));
        if (entry.Change is { } change) Check(entry, change);
        if (entry.Members.Length == 0) return;
        HashSet<BsonValue> wanted = [];
        foreach (var member in entry.Members.Where(member => member.IsThere)) wanted.UnionWith(Check(entry, member));
        var born = entry.Members.FirstOrDefault(member => member.Start == member.FirstCheckpoint);
        var isFound = entry.ReadTokens().SetEquals(wanted)
            && (!entry.IsWhole || entry.Born == (born is null ? null : MongoTokens.Of(born.Stream)));
        if (!isFound) ReportIndexes(entry);
    }

    private void Check(MongoEntry entry, MongoChange change)
    {
        if (!entry.ReadStreams().SetEquals([change.Target.Token])) ReportIndexes(entry);
        if (change.IsRemoval)
        {
            foreach (var gone in lives.Keys.Where(change.Target.Covers).ToArray()) lives.Remove(gone);
            return;
        }

        var stream = new StreamId(change.Target.Bucket, change.Target.Category, change.Target.Id);
        var life = lives.GetValueOrDefault(stream) ?? new Life(default, [], 0);
        if (life.Head with { First = change.Head.First, IsSealed = change.Head.IsSealed } != change.Head
            || life.Head.First != change.Before || (life.Head.IsSealed && !change.Head.IsSealed))
            Report($"stream '{stream}', entry {entry.Link}", "the entry does not follow from the state of the stream before it.");
        if (life.Head.Exists) lives[stream] = life with { Head = change.Head };
    }

    // Returns by what the entry must be found for the sake of this commit.
    private IEnumerable<BsonValue> Check(MongoEntry entry, MongoMember member)
    {
        var commit = entry.ToCommit(member);
        var events = entry.ToEvents(member, commit);
        eventsChecked += events.Length;
        var life = lives.GetValueOrDefault(member.Stream)
            ?? new Life(new MongoHead(member.FirstCheckpoint, 0, 0, 1, 0, IsSealed: false), [], 0);
        var head = life.Head;
        var place = $"stream '{member.Stream}', revision {member.Revision}";
        if (member.Start != head.Start || member.Revision != head.Revision + 1 || member.Sequence != head.Sequence + 1
            || member.FirstOfStream != head.First)
            Report(place, $"the stream begins at checkpoint {head.Start} and is at revision {head.Revision} after {head.Sequence} commits "
                + $"there, from revision {head.First} on.");
        if (head.IsSealed) Report(place, "the stream is sealed before it.");
        if (!life.CommitIds.Add(commit.CommitId)) Report(place, "its commit id came before.");
        if (!member.HasBodies) Report(place, "an event of it has no body.");
        lives[member.Stream] = life with { Head = member.After, Lacking = member.From > member.Revision ? member.From - 1 : life.Lacking };
        var tokens = MongoTokens.Of(member.Stream, member.Revision, member.To).Select(token => (BsonValue)token).Append(member.Start);
        return events.Length == 0 ? tokens : tokens.Concat(
            MongoCommits.TermsOf(member.Stream, events.Select(recorded => recorded.Record)).Select(term => (BsonValue)term));
    }

    // Snapshots of streams that are gone, or that were truncated, may be left over, and are never returned.
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

    private void ReportIndexes(MongoEntry entry) =>
        Report($"entry {entry.Link}, checkpoint {entry.First}", "it is not found by what it holds: its indexed fields differ.");

    private void Report(string place, string problem) => damages.Add(new Damage(place, problem, Advice));

    // Lacking is the highest revision that is not stored.
    private sealed record Life(MongoHead Head, HashSet<Guid> CommitIds, long Lacking);
}

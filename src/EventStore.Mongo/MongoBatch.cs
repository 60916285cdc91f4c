using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// A batch on its way: decides each attempt against those before it, and gathers the documents that would store them. An attempt is
/// <i>open</i> until it is settled; one that would be refused is <i>in doubt</i> until its commit id was looked for.
/// </summary>
internal sealed class MongoBatch(IReadOnlyList<CommitAttempt> attempts, TimeProvider time)
{
    // One message of at most 48 MB is carried out or not; of several, some may be.
    private const int MaxMessageDocuments = 1000;
    private const long MaxMessageBytes = 24 << 20;

    private readonly CommitOutcome[] outcomes = new CommitOutcome[attempts.Count];
    private readonly Dictionary<(StreamId Stream, Guid CommitId), CommitRecord?> originals = [];
    private readonly Dictionary<(StreamId Stream, Guid CommitId), CommitRecord> gathered = [];
    private readonly Dictionary<StreamId, MongoHead> heads = [];
    private readonly List<CommitAttempt> doubts = [];
    private readonly List<int> places = [];
    private int firstOpen;
    private int firstUndecided;
    private CommitAttempt? suspect;
    private int refusals;

    public IReadOnlyList<CommitOutcome> Outcomes => outcomes;

    /// <summary>The attempts that are not settled.</summary>
    public IEnumerable<CommitAttempt> Open => attempts.Skip(firstOpen);

    /// <summary>What would store the open attempts, in order.</summary>
    public List<BsonDocument> Documents { get; } = [];

    /// <summary>Whether something of the batch was stored.</summary>
    public bool HasStored { get; private set; }

    public bool HasDoubts => doubts.Count > 0;

    /// <summary>Whether every attempt has its final outcome.</summary>
    public bool IsSettled => firstOpen == attempts.Count;

    /// <summary>
    /// Decides the open attempts as of an end of the chain and the heads known there. It takes as many as fit into one message to the
    /// server.
    /// </summary>
    public void Decide(MongoEnd end, Dictionary<StreamId, MongoHead> known)
    {
        heads.Clear();
        gathered.Clear();
        doubts.Clear();
        places.Clear();
        Documents.Clear();
        var (last, stamp) = (end.Last, end.Stamp);
        long bytes = 0;
        firstUndecided = attempts.Count;
        for (var i = firstOpen; i < attempts.Count; i++)
        {
            var attempt = attempts[i];
            if (Documents.Count == MaxMessageDocuments
                || ((bytes += MongoRows.MaxSizeOf(attempt)) > MaxMessageBytes && Documents.Count > 0))
            {
                firstUndecided = i;
                return;
            }

            if (!heads.TryGetValue(attempt.Stream, out var head)) head = known[attempt.Stream];
            if (Refuse(attempt, head) is { } refused)
            {
                outcomes[i] = refused;
                continue;
            }

            stamp = CommitRecord.NextStamp(time, stamp);
            var commit = AttemptRules.Accept(attempt, new Revision(head.Revision), new CommitSequence(head.Sequence), new Checkpoint(last),
                stamp);
            var start = head.Exists ? head.Start : last + 1;
            Documents.Add(MongoRows.ToDocument(commit, start, attempt.Events));
            places.Add(i);
            outcomes[i] = CommitOutcome.Committed(commit);
            heads[attempt.Stream] = new MongoHead(start, commit.LastRevision.Value, commit.Sequence.Value);
            gathered.Add((attempt.Stream, attempt.CommitId), commit);
            last += attempt.Events.Count;
        }
    }

    /// <summary>Takes in how many of the documents were stored. If not all, the first one that was not is in doubt.</summary>
    public void Settle(int count)
    {
        HasStored |= count > 0;
        var wasRefused = count < places.Count;
        firstOpen = wasRefused ? places[count] : firstUndecided;
        if (wasRefused) suspect = attempts[firstOpen];
    }

    /// <summary>The attempts in doubt, to be looked for.</summary>
    public CommitAttempt[] TakeDoubts() => [.. doubts.DistinctBy(attempt => (attempt.Stream, attempt.CommitId))];

    /// <summary>Records what is stored under an attempt's commit id; null where no commit is.</summary>
    public void SetOriginal(CommitAttempt attempt, CommitRecord? original)
    {
        lock (originals) originals[(attempt.Stream, attempt.CommitId)] = original;
    }

    /// <summary>
    /// Records that the chain went on. An id that was looked for may be there now, or no longer, if it is among what was appended. Null
    /// where that is not known.
    /// </summary>
    public void Follow(List<BsonDocument>? appended)
    {
        if (appended is null || !appended.TrueForAll(document => MongoEntry.Of(document).IsCommit))
        {
            originals.Clear();
            return;
        }

        // The key that was asked for was taken by what came: the commit id need not be known.
        if (appended.Count > 0 && suspect is not null && ++refusals == 1) suspect = null;
        foreach (var commit in appended.Select(MongoRows.ToCommit)) originals.Remove((commit.Stream, commit.CommitId));
    }

    // Null for an attempt that is to be stored. A refusal is in doubt as long as the commit id was not looked for: it may be a duplicate.
    private CommitOutcome? Refuse(CommitAttempt attempt, MongoHead head)
    {
        var isLookedFor = originals.TryGetValue((attempt.Stream, attempt.CommitId), out var original);
        original ??= gathered.GetValueOrDefault((attempt.Stream, attempt.CommitId));
        var refused = AttemptRules.Refuse(attempt, new Revision(head.Revision), original);
        if (original is null && !isLookedFor && (refused is not null || attempt == suspect)) doubts.Add(attempt);
        return refused;
    }
}

using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// A batch on its way: decides each attempt against those before it, and gathers the documents that would store them. An attempt is <i>open</i>
/// until it is settled; one that would be refused is <i>in doubt</i> until its commit id was looked for.
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

    /// <summary>Whether every attempt has its outcome for good.</summary>
    public bool IsSettled => firstOpen == attempts.Count;

    /// <summary>Decides the open attempts as of an end of the chain and the heads known there, as many as fit into one message to the server.</summary>
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
            if (Documents.Count == MaxMessageDocuments || ((bytes += MongoRows.MaxSizeOf(attempt)) > MaxMessageBytes && Documents.Count > 0))
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
            var commit = new CommitRecord(
                attempt.Stream, attempt.CommitId, new CommitSequence(head.Sequence + 1), stamp, new Revision(head.Revision + 1), new Checkpoint(last + 1), attempt.Events.Count, attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
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

    /// <summary>Says what is stored under an attempt's commit id; null for nothing.</summary>
    public void SetOriginal(CommitAttempt attempt, CommitRecord? original)
    {
        lock (originals) originals[(attempt.Stream, attempt.CommitId)] = original;
    }

    /// <summary>The chain went on: an id that was looked for may be there now, or no more, if this is among what was appended; null where that is not known.</summary>
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

    // A duplicate is told before anything else is looked at. Null for an attempt that is to be stored.
    private CommitOutcome? Refuse(CommitAttempt attempt, MongoHead head)
    {
        var isLookedFor = originals.TryGetValue((attempt.Stream, attempt.CommitId), out var original);
        if (original is not null || gathered.TryGetValue((attempt.Stream, attempt.CommitId), out original)) return CommitOutcome.Duplicate(original);
        var isMet = attempt.Expected.IsMetBy(new Revision(head.Revision));
        if (!isLookedFor && (!isMet || attempt == suspect)) doubts.Add(attempt);
        return isMet ? null : CommitOutcome.Conflict(new Revision(head.Revision));
    }
}

/// <summary>How long somebody who was too late tries again, with short waits of random length, so that those who race do not keep step.</summary>
internal sealed class MongoPatience(TimeSpan limit)
{
    private const int MaxWaitMilliseconds = 16;
    private readonly long started = System.Diagnostics.Stopwatch.GetTimestamp();
    private int tries;

    /// <exception cref="StorageUnavailableException">The time is over.</exception>
    public async Task WaitAsync()
    {
        if (System.Diagnostics.Stopwatch.GetElapsedTime(started) > limit)
            throw new StorageUnavailableException($"Others were faster {tries} times, for {limit.TotalSeconds:0} s. Nothing more was stored; try again, or let fewer processes write to one store.");

        // The first time nobody is in the way any more, as a rule.
        if (++tries > 2) await Task.Delay(Random.Shared.Next(Math.Min(MaxWaitMilliseconds, 1 << Math.Min(tries, 6)))).ConfigureAwait(false);
    }
}

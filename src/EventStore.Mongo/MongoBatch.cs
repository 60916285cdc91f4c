using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// A batch on its way: decides each attempt against those before it, and gathers the documents that would store them. An attempt is
/// <i>open</i> until it is settled; one that would be refused is <i>in doubt</i> until its commit id was looked for.
/// </summary>
internal sealed class MongoBatch(IReadOnlyList<CommitAttempt> attempts, TimeProvider time) : IAttemptFacts
{
    // One message of at most 48 MB is carried out or not; of several, some may be.
    private const int MaxMessageDocuments = 1000;
    private const long MaxMessageBytes = 24 << 20;

    private readonly CommitOutcome[] outcomes = new CommitOutcome[attempts.Count];
    private readonly Dictionary<(StreamId Stream, Guid CommitId), CommitRecord?> originals = [];
    private readonly Dictionary<AppendCondition, long> matches = [];
    private readonly List<CommitAttempt> doubts = [];
    private readonly List<int> places = [];

    // What the documents that are gathered would store.
    private readonly Dictionary<(StreamId Stream, Guid CommitId), CommitRecord> gathered = [];
    private readonly Dictionary<StreamId, MongoHead> heads = [];
    private readonly List<MongoAppend> appends = [];
    private Dictionary<StreamId, MongoHead> known = [];
    private MongoEnd end;
    private int firstOpen;
    private int firstUndecided;
    private CommitAttempt? suspect;
    private int refusals;

    public IReadOnlyList<CommitOutcome> Outcomes => outcomes;

    /// <summary>The attempts that are not settled.</summary>
    public IEnumerable<CommitAttempt> Open => attempts.Skip(firstOpen);

    /// <summary>The streams of the open attempts.</summary>
    public IEnumerable<StreamId> OpenStreams =>
        Open.SelectMany(attempt => Enumerable.Range(0, attempt.MemberCount).Select(i => attempt.Member(i).Stream));

    /// <summary>The conditions of the open attempts for which it is not known what stands in their way.</summary>
    public IEnumerable<AppendCondition> OpenConditions =>
        Open.Select(attempt => attempt.Condition).OfType<AppendCondition>().Where(condition => !matches.ContainsKey(condition)).Distinct();

    /// <summary>What would store the open attempts, in order.</summary>
    public List<BsonDocument> Documents { get; } = [];

    /// <summary>The streams that begin with the documents, and by which no entry is indexed.</summary>
    public List<(string Key, long Start)> Names { get; } = [];

    /// <summary>Whether something of the batch was stored.</summary>
    public bool HasStored { get; private set; }

    public bool HasDoubts => doubts.Count > 0;

    /// <summary>Whether every attempt has its final outcome.</summary>
    public bool IsSettled => firstOpen == attempts.Count;

    Checkpoint IAttemptFacts.HighestRemoved => new(end.Removed);

    StreamState IAttemptFacts.StateOf(StreamId stream) => HeadOf(stream).State;

    CommitRecord? IAttemptFacts.FindCommit(StreamId stream, Guid commitId) =>
        originals.GetValueOrDefault((stream, commitId)) ?? gathered.GetValueOrDefault((stream, commitId));

    // What is stored comes before what the batch adds.
    Checkpoint IAttemptFacts.FindFirstMatch(AppendCondition condition)
    {
        if (matches[condition] is var stored and > 0) return new Checkpoint(stored);
        foreach (var (attempt, commit, _, _) in appends)
        {
            if (commit.LastCheckpoint <= condition.After) continue;
            for (var i = 0; i < commit.EventCount; i++)
            {
                var recorded = new RecordedEvent(commit, i, attempt.Events[i]);
                if (recorded.Checkpoint > condition.After && condition.Criteria.Matches(recorded)) return recorded.Checkpoint;
            }
        }

        return Checkpoint.Origin;
    }

    /// <summary>
    /// Decides the open attempts as of an end of the chain and the heads known there. It takes as many as fit into one message to the
    /// server.
    /// </summary>
    public void Decide(in MongoEnd chainEnd, Dictionary<StreamId, MongoHead> knownHeads)
    {
        (end, known) = (chainEnd, knownHeads);
        heads.Clear();
        gathered.Clear();
        appends.Clear();
        doubts.Clear();
        places.Clear();
        Documents.Clear();
        Names.Clear();
        long bytes = 0;
        firstUndecided = attempts.Count;
        for (var i = firstOpen; i < attempts.Count; i++)
        {
            var attempt = attempts[i];
            if (Documents.Count == MaxMessageDocuments
                || ((bytes += MongoCommits.MaxSizeOf(attempt)) > MaxMessageBytes && Documents.Count > 0))
            {
                firstUndecided = i;
                return;
            }

            if (Refuse(attempt) is { } refused)
            {
                outcomes[i] = refused;
                continue;
            }

            outcomes[i] = Gather(attempt);
            places.Add(i);
        }
    }

    /// <summary>Takes in how many of the documents were stored. If not all, the first one that was not is in doubt.</summary>
    public void Settle(int count)
    {
        HasStored |= count > 0;
        var wasRefused = count < places.Count;
        firstOpen = wasRefused ? places[count] : firstUndecided;
        if (wasRefused) suspect = attempts[firstOpen];
        if (count > 0) ForgetWhatWasMissing();
    }

    /// <summary>The attempts in doubt, to be looked for.</summary>
    public (StreamId Stream, Guid CommitId)[] TakeDoubts() =>
        [.. doubts.SelectMany(attempt => Enumerable.Range(0, attempt.MemberCount)
            .Select(i => (attempt.Member(i).Stream, attempt.CommitId))).Distinct()];

    /// <summary>Records what is stored in a stream under a commit id; null where no commit is.</summary>
    public void SetOriginal((StreamId Stream, Guid CommitId) asked, CommitRecord? original) => originals[asked] = original;

    /// <summary>Records the first checkpoint in the way of a condition; 0 for none.</summary>
    public void SetMatch(AppendCondition condition, long first) => matches[condition] = first;

    /// <summary>
    /// Records that the chain went on. An id that was looked for may be there now, or no longer, if it is among what was appended; the same
    /// for conditions. Null where that is not known.
    /// </summary>
    public void Follow(List<MongoEntry>? appended)
    {
        if (appended is null || !appended.TrueForAll(entry => entry.IsWhole))
        {
            originals.Clear();
            matches.Clear();
            return;
        }

        // The key that was asked for was taken by what came: the commit id need not be known.
        if (appended.Count > 0 && suspect is not null && ++refusals == 1) suspect = null;
        if (appended.Count > 0) ForgetWhatWasMissing();
    }

    private void ForgetWhatWasMissing()
    {
        foreach (var (asked, _) in originals.Where(original => original.Value is null).ToArray()) originals.Remove(asked);
        foreach (var (condition, _) in matches.Where(match => match.Value == 0).ToArray()) matches.Remove(condition);
    }

    // Null for an attempt that is to be stored. A refusal is in doubt as long as the commit id was not looked for: it may be a duplicate.
    private CommitOutcome? Refuse(CommitAttempt attempt)
    {
        var refused = AttemptRules.Refuse(attempt, this);
        if (refused is { Kind: CommitOutcomeKind.Duplicate }) return refused;
        if ((refused is not null || attempt == suspect) && !IsLookedFor(attempt)) doubts.Add(attempt);
        return refused;
    }

    private bool IsLookedFor(CommitAttempt attempt)
    {
        for (var i = 0; i < attempt.MemberCount; i++)
        {
            var asked = (attempt.Member(i).Stream, attempt.CommitId);
            if (!originals.ContainsKey(asked) && !gathered.ContainsKey(asked)) return false;
        }

        return true;
    }

    private CommitOutcome Gather(CommitAttempt attempt)
    {
        var behind = end = end with { Stamp = CommitRecord.NextStamp(time, end.Stamp, attempt.Stamp) };
        var unit = attempt.MemberCount == 1 ? default : new UnitPlace(new Checkpoint(end.Last + 1), attempt.MemberCount);
        var (commits, members, hasBirth) = (new CommitRecord[attempt.MemberCount], new MongoAppend[attempt.MemberCount], false);
        for (var i = 0; i < members.Length; i++)
        {
            var member = attempt.Member(i);
            var head = HeadOf(member.Stream);
            var commit = AttemptRules.Accept(member, head.ToHead(member.Stream, 0), new Checkpoint(end.Last), end.Stamp, unit);
            var start = head.Exists ? head.Start : end.Last + 1;
            var first = head.Exists ? head.First : 1;
            (commits[i], members[i]) = (commit, new MongoAppend(member, commit, start, first));
            if (members[i].IsBirth && hasBirth) Names.Add((MongoTokens.Of(member.Stream), start));
            hasBirth |= members[i].IsBirth;
            heads[member.Stream] = new MongoHead(
                start, commit.LastRevision.Value, commit.Sequence.Value, first, commit.LastCheckpoint.Value, IsSealed: false);
            gathered.Add((member.Stream, attempt.CommitId), commit);
            appends.Add(members[i]);
            end = end with { Last = commit.LastCheckpoint.Value };
        }

        Documents.Add(MongoCommits.ToDocument(behind, members));
        end = end with { Link = end.Next };
        return CommitOutcome.Committed(commits[0], commits[1..]);
    }

    private MongoHead HeadOf(StreamId stream) => heads.TryGetValue(stream, out var head) ? head : known[stream];
}

using System.Text;
using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>Writes the document of a commit or a unit, and knows how large it can be.</summary>
internal static class MongoCommits
{
    /// <summary>MongoDB takes documents of 16 MiB.</summary>
    public const int MaxDocumentBytes = 16 << 20;

    /// <summary>The most events of a commit or unit.</summary>
    public const int MaxEvents = 10_000;

    // Names of fields, types and lengths of an event with its place in the array, rounded up; the same for a commit, a tag and its term. A
    // document also names an import that holds the storage.
    private const int EventOverheadBytes = 90;
    private const int CommitOverheadBytes = 512;
    private const int DocumentOverheadBytes = 512 + Names.MaxFeatureBytes;
    private const int TagOverheadBytes = 32;
    private const int MaxNamesBytes = (2 * StreamId.MaxBucketBytes) + StreamId.MaxIdBytes;

    // A commit names its stream; so do its key, the key of a stream that it begins, and its tokens of blocks.
    private const int UsesOfNames = 3;
    private const int BlockOverheadBytes = 40;

    /// <summary>
    /// The most bytes that the document can have: the limit of the engine counts bodies, headers and tags only, names come on top.
    /// </summary>
    public static long MaxSizeOf(CommitAttempt attempt) => SizeOf(attempt, isExact: false);

    /// <summary>Refuses what no document of the servers can hold.</summary>
    /// <exception cref="TooLargeException">It would be larger than a document may be.</exception>
    public static void RequireFits(CommitAttempt attempt, int maxDocumentBytes)
    {
        if (MaxSizeOf(attempt) <= maxDocumentBytes) return;
        var size = SizeOf(attempt, isExact: true);
        if (size > maxDocumentBytes) throw new TooLargeException("commit with its names", size, maxDocumentBytes, "bytes");
    }

    /// <summary>The document that stores commits behind an end.</summary>
    /// <param name="end">The end, whose stamp is that of the commits.</param>
    /// <param name="commits">One commit, or those of a unit, with the first checkpoints of their streams.</param>
    public static BsonDocument ToDocument(in MongoEnd end, IReadOnlyList<MongoAppend> commits)
    {
        var count = commits.Sum(append => (long)append.Commit.EventCount);
        var document = MongoRows.ToEntry(end);
        document[MongoRows.Last] = end.Last + count;
        document[MongoRows.Count] = count;
        document.Add(MongoRows.Commit, MongoRows.ToBson(commits[0].Commit.CommitId));
        var (streams, lives, members, terms) = (new BsonArray(), new BsonArray(), new BsonArray(), new SortedSet<long>());
        foreach (var append in commits)
        {
            var commit = append.Commit;
            streams.AddRange(MongoTokens.Of(commit.Stream, commit.FirstRevision.Value, commit.LastRevision.Value));
            lives.Add(append.Start);
            members.Add(ToMember(append));
            terms.UnionWith(TermsOf(commit.Stream, append.Attempt.Events));
        }

        document.Add(MongoRows.Streams, streams);
        document.Add(MongoRows.Lives, lives);
        document.Add(MongoRows.Terms, new BsonArray(terms));
        if (commits.FirstOrDefault(append => append.IsBirth) is { Commit: { } born })
            document.Add(MongoRows.Born, MongoTokens.Of(born.Stream));
        document.Add(MongoRows.Commits, members);
        return document;
    }

    /// <summary>The terms by which events of a stream are found.</summary>
    public static IEnumerable<long> TermsOf(StreamId stream, IEnumerable<EventRecord> events)
    {
        yield return MongoTokens.TermOfCategory(stream.Bucket, stream.Category);
        foreach (var tag in events.SelectMany(record => record.Tags)) yield return MongoTokens.TermOfTag(stream.Bucket, tag);
    }

    private static BsonDocument ToMember(MongoAppend append)
    {
        var commit = append.Commit;
        var member = MongoRows.OfStream(commit.Stream);
        member.Add(MongoRows.Start, append.Start);
        member.Add(MongoRows.Revision, commit.FirstRevision.Value);
        member.Add(MongoRows.To, commit.LastRevision.Value);
        member.Add(MongoRows.Sequence, commit.Sequence.Value);
        if (append.FirstOfStream > 1) member.Add(MongoRows.First, append.FirstOfStream);
        if (!commit.Headers.IsEmpty) member.Add(MongoRows.Headers, MongoRows.ToBson(commit.Headers));
        var events = append.Attempt.Events;
        var array = new BsonArray(events.Count);
        for (var i = 0; i < events.Count; i++)
        {
            var stored = new BsonDocument
            {
                { MongoRows.Id, MongoRows.ToBson(events[i].EventId) }, { MongoRows.EventType, events[i].EventType },
                { MongoRows.Body, MongoRows.ToBson(events[i].Body) },
            };
            if (!events[i].Headers.IsEmpty) stored.Add(MongoRows.Headers, MongoRows.ToBson(events[i].Headers));
            if (events[i].Tags.Count > 0) stored.Add(MongoRows.Tags, new BsonArray(events[i].Tags));
            array.Add(stored);
        }

        member.Add(MongoRows.Events, array);
        return member;
    }

    private static long SizeOf(CommitAttempt attempt, bool isExact)
    {
        var size = attempt.SizeBytes + DocumentOverheadBytes;
        for (var i = 0; i < attempt.MemberCount; i++)
        {
            var member = attempt.Member(i);
            long names = isExact ? Encoding.UTF8.GetByteCount(MongoTokens.Of(member.Stream)) : MaxNamesBytes;
            size += CommitOverheadBytes + (UsesOfNames * names)
                + (MongoTokens.MaxBlocksOf(member.Events.Count) * (names + BlockOverheadBytes));
            for (var at = 0; at < member.Events.Count; at++)
            {
                size += EventOverheadBytes + (member.Events[at].Tags.Count * (long)TagOverheadBytes)
                    + (isExact ? Encoding.UTF8.GetByteCount(member.Events[at].EventType) : EventRecord.MaxTypeBytes);
            }
        }

        return size;
    }
}

/// <summary>A commit on its way into the chain.</summary>
/// <param name="Attempt">What was asked for.</param>
/// <param name="Commit">What becomes of it.</param>
/// <param name="Start">The first checkpoint of its stream.</param>
/// <param name="FirstOfStream">The first revision of its stream that is not truncated.</param>
internal readonly record struct MongoAppend(CommitAttempt Attempt, CommitRecord Commit, long Start, long FirstOfStream)
{
    /// <summary>Whether the stream begins with it.</summary>
    public bool IsBirth => Commit.FirstRevision.Value == 1;
}

using System.Buffers.Binary;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>Reads the outcomes of a run of the script of commits, whose form is described in <c>Scripts/commit.lua</c>.</summary>
internal sealed class RedisOutcomes(RedisResult[] answer)
{
    private const int FirstOriginal = 3;
    private const int NumberBytes = 6;
    private const int StateBytes = 19;
    private readonly ReadOnlyMemory<byte> all = (byte[])answer[2]!;
    private int at;
    private int original = FirstOriginal;

    public void ReadInto(IList<CommitOutcome> outcomes, IReadOnlyList<CommitAttempt> attempts)
    {
        for (var i = 0; i < attempts.Count; i++) outcomes[i] = Read(attempts[i]);
    }

    private CommitOutcome Read(CommitAttempt attempt) => (char)Take(1)[0] switch
    {
        'S' => ReadStored(attempt),
        'D' => ReadKnown(attempt),
        'L' => CommitOutcome.Sealed(member: ReadMember(), actual: RedisRows.StateOf(Take(StateBytes))),
        'C' => CommitOutcome.Conflict(member: ReadMember(), actual: RedisRows.StateOf(Take(StateBytes))),
        'N' => CommitOutcome.ConditionNotMet(new Checkpoint(ReadNumber())),
        _ => CommitOutcome.ConditionOutdated(new Checkpoint(ReadNumber())),
    };

    private CommitOutcome ReadStored(CommitAttempt attempt)
    {
        var stamp = RedisRows.StampOf(Take(RedisRows.StampDigits));
        var unit = new UnitPlace(new Checkpoint(ReadNumber()), attempt.MemberCount);
        var commits = new CommitRecord[attempt.MemberCount];
        for (var i = 0; i < commits.Length; i++)
        {
            var (member, checkpoint, revision, sequence) = (attempt.Member(i), ReadNumber(), ReadNumber(), ReadNumber());
            commits[i] = new CommitRecord(
                member.Stream, member.CommitId, new CommitSequence(sequence), stamp, new Revision(revision), new Checkpoint(checkpoint),
                member.Events.Count, member.Headers.ToArray())
            {
                Unit = unit,
            };
        }

        return CommitOutcome.Committed(commits[0], commits[1..]);
    }

    // Whether the commits that were found are this attempt's is decided by the rules that all engines share.
    private CommitOutcome ReadKnown(CommitAttempt attempt)
    {
        var found = new Dictionary<StreamId, CommitRecord>();
        for (var i = 0; i < attempt.MemberCount; i++)
        {
            var bytes = (byte[])answer[original++]!;
            if (bytes is [(byte)'-']) continue;
            var stream = attempt.Member(i).Stream;
            found.Add(stream, Original(bytes, stream, attempt.CommitId));
        }

        return AttemptRules.Refuse(attempt, new Known(found)) ?? throw new CorruptStorageException(
            $"commit {attempt.CommitId}", "the server found it, but returned none of its entries.", "Run a verification.");
    }

    // Other attempts of the batch may be stored, so nothing less than this can be said.
    private static CommitRecord Original(byte[] entry, StreamId stream, Guid commitId) =>
        RedisRows.IsHeadSound(entry) && RedisRows.DecodeFirst(entry, stream) is var commit && commit.CommitId == commitId
            ? commit
            : throw new BatchOutcomeUnknownException(
                $"commit {commitId} of stream '{stream}' is stored already, but its entry of the log is damaged or gone; "
                    + "a verification names all such places.");

    private int ReadMember() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    private long ReadNumber() => RedisRows.ReadNumber(Take(NumberBytes));

    private ReadOnlySpan<byte> Take(int count)
    {
        var taken = all.Span.Slice(at, count);
        at += count;
        return taken;
    }

    private sealed class Known(Dictionary<StreamId, CommitRecord> found) : IAttemptFacts
    {
        public Checkpoint HighestRemoved => Checkpoint.Origin;

        public StreamState StateOf(StreamId stream) => default;

        public CommitRecord? FindCommit(StreamId stream, Guid commitId) => found.GetValueOrDefault(stream);

        public Checkpoint FindFirstMatch(AppendCondition condition) => Checkpoint.Origin;
    }
}

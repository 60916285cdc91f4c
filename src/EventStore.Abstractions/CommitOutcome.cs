namespace EventStore.Engines;

/// <summary>
/// The kind of an outcome. Reasons for refusing are checked in the order of their numbers; the first that holds is returned.
/// </summary>
public enum CommitOutcomeKind
{
    /// <summary>It is stored.</summary>
    Committed,

    /// <summary>Every stream of the attempt already holds its commit of this id; nothing was stored again (G7).</summary>
    Duplicate,

    /// <summary>Some streams hold a commit of this id, but not as one unit with the others; nothing was stored (G54).</summary>
    Reused,

    /// <summary>A stream is sealed; nothing was stored (G56).</summary>
    Sealed,

    /// <summary>A stream is at another revision, or of another incarnation, than expected; nothing was stored (G5).</summary>
    Conflict,

    /// <summary>An event that matches the condition is stored after its checkpoint; nothing was stored (G52).</summary>
    ConditionNotMet,

    /// <summary>Events after the condition's checkpoint were removed, so it cannot be decided; nothing was stored (G52).</summary>
    ConditionOutdated,
}

/// <summary>The outcome of one attempt of a batch.</summary>
public readonly struct CommitOutcome
{
    private CommitOutcome(CommitOutcomeKind kind) => Kind = kind;

    /// <summary>What happened.</summary>
    public CommitOutcomeKind Kind { get; }

    /// <summary>The stored commit; for a duplicate the original one; for a reused id one that is stored under it; null otherwise.</summary>
    public CommitRecord? Commit { get; private init; }

    /// <summary>The further stored commits of a unit, in the order of the attempt; empty otherwise.</summary>
    public IReadOnlyList<CommitRecord> Rest { get => field ?? []; private init; }

    /// <summary>Which commit of the attempt was refused: 0 for the first.</summary>
    public int Member { get; private init; }

    /// <summary>The stream that was refused as it is, for a conflict or a seal.</summary>
    public StreamState Actual { get; private init; }

    /// <summary>The first checkpoint in the way of the condition, or the highest one that was removed.</summary>
    public Checkpoint Checkpoint { get; private init; }

    /// <summary>The attempt is stored as these commits.</summary>
    public static CommitOutcome Committed(CommitRecord commit, IReadOnlyList<CommitRecord>? rest = null) =>
        new(CommitOutcomeKind.Committed) { Commit = commit, Rest = rest ?? [] };

    /// <summary>The commit id is known; the commits are those stored under it.</summary>
    public static CommitOutcome Duplicate(CommitRecord original, IReadOnlyList<CommitRecord>? rest = null) =>
        new(CommitOutcomeKind.Duplicate) { Commit = original, Rest = rest ?? [] };

    /// <summary>The commit id is known in one of the streams, but belongs to other commits.</summary>
    public static CommitOutcome Reused(CommitRecord stored, int member) =>
        new(CommitOutcomeKind.Reused) { Commit = stored, Member = member };

    /// <summary>A stream is sealed.</summary>
    public static CommitOutcome Sealed(StreamState actual, int member = 0) =>
        new(CommitOutcomeKind.Sealed) { Actual = actual, Member = member };

    /// <summary>A stream is not as expected.</summary>
    public static CommitOutcome Conflict(StreamState actual, int member = 0) =>
        new(CommitOutcomeKind.Conflict) { Actual = actual, Member = member };

    /// <summary>An event stands in the way of the condition.</summary>
    public static CommitOutcome ConditionNotMet(Checkpoint first) => new(CommitOutcomeKind.ConditionNotMet) { Checkpoint = first };

    /// <summary>Events after the condition's checkpoint were removed, up to this one.</summary>
    public static CommitOutcome ConditionOutdated(Checkpoint removed) =>
        new(CommitOutcomeKind.ConditionOutdated) { Checkpoint = removed };
}

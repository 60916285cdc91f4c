namespace EventStore.Pipeline;

/// <summary>The exception of an attempt that was not stored.</summary>
internal static class Refusal
{
    /// <summary>The exception for an outcome that is neither committed nor a duplicate.</summary>
    public static Exception Of(CommitAttempt attempt, CommitOutcome outcome)
    {
        var member = attempt.Member(outcome.Member);
        var actual = outcome.Actual;
        return outcome.Kind switch
        {
            CommitOutcomeKind.Reused => new CommitIdReusedException(member.Stream, member.CommitId, outcome.Commit!.FirstRevision),
            CommitOutcomeKind.Sealed => new StreamSealedException(member.Stream, actual.Revision),
            CommitOutcomeKind.Conflict when member.Expected.Incarnation is var before && before != Checkpoint.Origin
                && before != actual.Incarnation => new StreamReplacedException(member.Stream, before, actual.Incarnation),
            CommitOutcomeKind.Conflict => new ConcurrencyException(member.Stream, member.Expected.Revision, actual.Revision),
            CommitOutcomeKind.ConditionNotMet => new AppendConditionException(attempt.Condition!, outcome.Checkpoint, isOutdated: false),
            CommitOutcomeKind.ConditionOutdated => new AppendConditionException(attempt.Condition!, outcome.Checkpoint, isOutdated: true),
            _ => new InvalidOperationException($"The engine returned an outcome of kind {outcome.Kind}, which is not known."),
        };
    }
}

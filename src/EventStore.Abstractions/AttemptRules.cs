namespace EventStore.Engines;

/// <summary>What an engine knows when it decides an attempt, the attempts before it in its batch included.</summary>
public interface IAttemptFacts
{
    /// <summary>The highest checkpoint that a deletion or truncation ever removed; the origin for none.</summary>
    Checkpoint HighestRemoved { get; }

    /// <summary>A stream as it is; default for no stream.</summary>
    StreamState StateOf(StreamId stream);

    /// <summary>The commit of a stream with an id, also one whose events were truncated; null for none.</summary>
    CommitRecord? FindCommit(StreamId stream, Guid commitId);

    /// <summary>The first event after the condition's checkpoint that matches it; the origin for none.</summary>
    Checkpoint FindFirstMatch(AppendCondition condition);
}

/// <summary>The rules by which an attempt is decided. For engines that decide in this process.</summary>
public static class AttemptRules
{
    /// <summary>
    /// No checkpoint, revision or sequence is higher. A store does not reach it; a higher one in the storage is damage.
    /// </summary>
    public const long MaxNumber = 1L << 47;

    /// <summary>The highest checkpoint that an import passes over.</summary>
    public const long MaxSkipped = 1L << 40;

    /// <summary>
    /// The outcome of an attempt that is not to be stored; null for one that is. Every engine checks in the same order. First comes a known
    /// commit id (G7, G54), then a sealed stream (G56). The expected revision and incarnation follow (G5), then the condition (G52). Limits
    /// were checked before.
    /// </summary>
    public static CommitOutcome? Refuse<TFacts>(CommitAttempt attempt, TFacts facts) where TFacts : IAttemptFacts, allows ref struct
    {
        ArgumentNullException.ThrowIfNull(attempt);
        if (FindKnown(attempt, facts) is { } known) return known;
        for (var i = 0; i < attempt.MemberCount; i++)
        {
            var state = facts.StateOf(attempt.Member(i).Stream);
            if (state.IsSealed) return CommitOutcome.Sealed(state, i);
        }

        for (var i = 0; i < attempt.MemberCount; i++)
        {
            var state = facts.StateOf(attempt.Member(i).Stream);
            if (!attempt.Member(i).Expected.IsMetBy(state)) return CommitOutcome.Conflict(state, i);
        }

        return attempt.Condition is { } condition ? Refuse(condition, facts) : null;
    }

    /// <summary>The record of a commit that follows its stream's head and the newest checkpoint. Copies the headers (G10).</summary>
    /// <param name="attempt">The commit, alone or one of a unit.</param>
    /// <param name="head">The stream's head before it; null for no stream.</param>
    /// <param name="newest">The newest checkpoint of the store, removed ones included.</param>
    /// <param name="stamp">Its stamp, from <see cref="CommitRecord.NextStamp"/>.</param>
    /// <param name="unit">The unit that it is stored in; default for none.</param>
    /// <exception cref="CorruptStorageException">
    /// It would get the number <see cref="MaxNumber"/>, or the head has more commits than events.
    /// </exception>
    public static CommitRecord Accept(
        CommitAttempt attempt, StreamHead? head, Checkpoint newest, DateTimeOffset stamp, UnitPlace unit = default)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        RequireRoom(attempt, head?.Revision ?? Revision.None, newest);
        if (head is { } before && before.CommitSequence.Value > before.Revision.Value)
            throw new CorruptStorageException(
                $"stream '{attempt.Stream}'",
                $"it has {before.CommitSequence.Value} commits and only {before.Revision.Value} events. Nothing was written.",
                "Run VerifyAsync, and restore the store from a backup.");
        return new CommitRecord(
            attempt.Stream,
            attempt.CommitId,
            new CommitSequence((head?.CommitSequence.Value ?? 0) + 1),
            stamp,
            (head?.Revision ?? Revision.None) + 1,
            newest + 1,
            attempt.Events.Count,
            attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray())
        {
            Unit = unit,
        };
    }

    /// <summary>Throws if a commit would reach a number that no store reaches.</summary>
    /// <param name="attempt">The commit, alone or one of a unit.</param>
    /// <param name="revision">The revision of its stream before it; default for no stream.</param>
    /// <param name="newest">The newest checkpoint of the store, removed ones included.</param>
    /// <param name="place">Where the storage is, for the message of an exception; null for only the stream.</param>
    /// <exception cref="CorruptStorageException">It would get the number <see cref="MaxNumber"/>.</exception>
    public static void RequireRoom(CommitAttempt attempt, Revision revision, Checkpoint newest, string? place = null)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var most = MaxNumber - attempt.Events.Count;
        if (revision.Value >= most || newest.Value >= most)
            throw new CorruptStorageException(
                place is null ? $"stream '{attempt.Stream}'" : $"{place}, stream '{attempt.Stream}'",
                $"it is at revision {revision.Value} and the store at checkpoint {newest.Value}, which no store reaches. Nothing was "
                    + "written.",
                "Run VerifyAsync, and restore the store from a backup.");
    }

    /// <summary>Throws if an import may not pass over checkpoints so far.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is above <see cref="MaxSkipped"/>.</exception>
    public static void RequireSkip(Checkpoint upTo)
    {
        if (upTo.Value > MaxSkipped)
            throw new ArgumentOutOfRangeException(
                nameof(upTo), upTo.Value, $"An import passes over checkpoints up to {MaxSkipped}. Nothing was changed.");
    }

    /// <summary>
    /// Whether a snapshot may be saved: of this incarnation (G46), not above the head (G22), not below what a truncation left (G55).
    /// </summary>
    public static bool Accepts(SnapshotRecord snapshot, StreamState state)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return state.Exists && (snapshot.Incarnation == Checkpoint.Origin || snapshot.Incarnation == state.Incarnation)
            && snapshot.Revision <= state.Revision && snapshot.Revision.Value >= state.FirstRevision.Value - 1;
    }

    // A known id is a duplicate only if every stream of the attempt holds it, stored as this one unit.
    private static CommitOutcome? FindKnown<TFacts>(CommitAttempt attempt, TFacts facts) where TFacts : IAttemptFacts, allows ref struct
    {
        var first = facts.FindCommit(attempt.Stream, attempt.CommitId);
        if (attempt.Rest.Count == 0)
        {
            if (first is null) return null;
            return first.Unit.Size == 1 ? CommitOutcome.Duplicate(first) : CommitOutcome.Reused(first, 0);
        }

        var rest = new CommitRecord[attempt.Rest.Count];
        var (known, member, stored) = (first is null ? 0 : 1, 0, first);
        for (var i = 0; i < rest.Length; i++)
        {
            if (facts.FindCommit(attempt.Rest[i].Stream, attempt.CommitId) is not { } found) continue;
            rest[i] = found;
            known++;
            if (stored is null) (stored, member) = (found, i + 1);
        }

        if (stored is null) return null;
        var isUnit = known == attempt.MemberCount && stored.Unit.Size == known
            && rest.All(commit => commit.Unit == stored.Unit);
        return isUnit ? CommitOutcome.Duplicate(stored, rest) : CommitOutcome.Reused(stored, member);
    }

    private static CommitOutcome? Refuse<TFacts>(AppendCondition condition, TFacts facts) where TFacts : IAttemptFacts, allows ref struct
    {
        // What was removed might have matched. A condition from the origin asks whether anything matches now, so it can be decided.
        if (condition.After != Checkpoint.Origin && condition.After < facts.HighestRemoved)
            return CommitOutcome.ConditionOutdated(facts.HighestRemoved);
        var found = facts.FindFirstMatch(condition);
        return found == Checkpoint.Origin ? null : CommitOutcome.ConditionNotMet(found);
    }
}

namespace EventStore.Engines;

/// <summary>The rules by which an attempt is decided against its stream. For engines that decide in this process.</summary>
public static class AttemptRules
{
    /// <summary>
    /// No checkpoint, revision or sequence is higher. A store does not reach it; a higher one in the storage is damage.
    /// </summary>
    public const long MaxNumber = 1L << 47;

    /// <summary>
    /// The outcome of an attempt that is not to be stored; null for one that is. A known commit id is a duplicate whatever is expected
    /// (G7); only then is the expectation compared with the stream (G5).
    /// </summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="revision">The stream's revision; default for no stream.</param>
    /// <param name="original">The commit of the stream with the same id; null for none.</param>
    public static CommitOutcome? Refuse(CommitAttempt attempt, Revision revision, CommitRecord? original)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        if (original is not null) return CommitOutcome.Duplicate(original);
        return attempt.Expected.IsMetBy(revision) ? null : CommitOutcome.Conflict(revision);
    }

    /// <summary>The record of an attempt that follows a stream's head and the newest checkpoint. Copies the headers (G10).</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="revision">The stream's revision before it; default for no stream.</param>
    /// <param name="sequence">The number of the stream's newest commit; default for no stream.</param>
    /// <param name="newest">The newest checkpoint of the store, removed ones included.</param>
    /// <param name="stamp">Its stamp, from <see cref="CommitRecord.NextStamp"/>.</param>
    /// <param name="place">Where the storage is, for the message of an exception; null for only the stream.</param>
    /// <exception cref="CorruptStorageException">It would get the number <see cref="MaxNumber"/>.</exception>
    public static CommitRecord Accept(CommitAttempt attempt, Revision revision, CommitSequence sequence, Checkpoint newest,
        DateTimeOffset stamp, string? place = null)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var most = MaxNumber - attempt.Events.Count;
        if (revision.Value >= most || newest.Value >= most)
            throw new CorruptStorageException(
                place is null ? $"stream '{attempt.Stream}'" : $"{place}, stream '{attempt.Stream}'",
                $"it is at revision {revision.Value} and the store at checkpoint {newest.Value}, which no store reaches. Nothing was "
                    + "written.",
                "Run VerifyAsync, and restore the store from a backup.");
        return new CommitRecord(
            attempt.Stream,
            attempt.CommitId,
            new CommitSequence(sequence.Value + 1),
            stamp,
            revision + 1,
            newest + 1,
            attempt.Events.Count,
            attempt.Headers.IsEmpty ? default : attempt.Headers.ToArray());
    }
}

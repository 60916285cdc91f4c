namespace EventStore.Pipeline;

/// <summary>Compares an attempt whose commit id is already stored with the stored commit.</summary>
internal sealed class DuplicateCheck(PageReader pages, EventCodec codec)
{
    /// <summary>
    /// Whether the stored commit is the attempt itself. Event ids identify an attempt only after its outcome was unknown.
    /// </summary>
    /// <param name="attempt">The attempt, or one commit of a unit.</param>
    /// <param name="original">What is stored under its id.</param>
    /// <param name="wasSettled">Whether its outcome was unknown before.</param>
    /// <param name="missing">How many of its first events are not known, and cannot be compared.</param>
    /// <exception cref="CommitIdReusedException">The stored commit holds other events.</exception>
    /// <exception cref="CommitOutcomeUnknownException">The stored commit cannot be read.</exception>
    public async ValueTask<bool> IsOwnAsync(CommitAttempt attempt, CommitRecord original, bool wasSettled, int missing = 0)
    {
        List<RecordedEvent> stored;
        try
        {
            stored = await pages.ReadCommitAsync(original, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            throw new CommitOutcomeUnknownException(
                attempt.Stream, attempt.CommitId, "its id is known, but what is stored under it could not be read.", error);
        }

        // What was truncated cannot be compared, except for its number.
        var isSame = original.EventCount == attempt.Events.Count;
        var isOwn = wasSettled;
        for (var i = 0; i < stored.Count && isSame; i++)
        {
            var index = (int)(stored[i].Revision.Value - original.FirstRevision.Value);
            if (index < missing) continue;
            var asked = new RecordedEvent(original, index, attempt.Events[index]);
            isSame = stored[i].Record.EventType == asked.Record.EventType
                && stored[i].Record.Tags.SequenceEqual(asked.Record.Tags, StringComparer.Ordinal)
                && (stored[i].Record.Body.Span.SequenceEqual(asked.Record.Body.Span)
                    || codec.RestorePayload(stored[i]).Span.SequenceEqual(codec.RestorePayload(asked).Span));
            isOwn &= stored[i].Record.EventId == asked.Record.EventId;
        }

        if (!isSame) throw new CommitIdReusedException(attempt.Stream, attempt.CommitId, original.FirstRevision);
        return isOwn;
    }
}

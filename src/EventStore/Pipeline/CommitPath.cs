using System.Runtime.CompilerServices;
using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Pipeline;

/// <summary>The one way by which commits are stored: hooks, limits, group commit, then what the outcome means to the caller.</summary>
internal sealed class CommitPath(
    IPersistenceEngine engine, EventCodec codec, PipelineHooks hooks, GroupCommit group, ReadPath reads, Telemetry telemetry, ILogger logger)
{
    /// <summary>Set by a scheduler that dispatches before a commit returns.</summary>
    public Func<Checkpoint, ValueTask>? DispatchBeforeReturn { get; set; }

    /// <summary>Notes that a stored commit could not be shown in the stream object that made it.</summary>
    public void TellUnfollowed(CommitRecord stored, Exception error) => Log.CommitNotShown(logger, error, stored.CommitId, stored.Stream);

    public EventRecord Encode(StreamId stream, EventMessage message) => codec.Encode(stream, message);

    /// <summary>Encodes and commits, in space that is used again where the outcome is learnt.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        Guid commitId,
        IReadOnlyList<EventMessage> events,
        IEnumerable<KeyValuePair<string, string>>? headers,
        CancellationToken cancellationToken)
    {
        var records = codec.Encode(stream, events);
        var (result, _) = await CommitAsync(stream, expected, commitId, events, records, headers, cancellationToken).ConfigureAwait(false);
        records.Release();
        return result;
    }

    /// <param name="stream">The stream.</param>
    /// <param name="expected">What is expected of it.</param>
    /// <param name="commitId">The commit's id.</param>
    /// <param name="events">As the application handed them over, for the hooks.</param>
    /// <param name="records">The same, encoded.</param>
    /// <param name="headers">The commit's headers; null for none. A copy is taken where hooks may add to them.</param>
    /// <param name="cancellationToken">Before sending, nothing is stored; after it, the outcome is unknown.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(CommitResult Result, CommitRecord Stored)> CommitAsync(
        StreamId stream,
        ExpectedRevision expected,
        Guid commitId,
        IReadOnlyList<EventMessage> events,
        IReadOnlyList<EventRecord> records,
        IEnumerable<KeyValuePair<string, string>>? headers,
        CancellationToken cancellationToken)
    {
        var started = Telemetry.CommitStarted();
        using var activity = Telemetry.StartCommit(stream, records.Count);

        PendingCommit? pending = null;
        Dictionary<string, string>? allHeaders = headers is null && !hooks.Any ? null : new(headers ?? [], StringComparer.Ordinal);
        if (hooks.Any)
        {
            pending = new PendingCommit(stream, commitId, expected, events, allHeaders!);
            await hooks.BeforeCommitAsync(pending, cancellationToken).ConfigureAwait(false);
        }

        var encodedHeaders = allHeaders is null ? default : codec.EncodeCommitHeaders(stream, allHeaders);
        var attempt = new CommitAttempt(stream, commitId, expected, encodedHeaders, records);
        engine.Description.Limits.Require(attempt);

        var (outcome, wasSettled) = await group.SubmitAsync(attempt, cancellationToken).ConfigureAwait(false);
        var isDuplicate = false;
        switch (outcome.Kind)
        {
            case CommitOutcomeKind.Conflict:
                telemetry.Conflicted();
                throw new ConcurrencyException(stream, expected, outcome.Actual);
            case CommitOutcomeKind.Duplicate:
                isDuplicate = !await IsOwnAsync(attempt, outcome.Commit!, wasSettled).ConfigureAwait(false);
                break;
        }

        var result = ResultOf(outcome.Commit!, isDuplicate);
        if (isDuplicate) telemetry.Duplicated();
        else telemetry.Committed(result.EventCount, started);

        if (pending is not null && !isDuplicate) await hooks.AfterCommitAsync(pending, result).ConfigureAwait(false);
        if (DispatchBeforeReturn is { } dispatch) await dispatch(result.LastCheckpoint).ConfigureAwait(false);
        return (result, outcome.Commit!);
    }

    // A duplicate holds the same events, or the id was used twice. After a settled outcome, equal event ids say that it is this very commit.
    private async ValueTask<bool> IsOwnAsync(CommitAttempt attempt, CommitRecord original, bool wasSettled)
    {
        List<RecordedEvent> stored;
        try
        {
            stored = await reads.ReadCommitAsync(original, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            throw new CommitOutcomeUnknownException(attempt.Stream, attempt.CommitId, "its id is known, but what is stored under it could not be read.", error);
        }

        var isSame = stored.Count == attempt.Events.Count;
        var isOwn = wasSettled;
        for (var i = 0; i < stored.Count && isSame; i++)
        {
            var asked = new RecordedEvent(original, i, attempt.Events[i]);
            isSame = stored[i].Record.EventType == asked.Record.EventType
                && codec.RestorePayload(stored[i]).Span.SequenceEqual(codec.RestorePayload(asked).Span);
            isOwn &= stored[i].Record.EventId == asked.Record.EventId;
        }

        if (!isSame) throw new CommitIdReusedException(attempt.Stream, attempt.CommitId, original.FirstRevision);
        return isOwn;
    }

    private static CommitResult ResultOf(CommitRecord commit, bool isDuplicate) => new(
        commit.Stream, commit.CommitId, commit.Sequence, commit.Stamp, commit.FirstRevision, commit.LastRevision, commit.LastCheckpoint, isDuplicate);
}

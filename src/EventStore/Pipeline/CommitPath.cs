using System.Runtime.CompilerServices;

namespace EventStore.Pipeline;

/// <summary>
/// The only path by which commits are stored: hooks, encoding, group commit, hooks, then dispatch where the commit waits for it.
/// </summary>
/// <param name="codec">Encodes events and headers.</param>
/// <param name="hooks">Run before and after the commit is stored.</param>
/// <param name="committer">Stores the commit.</param>
/// <param name="beforeReturn">
/// Runs after the commit up to a checkpoint is stored, before the caller gets its result; null for no such step.
/// </param>
internal sealed class CommitPath(EventCodec codec, PipelineHooks hooks, Committer committer, Func<Checkpoint, ValueTask>? beforeReturn)
{
    public EventRecord Encode(StreamId stream, EventMessage message) => codec.Encode(stream, message);

    /// <inheritdoc cref="Committer.ToCaller"/>
    public ValueTask<CommitResult> ToCaller(ValueTask<CommitResult> committing, Guid commitId) => committer.ToCaller(committing, commitId);

    /// <summary>Encodes and commits. The space of the encoded events is reused when the outcome is known.</summary>
    public ValueTask<CommitResult> AppendAsync(CommitRequest request, CancellationToken cancellationToken) =>
        ToCaller(AppendThenReleaseAsync(request, cancellationToken), request.CommitId);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<CommitResult> AppendThenReleaseAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var records = codec.Encode(request.Stream, request.Events);
        var (result, _) = await CommitAsync(request, records, cancellationToken).ConfigureAwait(false);
        records.Release();
        return result;
    }

    /// <param name="request">The commit.</param>
    /// <param name="records">Its events, encoded.</param>
    /// <param name="cancellationToken">Cancelled before the attempt is sent, nothing is stored; after that, the outcome is unknown.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<(CommitResult Result, CommitRecord Stored)> CommitAsync(
        CommitRequest request, IReadOnlyList<EventRecord> records, CancellationToken cancellationToken)
    {
        RefuseRepeatedIds(records);
        var started = committer.StartTimer();
        var step = committer.StartActivity(request.Stream, records.Count);
        try
        {
            PendingCommit? pending = null;
            Dictionary<string, string>? headers =
                request.Headers is null && !hooks.Any ? null : new(request.Headers ?? [], StringComparer.Ordinal);
            if (hooks.Any)
            {
                pending = new PendingCommit(request.Stream, request.CommitId, request.Expected.Revision, request.Events, headers ?? []);
                await hooks.BeforeCommitAsync(pending, cancellationToken).ConfigureAwait(false);
            }

            var attempt = new CommitAttempt(request.Stream, request.CommitId, records)
            {
                Expected = request.Expected,
                Condition = codec.Widen(request.Condition),
                Headers = headers is null ? default : codec.EncodeCommitHeaders(request.Stream, request.CommitId, headers),
            };
            var (result, stored) = await committer.CommitAsync(attempt, started, cancellationToken).ConfigureAwait(false);

            if (pending is not null || beforeReturn is not null) await committer.LeaveThreadAsync().ConfigureAwait(false);
            if (pending is not null && !result.IsDuplicate)
                await hooks.AfterCommitAsync(pending, result).ConfigureAwait(false);
            if (beforeReturn is not null) await beforeReturn(result.LastCheckpoint).ConfigureAwait(false);
            return (result, stored);
        }
        finally
        {
            if (step.Activity is not null)
            {
                await committer.LeaveThreadAsync().ConfigureAwait(false);
                step.Dispose();
            }
        }
    }

    // One message added twice would be two events of one id, which readers take for a repetition.
    private static void RefuseRepeatedIds(IReadOnlyList<EventRecord> records)
    {
        if (records.Count > 1) RefuseRepeatedIds(records, new HashSet<Guid>(records.Count));
    }

    /// <summary>Refuses events whose ids are among others, and adds them.</summary>
    public static void RefuseRepeatedIds(IReadOnlyList<EventRecord> records, HashSet<Guid> ids)
    {
        for (var i = 0; i < records.Count; i++)
        {
            if (!ids.Add(records[i].EventId))
                throw new ArgumentException(
                    $"Event {i} of the commit has the id of an earlier one, {records[i].EventId}. Nothing was stored. "
                    + "Make a message of its own for each event.",
                    nameof(records));
        }
    }
}

using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// The only path by which commits are stored: hooks, encoding, group commit, hooks, then dispatch where the commit waits for it.
/// </summary>
/// <param name="codec">Encodes events and headers.</param>
/// <param name="hooks">Run before and after the commit is stored.</param>
/// <param name="committer">Stores the commit.</param>
/// <param name="beforeReturn">
/// Runs after the commit up to a checkpoint is stored, before the caller gets its result; null for nothing.
/// </param>
internal sealed class CommitPath(EventCodec codec, PipelineHooks hooks, Committer committer, Func<Checkpoint, ValueTask>? beforeReturn)
{
    public EventRecord Encode(StreamId stream, EventMessage message) => codec.Encode(stream, message);

    /// <inheritdoc cref="Committer.ToCaller"/>
    public ValueTask<CommitResult> ToCaller(ValueTask<CommitResult> committing, Guid commitId) => committer.ToCaller(committing, commitId);

    /// <summary>Encodes and commits. The space of the encoded events is reused when the outcome is known.</summary>
    public ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        Guid commitId,
        IReadOnlyList<EventMessage> events,
        IEnumerable<KeyValuePair<string, string>>? headers,
        CancellationToken cancellationToken) =>
        ToCaller(AppendThenReleaseAsync(stream, expected, commitId, events, headers, cancellationToken), commitId);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<CommitResult> AppendThenReleaseAsync(
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
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="commitId">The commit's id.</param>
    /// <param name="events">The events as the application passed them, for the hooks.</param>
    /// <param name="records">The same events, encoded.</param>
    /// <param name="headers">The commit's headers; null for none. Copied where hooks may add to them.</param>
    /// <param name="cancellationToken">Cancelled before the attempt is sent, nothing is stored; after that, the outcome is unknown.</param>
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
        RefuseRepeatedIds(records);
        var started = committer.StartTimer();
        using var activity = Telemetry.StartCommit(stream, records.Count);

        PendingCommit? pending = null;
        Dictionary<string, string>? allHeaders = headers is null && !hooks.Any ? null : new(headers ?? [], StringComparer.Ordinal);
        if (hooks.Any)
        {
            pending = new PendingCommit(stream, commitId, expected, events, allHeaders ?? []);
            await hooks.BeforeCommitAsync(pending, cancellationToken).ConfigureAwait(false);
        }

        var encodedHeaders = allHeaders is null ? default : codec.EncodeCommitHeaders(stream, commitId, allHeaders);
        var attempt = new CommitAttempt(stream, commitId, records) { Expected = expected, Headers = encodedHeaders };
        var (result, stored) = await committer.CommitAsync(attempt, started, cancellationToken).ConfigureAwait(false);

        if (pending is not null || beforeReturn is not null) await committer.LeaveThreadAsync().ConfigureAwait(false);
        if (pending is not null && !result.IsDuplicate)
            await hooks.AfterCommitAsync(pending, result).ConfigureAwait(false);
        if (beforeReturn is not null) await beforeReturn(result.LastCheckpoint).ConfigureAwait(false);
        return (result, stored);
    }

    // One message added twice would be two events of one id, which readers take for a repetition.
    private static void RefuseRepeatedIds(IReadOnlyList<EventRecord> records)
    {
        if (records.Count == 1) return;
        var ids = new HashSet<Guid>(records.Count);
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

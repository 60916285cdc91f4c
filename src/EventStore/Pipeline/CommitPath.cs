using System.Runtime.CompilerServices;
using EventStore.Diagnostics;

namespace EventStore.Pipeline;

/// <summary>
/// The only path by which commits are stored: hooks, encoding, group commit, hooks, then dispatch where the commit waits for it.
/// </summary>
/// <param name="codec">Encodes events and headers.</param>
/// <param name="hooks">Run before and after the commit is stored.</param>
/// <param name="committer">Stores the commit.</param>
/// <param name="beforeReturn">Runs after the commit up to a checkpoint is stored, before the caller gets its result.</param>
internal sealed class CommitPath(EventCodec codec, PipelineHooks hooks, Committer committer, Func<Checkpoint, ValueTask> beforeReturn)
{
    /// <summary>Returns the result to the caller without waiting for anything.</summary>
    public static ValueTask ReturnAtOnce(Checkpoint checkpoint) => default;

    public EventRecord Encode(StreamId stream, EventMessage message) => codec.Encode(stream, message);

    /// <summary>Encodes and commits. The space of the encoded events is reused when the outcome is known.</summary>
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

        if (pending is not null && !result.IsDuplicate)
            await hooks.AfterCommitAsync(pending, result).ConfigureAwait(false);
        await beforeReturn(result.LastCheckpoint).ConfigureAwait(false);
        return (result, stored);
    }
}

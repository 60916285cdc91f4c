using System.Text;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>The way of a batch: attempts become entries, one script decides and stores them, its answer becomes their outcomes.</summary>
internal sealed class RedisWriter(RedisServer server, RedisSchema schema, RedisSettings settings)
{
    // What one run of the script takes, so that other callers of the server wait no longer than a moment.
    private const int MaxRunBytes = 8 << 20;
    private const int MaxRunAttempts = 512;
    private const int OutcomeBytes = 19;

    public async ValueTask<CommitOutcome[]> CommitAsync(IReadOnlyList<CommitAttempt> attempts, string channel,
        CancellationToken cancellationToken)
    {
        var outcomes = new CommitOutcome[attempts.Count];

        // Asked on the way and not waited for: it goes out before the batch does.
        var connection = settings.Options.RequiredReplicas > 0 ? server.FindConnectionAsync() : Task.FromResult<string?>(null);
        for (var first = 0; first < attempts.Count;)
        {
            var next = first;
            long bytes = 0;
            while (next < attempts.Count && next - first < MaxRunAttempts
                && (next == first || bytes + attempts[next].SizeBytes <= MaxRunBytes)) bytes += attempts[next++].SizeBytes;
            try
            {
                await RunAsync(attempts, first, next, channel, outcomes, first == 0 ? cancellationToken : default).ConfigureAwait(false);
            }
            catch (StorageException error) when (first > 0 && error is not BatchOutcomeUnknownException)
            {
                throw new BatchOutcomeUnknownException("a part of the batch was stored before the rest failed.", error);
            }

            first = next;
        }

        if (settings.Options.RequiredReplicas > 0) await server.WaitForReplicasAsync(connection).ConfigureAwait(false);
        return outcomes;
    }

    /// <summary>Finds the commit that a stream holds under an id. Where replicas are waited for, they have it, too.</summary>
    /// <exception cref="BatchOutcomeUnknownException">It is stored, but replicas may not have it.</exception>
    public async ValueTask<CommitRecord?> FindAsync(StreamId stream, Guid commitId, bool mayWrite, CancellationToken cancellationToken)
    {
        var waits = mayWrite && settings.Options.RequiredReplicas > 0;
        var connection = waits ? server.FindConnectionAsync() : Task.FromResult<string?>(null);
        var name = RedisSchema.NameOf(stream);
        RedisKey[] keys = [schema.Meta, schema.Log, schema.Ids, schema.Index(name)];
        RedisValue[] arguments = [name, commitId.ToByteArray(bigEndian: true), waits ? 1 : 0];
        var answer = await server.AskAsync(RedisScript.FindCommit, keys, arguments, cancellationToken).ConfigureAwait(false);
        if (answer.Length == 1) return null;
        if (waits) await server.WaitForReplicasAsync(connection).ConfigureAwait(false);
        return RedisRows.DecodeFirst((byte[])answer[1]!, stream);
    }

    private async ValueTask RunAsync(IReadOnlyList<CommitAttempt> attempts, int first, int next, string channel, CommitOutcome[] outcomes,
        CancellationToken cancellationToken)
    {
        var keys = new RedisKey[4 + next - first];
        (keys[0], keys[1], keys[2], keys[3]) = (schema.Meta, schema.Log, schema.Ids, schema.Names);
        var arguments = new List<RedisValue>(3 + (4 * (next - first))) { channel, server.Newest,
            RedisRows.StampOf(CommitRecord.NextStamp(settings.Time, default)) };
        for (var i = first; i < next; i++)
        {
            var name = RedisSchema.NameOf(attempts[i].Stream);
            keys[4 + i - first] = schema.Index(name);
            var chunks = RedisRows.Encode(attempts[i], name);
            arguments.Add(Expectation(attempts[i].Expected));
            arguments.Add(chunks.Count);
            foreach (var (events, body) in chunks)
            {
                arguments.Add(events);
                arguments.Add(body);
            }
        }

        var answer = await server.ChangeAsync(RedisScript.Commit, keys, [.. arguments], cancellationToken).ConfigureAwait(false);
        Decode(answer, attempts, first, next, outcomes);
    }

    private static void Decode(RedisResult[] answer, IReadOnlyList<CommitAttempt> attempts, int first, int next, CommitOutcome[] outcomes)
    {
        var stamp = RedisRows.StampOf((byte[])answer[1]!);
        var decided = ((byte[])answer[2]!).AsSpan();
        var originals = 3;
        for (var i = first; i < next; i++, decided = decided[OutcomeBytes..])
        {
            var attempt = attempts[i];
            var (a, b, c) = (RedisRows.ReadNumber(decided[1..]), RedisRows.ReadNumber(decided[7..]), RedisRows.ReadNumber(decided[13..]));
            outcomes[i] = (char)decided[0] switch
            {
                'S' => CommitOutcome.Committed(new CommitRecord(attempt.Stream, attempt.CommitId, new CommitSequence(c), stamp,
                    new Revision(b), new Checkpoint(a), attempt.Events.Count, attempt.Headers.ToArray())),
                'C' => CommitOutcome.Conflict(new Revision(a)),
                _ => CommitOutcome.Duplicate(Original((byte[])answer[originals++]!, attempt)),
            };
        }
    }

    // Other attempts of the batch may be stored, so nothing less than this can be said.
    private static CommitRecord Original(byte[] entry, CommitAttempt attempt) => RedisRows.IsSound(entry)
        ? RedisRows.DecodeFirst(entry, attempt.Stream)
        : throw new BatchOutcomeUnknownException(
        $"commit {attempt.CommitId} of stream '{attempt.Stream}' is stored already, but its entry of the log is damaged or gone; "
            + "a verification names all such places.");

    private static long Expectation(ExpectedRevision expected) =>
        expected.Exact is { } exact ? exact.Value : expected == ExpectedRevision.Any ? -1 : -2;
}

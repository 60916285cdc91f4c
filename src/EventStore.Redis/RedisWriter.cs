using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>The way of a batch: attempts become entries, one script decides and stores them, its answer becomes their outcomes.</summary>
internal sealed class RedisWriter(RedisServer server, RedisSchema schema, RedisSettings settings)
{
    // What one run of the script takes, so that other callers of the server wait no longer than a moment.
    private const int MaxRunBytes = 8 << 20;
    private const int MaxRunAttempts = 512;

    /// <summary>Stores attempts.</summary>
    /// <param name="attempts">The attempts.</param>
    /// <param name="channel">Where commits are announced.</param>
    /// <param name="heldAs">The name of the import that holds the storage here; empty for none.</param>
    /// <param name="cancellationToken">Honoured before anything is sent.</param>
    public async ValueTask<CommitOutcome[]> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, string channel, string heldAs, CancellationToken cancellationToken)
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
                var run = new ArraySegment<CommitOutcome>(outcomes, first, next - first);
                await RunAsync([.. attempts.Skip(first).Take(run.Count)], channel, heldAs, run, first == 0 ? cancellationToken : default)
                    .ConfigureAwait(false);
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

    private async ValueTask RunAsync(
        CommitAttempt[] attempts, string channel, string heldAs, ArraySegment<CommitOutcome> outcomes, CancellationToken cancellationToken)
    {
        var keys = new List<RedisKey>(4 + attempts.Length) { schema.Meta, schema.Log, schema.Ids, schema.Names };
        var arguments = new List<RedisValue>(4 + (2 * attempts.Length))
        {
            channel, server.Newest, RedisRows.StampOf(CommitRecord.NextStamp(settings.Time, default)), heldAs,
        };
        foreach (var attempt in attempts)
        {
            var chunks = new IReadOnlyList<RedisChunk>[attempt.MemberCount];
            for (var i = 0; i < chunks.Length; i++)
            {
                var name = RedisSchema.NameOf(attempt.Member(i).Stream);
                keys.Add(schema.Index(name));
                chunks[i] = RedisRows.Encode(attempt.Member(i), name, chunks.Length);
            }

            arguments.Add(RedisPlan.Encode(attempt, chunks));
            foreach (var chunk in chunks.SelectMany(some => some)) arguments.Add(chunk.Body);
        }

        var answer = await server.ChangeAsync(RedisScript.Commit, [.. keys], [.. arguments], cancellationToken).ConfigureAwait(false);
        if ((string)answer[1]! == RedisHold.Held) throw new StorageHeldException((string)answer[2]!);
        new RedisOutcomes(answer).ReadInto(outcomes, attempts);
    }
}

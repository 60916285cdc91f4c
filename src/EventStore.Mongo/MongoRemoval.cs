using System.Diagnostics;
using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>
/// Deletes, truncates and seals streams. Each is one entry of the chain: from then on every reader and writer finds the streams changed.
/// What it covers is emptied afterwards in short steps, by the process that appended it, or by the next ones to open the store.
/// </summary>
internal sealed class MongoRemoval(MongoConnection connection, MongoWriter writer, MongoHeads heads)
{
    private readonly MongoEmptying emptying = new(connection);

    public async Task<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken)
    {
        var target = MongoTarget.Of(stream);
        return await ChangeAsync(stream, expected, (end, head) =>
            Decided(Changed(head, MongoChange.ToRemoval(end, target, head.Newest))), cancellationToken)
            .ConfigureAwait(false);
    }

    public Task<StreamChange> TruncateStreamAsync(
        StreamId stream, Revision before, StreamExpectation expected, CancellationToken cancellationToken) =>
        ChangeAsync(stream, expected, async (end, head) =>
    {
        var first = Math.Min(before.Value, head.Revision + 1);
        if (first <= head.First) return Unchanged(head);
        if (await heads.FindCheckpointAsync(stream, head, first - 1, cancellationToken).ConfigureAwait(false) is { } removed)
            return Changed(head with { First = first }, MongoChange.ToTruncation(end, stream, head, (first, removed)));
        if (await heads.FindAsync(stream, cancellationToken).ConfigureAwait(false) != head) return null;
        throw new CorruptStorageException(
            $"stream '{stream}', revision {first - 1}", "it is missing.", "Run VerifyAsync, and restore the store from a backup.");
    }, cancellationToken);

    public Task<StreamChange> SealStreamAsync(StreamId stream, StreamExpectation expected, CancellationToken cancellationToken) =>
        ChangeAsync(stream, expected, (end, head) => Decided(head.IsSealed ? Unchanged(head)
            : Changed(head with { IsSealed = true }, MongoChange.ToSeal(end, stream, head))), cancellationToken);

    public async Task PurgeAsync(string? bucket, CancellationToken cancellationToken)
    {
        var target = MongoTarget.Of(bucket);
        await AppendAsync<bool>(async end =>
            await FindNewestOfAsync(target, cancellationToken).ConfigureAwait(false) is var removed and > 0
                ? new(true, MongoChange.ToRemoval(end, target, removed)) : default, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Continues what was begun and not finished, for about as long as a request may take: opening the store waits for it.
    /// </summary>
    public async Task ResumeAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        foreach (var document in await connection.FindAsync(connection.Entries,
            MongoGoing.Query with { Sort = new(MongoRows.Key, 1) }, cancellationToken).ConfigureAwait(false))
        {
            await emptying.TryAsync(MongoEntry.Of(document),
                () => Stopwatch.GetElapsedTime(started) < connection.CommandTimeout, cancellationToken).ConfigureAwait(false);
        }
    }

    private static MongoDecision<StreamChange> Changed(MongoHead head, BsonDocument entry) =>
        new(new StreamChange(StreamChangeKind.Changed, head.State), entry);

    private static MongoDecision<StreamChange> Unchanged(MongoHead head) =>
        new(new StreamChange(StreamChangeKind.Unchanged, head.State), null);

    private static Task<MongoDecision<StreamChange>?> Decided(MongoDecision<StreamChange> decision) =>
        Task.FromResult<MongoDecision<StreamChange>?>(decision);

    // The change returns null where another one came while it looked, so that it is to look again.
    private Task<StreamChange> ChangeAsync(
        StreamId stream, StreamExpectation expected, Func<MongoEnd, MongoHead, Task<MongoDecision<StreamChange>?>> change,
        CancellationToken cancellationToken) => AppendAsync(async end =>
    {
        while (true)
        {
            var head = await heads.FindAsync(stream, cancellationToken).ConfigureAwait(false);
            if (!expected.IsMetBy(head.State)) return new(new StreamChange(StreamChangeKind.Conflict, head.State), null);
            if (!head.Exists) return new(new StreamChange(StreamChangeKind.Missing, default), null);
            if (await change(end, head).ConfigureAwait(false) is { } decision) return decision;
        }
    }, cancellationToken);

    private async Task<T> AppendAsync<T>(
        Func<MongoEnd, Task<MongoDecision<T>>> decide, CancellationToken cancellationToken)
    {
        var (outcome, document) = await writer.ChangeAsync(decide, cancellationToken).ConfigureAwait(false);
        if (document is not null && MongoEntry.Of(document) is { Change: { IsRemoval: true } or { IsTruncation: true } } entry)
            await emptying.TryAsync(entry, () => true, CancellationToken.None).ConfigureAwait(false);
        return outcome;
    }

    // The checkpoint of the newest event that a purge covers; 0 for none.
    private async Task<long> FindNewestOfAsync(MongoTarget target, CancellationToken cancellationToken)
    {
        var filter = target.ToEntryFilter();
        var path = $"{MongoRows.Commits}.{MongoRows.Bucket}";
        filter.Add(path, target.Bucket.Length > 0 ? target.Bucket : new BsonDocument("$exists", true));
        var query = new MongoQuery(filter) { Sort = new(MongoRows.Last, -1), Fields = MongoRows.WithoutPayloads };
        if (await connection.FindFirstAsync(connection.Entries, query, cancellationToken).ConfigureAwait(false) is not { } found) return 0;
        return MongoEntry.Of(found).Members.Where(member => member.IsThere && target.Covers(member.Stream))
            .Select(member => member.After.Newest).DefaultIfEmpty().Max();
    }
}

using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>Reads pages of streams by key. A page is two requests, whatever it holds: where the stream stands, then the commits.</summary>
internal sealed class MongoReader(MongoConnection connection, MongoHeads heads)
{
    private const int MaxCommitsPerPage = 1024;
    private const int MaxTries = 100;

    public async Task<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var beginning = heads.FindBlockAsync(MongoTokens.OfBlock(read.Stream, Math.Max(1, read.From.Value)), cancellationToken);
            var ending = read.To.Value >= MongoRows.MostNumber ? Task.FromResult(0L)
                : heads.FindBlockAsync(MongoTokens.OfNextBlock(read.Stream, Math.Max(1, read.To.Value)), cancellationToken);
            var head = await heads.FindAsync(read.Stream, cancellationToken).ConfigureAwait(false);
            var (first, last) = (await beginning.ConfigureAwait(false), await ending.ConfigureAwait(false));
            var (low, high) = (Math.Max(head.First, read.From.Value), Math.Min(read.To.Value, head.Revision));
            if (low > high || !head.Exists)
            {
                // A reader that is at the end looks whether the end is still where it was.
                await connection.FindNewestAsync(cancellationToken).ConfigureAwait(false);
                return new StreamPage(default, head.State, IsEnd: true);
            }

            if (low > read.From.Value)
                first = await heads.FindBlockAsync(MongoTokens.OfBlock(read.Stream, low), cancellationToken).ConfigureAwait(false);
            var links = (first, last == 0 ? long.MaxValue : last);
            if (await TryReadAsync(read, head, (low, high), links, cancellationToken).ConfigureAwait(false) is { } page) return page;

            // The stream was truncated or deleted, and perhaps created again, between looking it up and reading it.
            if (attempt == MaxTries)
                throw new CorruptStorageException($"stream '{read.Stream}'", "commits below its head are missing.",
                    "Run VerifyAsync, and restore the store from a backup.");
        }
    }

    // Null if the commits are not those of the stream that was looked up.
    private async Task<StreamPage?> TryReadAsync(StreamRead read, MongoHead head, (long Low, long High) range,
        (long Low, long High) links, CancellationToken cancellationToken)
    {
        var (step, isForward) = (read.Direction == ReadDirection.Forward ? 1 : -1, read.Direction == ReadDirection.Forward);
        var (low, high) = range;
        var query = new MongoQuery(MongoHeads.OfRevisions(read.Stream, head.Start, range, links))
        {
            Sort = new(MongoRows.Key, step),
            Limit = (int)Math.Min(Math.Min(read.Limit.MaxEvents, MaxCommitsPerPage), high - low + 1),
        };

        var page = new PageBuilder(read.Limit);
        var (next, isWhole) = (isForward ? low : high, true);
        await connection.TakeAsync(connection.Entries, query, Take, cancellationToken).ConfigureAwait(false);
        return isWhole && page.Count > 0 ? new StreamPage(page.Events, head.State, IsEnd: isForward ? next > high : next < low) : null;

        bool Take(BsonDocument document)
        {
            var entry = MongoEntry.Of(document);
            var member = entry.Find(read.Stream);
            isWhole &= member is not null && member.From <= next && next <= member.To;
            if (!isWhole || member is null) return false;
            var events = entry.ToEvents(member, entry.ToCommit(member));
            for (var i = next - member.From; i >= 0 && i < events.Length && next >= low && next <= high; i += step, next += step)
            {
                if (!page.TryAdd(events[i])) return false;
            }

            return next >= low && next <= high;
        }
    }
}

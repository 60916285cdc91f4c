using System.Buffers.Binary;
using System.Text;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>
/// Pages of streams, of the store and of heads. A page of events is one round trip; the script ends it, what it returns is picked here.
/// </summary>
internal sealed class RedisReader(RedisServer server, RedisSchema schema)
{
    // What one run of a script gathers or looks at, so that other callers of the server wait no longer than a moment.
    private const int MaxEvents = 8_192;
    private const long MaxBytes = 1 << 20;
    private const int MaxEntries = 2_048;
    private const int MaxNames = 1_000;
    private const int CutBytes = 10;

    public async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(read.Stream);
        var forward = read.Direction == ReadDirection.Forward;
        var answer = await server.AskAsync(
            RedisScript.ReadStream,
            [schema.Meta, schema.Log, schema.Index(name)],
            [name, read.From.Value, read.To.Value, forward ? 0 : 1, Math.Min(read.Limit.MaxEvents, MaxEvents),
                Math.Min(read.Limit.MaxBytes, MaxBytes)],
            cancellationToken).ConfigureAwait(false);

        var state = RedisRows.StateOf((byte[])answer[1]!);
        var from = read.From < state.FirstRevision ? state.FirstRevision : read.From;
        var page = new PageBuilder(read.Limit);
        var isWhole = true;
        for (var i = 3; i < answer.Length && isWhole; i++)
        {
            var events = RedisRows.Decode((byte[])answer[i]!, read.Stream);
            if (!forward) Array.Reverse(events);
            foreach (var recorded in events)
            {
                if (recorded.Revision < from || recorded.Revision > read.To || page.TryAdd(recorded)) continue;
                isWhole = false;
                break;
            }
        }

        return new StreamPage(page.Events, state, IsEnd: isWhole && (long)answer[2] == 1);
    }

    public async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken)
    {
        var forward = read.Direction == ReadDirection.Forward;
        var filter = read.Filter;
        // Types, stamps and criteria are looked at here, so that their meaning is defined once: the script then gathers more than
        // may be asked for.
        var criteria = CriteriaOf(filter);
        var isPicky = filter.EventTypes is not null || filter.Since is not null || filter.Criteria is not null;
        var answer = await server.AskAsync(
            criteria is null ? RedisScript.ReadAll : RedisScript.ReadTerms,
            [schema.Meta, schema.Log],
            [
                read.After.Value, read.UpTo.Value, forward ? 0 : 1, isPicky ? MaxEvents : Math.Min(read.Limit.MaxEvents, MaxEvents),
                isPicky ? MaxBytes : Math.Min(read.Limit.MaxBytes, MaxBytes), MaxEntries,
                .. criteria is null
                    ? (RedisValue[])[Asked(filter.Bucket), Asked(filter.Category), Asked(filter.Id)]
                    : [RedisPlan.Encode(criteria)],
            ],
            cancellationToken).ConfigureAwait(false);

        var page = new PageBuilder(read.Limit);
        var cuts = CutsOf((byte[])answer[3]!);
        for (var i = 4; i < answer.Length; i++)
        {
            var events = RedisRows.Decode((byte[])answer[i]!, null);
            if (!forward) Array.Reverse(events);
            var first = cuts?.GetValueOrDefault(i - 4) ?? Revision.None;
            foreach (var recorded in events)
            {
                if (recorded.Checkpoint <= read.After || recorded.Checkpoint > read.UpTo || recorded.Revision < first
                    || !filter.Matches(recorded) || page.TryAdd(recorded)) continue;
                // The page is full before the gathered ends: what was taken last is how far it looked.
                return new StorePage(page.Events, page.Events.Span[^1].Checkpoint, new Checkpoint((long)answer[0]), IsEnd: false);
            }
        }

        var (head, isEnd) = ((long)answer[0], (long)answer[2] == 1);
        return new StorePage(page.Events, isEnd ? EndOf(read, new Checkpoint(head)) : new Checkpoint((long)answer[1]),
            new Checkpoint(head), isEnd);
    }

    // How far a page looked that looked at everything: what was deleted is looked at, too.
    private static Checkpoint EndOf(StoreRead read, Checkpoint head)
    {
        var upTo = read.UpTo < head ? read.UpTo : head;
        if (read.After >= upTo) return read.Direction == ReadDirection.Forward ? read.After : upTo;
        return read.Direction == ReadDirection.Forward ? upTo : read.After + 1;
    }

    public async ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(stream);
        var answer = await server.AskAsync(RedisScript.FindHead, [schema.Meta, schema.Index(name), schema.Newest], [name],
            cancellationToken).ConfigureAwait(false);
        return RedisRows.StateOf((byte[])answer[1]!) is { Exists: true } state ? HeadOf(stream, state, answer, 2) : null;
    }

    public async ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken)
    {
        var prefix = RedisSchema.PrefixOf(query.Bucket);
        var (from, to) = RangeOf(prefix, query.After is { } after ? RedisSchema.NameOf(after) : []);
        var heads = new List<StreamHead>();
        while (true)
        {
            var answer = await server.AskAsync(
                RedisScript.ListHeads, [schema.Meta, schema.Names, schema.Newest],
                [from, to, query.Limit - heads.Count, query.MinEventsSinceSnapshot, MaxNames], cancellationToken).ConfigureAwait(false);
            for (var i = 2; i + 3 < answer.Length; i += 4)
                heads.Add(HeadOf(
                    RedisSchema.StreamOf((byte[])answer[i]!), RedisRows.StateOf((byte[])answer[i + 1]!), answer, i + 2));
            if (heads.Count >= query.Limit || answer[1].IsNull) return heads;
            from = After((byte[])answer[1]!, from, schema.Names);
        }
    }

    /// <summary>The ends of a range of names as Redis takes them: those that begin with a prefix, after a name.</summary>
    public static (byte[] From, byte[] To) RangeOf(byte[] prefix, byte[] after)
    {
        byte[] from = after.AsSpan().SequenceCompareTo(prefix) >= 0 && after.Length > 0 ? [(byte)'(', .. after] : [(byte)'[', .. prefix];
        // No name holds a byte of 255, which UTF-8 does not have.
        return (from, prefix.Length == 0 ? "+"u8.ToArray() : [(byte)'(', .. prefix, byte.MaxValue]);
    }

    /// <summary>The lower end of the page after a name, which must itself be behind the lower end of its own page.</summary>
    /// <exception cref="CorruptStorageException">It is not, so that the pages might not end: not all scores are 0.</exception>
    public static byte[] After(byte[] name, byte[] from, RedisKey key)
    {
        var order = name.AsSpan().SequenceCompareTo(from.AsSpan(1));
        return order > 0 || (order == 0 && from[0] == (byte)'[') ? [(byte)'(', .. name]
            : throw new CorruptStorageException($"the key '{key}'", "its members are not in the order of their bytes.",
                "Restore the server's data.");
    }

    // The sequence of the last commit and the revision of the newest snapshot stand at a place of the answer.
    private static StreamHead HeadOf(StreamId stream, StreamState state, RedisResult[] answer, int at) =>
        new(stream, state.Revision, new CommitSequence((long)answer[at]), new Revision((long)answer[at + 1]))
        {
            Incarnation = state.Incarnation,
            FirstRevision = state.FirstRevision,
            IsSealed = state.IsSealed,
        };

    // What is to be found by the indexes of categories and tags; null where the log is walked.
    private static EventCriteria? CriteriaOf(EventFilter filter) =>
        filter.Criteria is { } criteria && criteria.Any.All(criterion => criterion.IsIndexed) ? criteria
        : filter is { Bucket: { } bucket, Category: { } category }
            ? new EventCriteria(new EventCriterion { Bucket = bucket, Category = category, Id = filter.Id })
            : null;

    // The entries that begin below the first revision of their stream, with that revision; null for none.
    private static Dictionary<int, Revision>? CutsOf(byte[] cuts)
    {
        if (cuts.Length == 0) return null;
        var found = new Dictionary<int, Revision>();
        for (var rest = cuts.AsSpan(); rest.Length > 0; rest = rest[CutBytes..])
            found.Add(BinaryPrimitives.ReadInt32BigEndian(rest), new Revision(RedisRows.ReadNumber(rest[4..])));
        return found;
    }

    private static byte[] Asked(string? condition) =>
        condition is null ? "0"u8.ToArray() : [(byte)'1', .. Encoding.UTF8.GetBytes(condition)];
}

using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Drops spaces at the end of names, as fixed-width and padded columns compare them (G1).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.Names_that_differ_in_any_byte_are_different_streams_and_are_read_back_byte_for_byte))]
internal sealed class TrimsNames(IPersistenceEngine inner) : Renames(inner)
{
    protected override StreamId Rename(StreamId stream) =>
        new(stream.Bucket.TrimEnd(' '), stream.Category.TrimEnd(' '), stream.Id.TrimEnd(' '));
}

/// <summary>Treats names that differ only in case as one, and shows the first, as a case-insensitive collation does (G1).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.Names_that_differ_in_any_byte_are_different_streams_and_are_read_back_byte_for_byte))]
internal sealed class IgnoresCase(IPersistenceEngine inner) : Renames(inner)
{
    private readonly ConcurrentDictionary<string, StreamId> first = new(StringComparer.OrdinalIgnoreCase);

    protected override StreamId Rename(StreamId stream) => first.GetOrAdd(stream.ToString(), stream);
}

/// <summary>Cuts long ids to 850 bytes, as an index over text with a limited key does (G1).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.Names_of_the_longest_length_are_stored_and_differ_by_their_last_byte))]
internal sealed class CutsLongIds(IPersistenceEngine inner) : Renames(inner)
{
    protected override StreamId Rename(StreamId stream) =>
        new(stream.Bucket, stream.Category, stream.Id[..Math.Min(280, stream.Id.Length)]);
}

/// <summary>Finds a stream by category and id alone, as keys without a tenant do (G2).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.The_same_id_in_another_bucket_or_category_is_another_stream_through_every_member))]
internal sealed class IgnoresBuckets(IPersistenceEngine inner) : Renames(inner)
{
    protected override StreamId Rename(StreamId stream) => new(StreamId.DefaultBucket, stream.Category, stream.Id);
}

/// <summary>Joins bucket, category and id with colons to one key, as for a key-value server (G2).</summary>
[CaughtBy(typeof(IdentitySpecification<>), nameof(IdentitySpecification<>.Parts_of_a_name_are_never_confused))]
internal sealed class JoinsNames(IPersistenceEngine inner) : Renames(inner)
{
    private readonly ConcurrentDictionary<string, StreamId> first = new();

    protected override StreamId Rename(StreamId stream) => first.GetOrAdd($"{stream.Bucket}:{stream.Category}:{stream.Id}", stream);
}

/// <summary>Deletes streams of the same id in every bucket, as a statement does whose condition lacks a column (G2).</summary>
[CaughtBy(
    typeof(IdentitySpecification<>),
    nameof(IdentitySpecification<>.The_same_id_in_another_bucket_or_category_is_another_stream_through_every_member))]
internal sealed class DeletesInEveryBucket(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        var change = await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
        foreach (var head in await Inner.ListHeadsAsync(new HeadQuery(null, 0, null, int.MaxValue), cancellationToken))
        {
            if ((head.Stream.Category, head.Stream.Id) == (stream.Category, stream.Id))
                await Inner.DeleteStreamAsync(head.Stream, StreamExpectation.Any, cancellationToken);
        }

        return change;
    }
}

/// <summary>Purges every bucket whose name begins with the given one, as a deletion by key prefix does (G2, G46).</summary>
[CaughtBy(typeof(DeletionSpecification<>), nameof(DeletionSpecification<>.Purging_a_bucket_leaves_the_others_whole))]
internal sealed class PurgesByPrefix(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        foreach (var head in await Inner.ListHeadsAsync(new HeadQuery(null, 0, null, int.MaxValue), cancellationToken))
        {
            if (head.Stream.Bucket.StartsWith(bucket, StringComparison.Ordinal))
                await Inner.DeleteStreamAsync(head.Stream, StreamExpectation.Any, cancellationToken);
        }
    }
}

/// <summary>Lists the heads of all buckets, also for one bucket (G2).</summary>
[CaughtBy(typeof(HeadSpecification<>), nameof(HeadSpecification<>.Heads_are_listed_in_code_point_order_by_pages_of_any_size))]
internal sealed class ListsHeadsOfEveryBucket(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(HeadQuery query, CancellationToken cancellationToken = default) =>
        Inner.ListHeadsAsync(query with { Bucket = null }, cancellationToken);
}

/// <summary>Orders heads by UTF-16 units instead of code points, as sorting in the client does (G18).</summary>
[CaughtBy(typeof(HeadSpecification<>), nameof(HeadSpecification<>.Heads_are_listed_in_code_point_order_by_pages_of_any_size))]
internal sealed class ListsHeadsByUtf16(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<IReadOnlyList<StreamHead>> ListHeadsAsync(
        HeadQuery query, CancellationToken cancellationToken = default)
    {
        var all = await Inner.ListHeadsAsync(query with { After = null, Limit = int.MaxValue }, cancellationToken);
        var following = all.Where(head => query.After is not { } after || Compare(head.Stream, after) > 0);
        return [.. following.Order(Comparer<StreamHead>.Create((a, b) => Compare(a.Stream, b.Stream))).Take(query.Limit)];
    }

    private static int Compare(StreamId a, StreamId b)
    {
        var order = string.CompareOrdinal(a.Bucket, b.Bucket);
        if (order == 0) order = string.CompareOrdinal(a.Category, b.Category);
        return order == 0 ? string.CompareOrdinal(a.Id, b.Id) : order;
    }
}

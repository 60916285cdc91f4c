using Xunit;

namespace EventStore.Conformance;

/// <summary>Heads are exact immediately and listed by name, page by page; so are the streams due for a snapshot.</summary>
public abstract class HeadSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    [Fact, Guarantee("G9", "G20")]
    public async Task The_head_follows_every_commit_at_once()
    {
        for (var i = 1; i <= 10; i++)
        {
            await AppendAsync("stream", i);
            var head = await HeadAsync("stream");
            Assert.Equal((i * (i + 1) / 2, i, 0), (head.Revision.Value, head.CommitSequence.Value, head.SnapshotRevision.Value));
        }
    }

    [Theory, Guarantee("G2", "G18")]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(100)]
    public async Task Heads_are_listed_in_code_point_order_by_pages_of_any_size(int pageSize)
    {
        string[] parts = ["a", "A", "b", "a b", "é", "z", "\uffee", "😀", "aa"];
        var streams = (
            from bucket in parts[..3]
            from category in (string[])["", .. parts[3..6]]
            from id in parts
            select new StreamId(bucket, category, id)).ToList();
        await Engine.CommitAsync([.. streams.OrderBy(stream => stream.Id.Length).Select(stream => Attempt(stream, ExpectedRevision.Any))]);

        streams.Sort();
        Assert.Equal(streams, await ListAsync(null, 0, pageSize));
        Assert.Equal(streams.Where(stream => stream.Bucket == "A"), await ListAsync("A", 0, pageSize));
        Assert.Empty(await ListAsync("none", 0, pageSize));
    }

    [Fact, Guarantee("G24")]
    public async Task Streams_due_for_a_snapshot_are_exact_at_once_and_by_bucket()
    {
        for (var i = 1; i <= 6; i++)
        {
            await AppendAsync(new StreamId("a", "", $"s{i}"), i);
            await AppendAsync(new StreamId("b", "", $"s{i}"), i);
        }

        Assert.Equal(["s4", "s5", "s6"], Ids(await ListAsync("a", 4, 2)));
        Assert.Equal(6, (await ListAsync(null, 4, 100)).Count);

        await SaveAsync(new StreamId("a", "", "s5"), 5);
        await SaveAsync(new StreamId("a", "", "s6"), 2);
        Assert.Equal(["s4", "s6"], Ids(await ListAsync("a", 4, 2)));
        await SaveAsync(new StreamId("a", "", "s6"), 3);
        Assert.Equal(["s4"], Ids(await ListAsync("a", 4, 2)));
        await AppendAsync(new StreamId("a", "", "s5"), 4);
        Assert.Equal(["s4", "s5"], Ids(await ListAsync("a", 4, 2)));
        await Engine.PruneSnapshotsAsync(new StreamId("a", "", "s6"), 0);
        Assert.Equal(["s4", "s5", "s6"], Ids(await ListAsync("a", 4, 2)));
        await Engine.DeleteStreamAsync(new StreamId("a", "", "s4"));
        Assert.Equal(["s5", "s6"], Ids(await ListAsync("a", 4, 2)));
        Assert.Equal(["s4", "s5", "s6"], Ids(await ListAsync("b", 4, 2)));
    }

    private ValueTask SaveAsync(StreamId stream, long revision) =>
        Engine.SaveSnapshotAsync(new SnapshotRecord(stream, new Revision(revision), 0, "state", "x"u8.ToArray()));

    private static string[] Ids(IEnumerable<StreamId> streams) => [.. streams.Select(stream => stream.Id)];

    private async ValueTask<List<StreamId>> ListAsync(string? bucket, long minEventsSinceSnapshot, int pageSize)
    {
        var all = new List<StreamId>();
        while (true)
        {
            var page = await Engine.ListHeadsAsync(
                new HeadQuery(bucket, minEventsSinceSnapshot, all.Count == 0 ? (StreamId?)null : all[^1], pageSize));
            Assert.True(page.Count <= pageSize);
            if (page.Count == 0) return all;
            all.AddRange(page.Select(head => head.Stream));
        }
    }

    [Fact, Guarantee("G18", "G20")]
    public async Task Streams_of_a_category_are_listed_by_the_beginning_of_their_ids()
    {
        string[] ids = ["\u0001", "\u0001a", "a", "a/b", "ab", "abc", "a😀", "b", "é", "😀", "😀a"];
        StreamId[] streams = [.. from bucket in (string[])["b", "c"] from category in (string[])["", "k", "l"] from id in ids
                                 select new StreamId(bucket, category, id)];
        await Engine.CommitAsync([.. streams.Select(stream => Attempt(stream, ExpectedRevision.Any))]);
        await using var store = await Wire().BuildAsync();
        foreach (var category in (string[])["", "k", "l", "none"])
        {
            foreach (var prefix in (string[])["", "\u0001", "a", "ab", "abcd", "😀", "z"])
            {
                var expected = streams.Where(stream => stream.Bucket == "b" && stream.Category == category
                    && stream.Id.StartsWith(prefix, StringComparison.Ordinal)).Order();
                Assert.Equal(expected, (await ToListAsync(store.ListStreamsAsync("b", category, prefix))).Select(head => head.Stream));
            }
        }
    }
}

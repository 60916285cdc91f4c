using Xunit;

namespace EventStore.Conformance;

/// <summary>A read returns its whole range in order, forward or backward, with pages of any size.</summary>
public abstract class ReadingSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = "stream";

    [Theory, Guarantee("G15", "G16", "G18")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Any_range_of_a_stream_is_whole_and_in_order_in_both_directions_for_any_page_size(int pageSize)
    {
        foreach (var count in (int[])[3, 1, 5, 2, 12, 1])
        {
            await AppendAsync(stream, count);
            await AppendAsync("other", count);
        }

        (long From, long To)[] ranges =
        [
            (1, 24), (1, long.MaxValue), (2, 3), (4, 4), (1, 1), (24, 24), (5, 8), (10, 20), (24, 100), (25, 100), (9, 8), (1, 0),
            (23, long.MaxValue),
        ];
        foreach (var (from, to) in ranges)
        {
            var expected = Range(from, Math.Min(to, 24));
            Assert.Equal(expected, Revisions(await ReadStreamAsync(stream, from, to, ReadDirection.Forward, pageSize)));
            Assert.Equal(expected.Reverse(), Revisions(await ReadStreamAsync(stream, from, to, ReadDirection.Backward, pageSize)));
        }
    }

    [Theory, Guarantee("G15", "G16", "G18")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task Any_range_of_the_store_is_whole_and_in_order_in_both_directions_for_any_page_size(int pageSize)
    {
        for (var i = 0; i < 30; i++) await AppendAsync($"stream-{i % 4}", (i % 3) + 1);
        var all = Checkpoints(await ReadAllAsync(pageSize: 13));
        Assert.Equal(all.Order(), all);
        Assert.Equal(60, all.Distinct().Count());

        (long After, long UpTo)[] ranges =
        [
            (0, long.MaxValue), (0, all[^1]), (all[3], all[17]), (all[0], all[1]), (all[^1], long.MaxValue), (all[^1] + 50, long.MaxValue),
            (5, 5), (all[20], all[50]),
        ];
        foreach (var (after, upTo) in ranges)
        {
            var expected = all.Where(checkpoint => checkpoint > after && checkpoint <= upTo).ToArray();
            Assert.Equal(expected, Checkpoints(await ReadAllAsync(null, after, upTo, ReadDirection.Forward, pageSize)));
            Assert.Equal(expected.Reverse(), Checkpoints(await ReadAllAsync(null, after, upTo, ReadDirection.Backward, pageSize)));
        }
    }

    [Fact, Guarantee("G16")]
    public async Task A_stream_that_does_not_exist_reads_as_empty()
    {
        await AppendAsync(stream, 1);
        var page = await Engine.ReadStreamAsync(
            new StreamRead("missing", new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(10, 1 << 20)));
        Assert.Equal((0, 0L, true), (page.Events.Length, page.State.Revision.Value, page.IsEnd));
        Assert.Null(await Engine.FindHeadAsync("missing"));
        Assert.Empty(await ReadStreamAsync("missing", direction: ReadDirection.Backward));
    }

    [Fact, Guarantee("G16")]
    public async Task Ranges_at_the_limits_of_numbers_are_empty_and_ended()
    {
        await AppendAsync(stream, 3);
        var limit = new PageLimit(10, 1 << 20);
        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            ValueTuple<Checkpoint, Checkpoint>[] cases =
            [
                (Checkpoint.Max, Checkpoint.Max), (new Checkpoint(0), new Checkpoint(0)), (new Checkpoint(3), new Checkpoint(3)),
                (new Checkpoint(5), new Checkpoint(2)), (new Checkpoint(1_000), Checkpoint.Max),
            ];
            foreach (var (after, upTo) in cases)
            {
                var all = await Engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, upTo, direction, limit));
                Assert.Equal((0, true), (all.Events.Length, all.IsEnd));
            }

            var page = await Engine.ReadStreamAsync(new StreamRead(stream, Revision.Max, Revision.Max, direction, limit));
            Assert.Equal((0, true, 3L), (page.Events.Length, page.IsEnd, page.State.Revision.Value));
        }
    }

    [Fact, Guarantee("G17")]
    public async Task Pages_contain_the_head_so_that_a_read_can_be_bounded_by_it()
    {
        await AppendAsync(stream, 5);
        var last = await AppendAsync("other", 4);
        var page = await Engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(2), new Revision(3), ReadDirection.Forward, new PageLimit(1, 1 << 20)));
        Assert.Equal((5L, false), (page.State.Revision.Value, page.IsEnd));
        var all = await Engine.ReadAllAsync(
            new StoreRead(
                new EventFilter { Id = "stream" }, new Checkpoint(0), new Checkpoint(3), ReadDirection.Forward, new PageLimit(2, 1 << 20)));
        Assert.Equal(last.LastCheckpoint, all.Head);

        await Engine.DeleteStreamAsync("other");
        all = await Engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, new PageLimit(100, 1 << 20)));
        Assert.True(all.Head >= last.LastCheckpoint, "the head of the store moved back when a stream was deleted");
    }

    [Fact, Guarantee("G17")]
    public async Task A_read_up_to_a_fixed_bound_always_returns_the_same()
    {
        for (var i = 0; i < 10; i++) await AppendAsync($"stream-{i % 2}", 3);
        var (stored, all) = (await ReadStreamAsync("stream-0", 2, 11), await ReadAllAsync(upTo: 20));
        for (var i = 0; i < 10; i++) await AppendAsync($"stream-{i % 2}", 3);

        Assert.Equal(Bodies(stored), Bodies(await ReadStreamAsync("stream-0", 2, 11)));
        Assert.Equal(Checkpoints(all), Checkpoints(await ReadAllAsync(upTo: 20)));
    }

    [Fact, Guarantee("G18")]
    public async Task Pages_are_bounded_in_bytes_and_hold_at_least_one_event()
    {
        var large = new string('x', 100_000);
        await AppendAsync(stream, [.. Enumerable.Range(0, 20).Select(_ => Event(large))]);
        foreach (var maxBytes in (long[])[1, 100_000, 350_000])
        {
            var page = await Engine.ReadStreamAsync(
                new StreamRead(stream, new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(100, maxBytes)));
            Assert.InRange(page.Events.Length, 1, (int)(maxBytes / 100_000) + 1);
            Assert.False(page.IsEnd);
            var all = await Engine.ReadAllAsync(
                new StoreRead(
                    EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, new PageLimit(100, maxBytes)));
            Assert.InRange(all.Events.Length, 1, (int)(maxBytes / 100_000) + 1);
            Assert.False(all.IsEnd);
        }
    }

    [Fact, Guarantee("G18")]
    public async Task Appends_and_deletes_between_pages_lose_and_repeat_nothing_that_survives()
    {
        for (var i = 0; i < 40; i++) await AppendAsync($"stream-{i}", Event($"stream-{i}"));
        var seen = new List<string>();
        Checkpoint after = new Checkpoint(0);
        for (var page = 0; ; page++)
        {
            var read = await Engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, new Checkpoint(40), ReadDirection.Forward, new PageLimit(2, 1 << 20)));
            seen.AddRange(Bodies(read.Events.ToArray()));
            if (read.IsEnd) break;
            after = read.Position;
            if (page < 10) await Engine.DeleteStreamAsync($"stream-{page}");
            await AppendAsync("later", 1);
        }

        Assert.Equal(seen.Distinct(), seen);
        Assert.Equal(Enumerable.Range(10, 30).Select(i => $"stream-{i}"), seen.Where(name => int.Parse(name[7..]) >= 10));
    }

    [Fact, Guarantee("G15")]
    public async Task Cancelled_reads_throw_and_return_nothing()
    {
        await AppendAsync(stream, 10);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () =>
                await Engine.ReadStreamAsync(
                    new StreamRead(stream, new Revision(1), new Revision(10), ReadDirection.Forward, new PageLimit(3, 100)), cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () =>
                await Engine.ReadAllAsync(
                    new StoreRead(
                        EventFilter.Everything, new Checkpoint(0), new Checkpoint(10), ReadDirection.Forward, new PageLimit(3, 100)),
                    cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Engine.FindHeadAsync(stream, cancelled));
    }
}

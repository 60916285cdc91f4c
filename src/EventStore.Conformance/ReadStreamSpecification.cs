using Xunit;

namespace EventStore.Conformance;

/// <summary>Read streams contain exactly the links of their condition, in checkpoint order.</summary>
public abstract class ReadStreamSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Fact(Timeout = Minute), Guarantee("G39")]
    public async Task A_read_stream_contains_earlier_and_later_events_in_checkpoint_order()
    {
        await using var store = await Wire().BuildAsync();
        await AppendAsync(store, 0, 30);
        await store.ReadStreams.CreateAsync("thirds", Ids(0));
        await AppendAsync(store, 30, 30);
        await ExpectThirdsAsync(store, 60);
        await store.ReadStreams.CreateAsync("thirds", Ids(0));

        var info = await store.ReadStreams.FindAsync("thirds");
        Assert.Equal(("thirds", 20L, 60L), (info!.Name, info.Revision.Value, info.FilledTo.Value));
        Assert.Equal(["thirds"], (await ToListAsync(store.ReadStreams.ListAsync())).Select(listed => listed.Name));
    }

    [Fact(Timeout = Minute), Guarantee("G39")]
    public async Task A_read_stream_survives_a_restart_and_continues()
    {
        await using (var store = await Wire().BuildAsync())
        {
            await AppendAsync(store, 0, 30);
            await store.ReadStreams.CreateAsync("thirds", Ids(0));
        }

        await ReopenAsync();
        await using var again = await Wire().BuildAsync();
        await AppendAsync(again, 30, 9);
        await ExpectThirdsAsync(again, 39);
    }

    [Fact(Timeout = Minute), Guarantee("G39")]
    public async Task After_a_commit_returned_every_reader_reads_it()
    {
        await using var first = await Wire().BuildAsync();
        await using var second = await Wire().BuildAsync();
        await first.ReadStreams.CreateAsync("thirds", Ids(0));
        for (var i = 0; i < 30; i++)
        {
            await AppendAsync(i % 2 == 0 ? first : second, i, 1);
            await ExpectThirdsAsync(i % 4 < 2 ? first : second, i + 1);
        }
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G18", "G39")]
    public async Task Thousands_of_links_are_read_in_both_directions_and_in_part_while_several_processes_add_links()
    {
        const int Events = 2500;
        await using var first = await Wire().BuildAsync();
        await using var second = await Wire().BuildAsync();
        for (var i = 0; i < Events / 50; i++)
            await first.AppendAsync("stream", ExpectedRevision.Any, Enumerable.Range(i * 50, 50).Select(at => $"{at}"));
        await Task.WhenAll(
            first.ReadStreams.CreateAsync("all", EventPredicate.StreamIds("stream")).AsTask(),
            second.ReadStreams.CreateAsync("all", EventPredicate.StreamIds("stream")).AsTask());
        foreach (var (from, to, direction) in new[]
        {
            (1, Events, ReadDirection.Forward), (1, Events, ReadDirection.Backward), (1020, 1030, ReadDirection.Forward),
            (1020, 1030, ReadDirection.Backward),
            (2049, 2049, ReadDirection.Forward), (Events, Events + 5, ReadDirection.Backward), (
                Events + 1, Events + 5, ReadDirection.Forward),
        })
        {
            var read = await ToListAsync(second.ReadStreams.ReadAsync("all", new Revision(from), new Revision(to), direction));
            var expected = Enumerable.Range(
                from, Math.Max(0, Math.Min(to, Events) - from + 1)).Select(revision => ((long)revision, $"{revision - 1}"));
            Assert.Equal(
                direction == ReadDirection.Forward ? expected : expected.Reverse(),
                read.Select(link => (link.Revision.Value, (string)link.Event.Body)));
        }
    }

    [Fact(Timeout = Minute), Guarantee("G39")]
    public async Task Dropping_keeps_events_and_deleting_events_leaves_gaps_that_a_rebuild_removes()
    {
        await using var store = await Wire().BuildAsync();
        await AppendAsync(store, 0, 9);
        await store.ReadStreams.CreateAsync("both", Ids(0).Or(Ids(1)));
        await store.DeleteStreamAsync("stream-1");
        Assert.Equal([1L, 3L, 5L], (await ToListAsync(store.ReadStreams.ReadAsync("both"))).Select(link => link.Revision.Value));
        await store.ReadStreams.RebuildAsync("both");
        Assert.Equal(
            [(1L, "0"), (2L, "3"), (3L, "6")],
            (await ToListAsync(store.ReadStreams.ReadAsync("both"))).Select(link => (link.Revision.Value, (string)link.Event.Body)));

        Assert.True(await store.ReadStreams.DropAsync("both"));
        Assert.False(await store.ReadStreams.DropAsync("both"));
        Assert.Null(await store.ReadStreams.FindAsync("both"));
        await Assert.ThrowsAsync<ReadStreamException>(async () => await ToListAsync(store.ReadStreams.ReadAsync("both")));
        Assert.Equal(6, (await ToListAsync(store.ReadAllAsync())).Count);
        Assert.Empty(await Engine.ListDocumentsAsync("readstreams/", "", 10));
        await store.ReadStreams.CreateAsync("both", Ids(2));
        Assert.Equal(["2", "5", "8"], (await ToListAsync(store.ReadStreams.ReadAsync("both"))).Select(link => (string)link.Event.Body));
    }

    [Fact(Timeout = Minute), Guarantee("G19", "G39", "G40")]
    public async Task Conditions_select_the_right_events_alone_and_combined()
    {
        await using var store = await Wire().BuildAsync();
        string[] bodies = ["{\"n\":1,\"t\":\"a\"}", "{\"n\":2.5,\"t\":\"b\"}", "{\"n\":3,\"x\":{\"y\":[true,null]}}", "\"none\"", "[1,2]"];
        for (var i = 0; i < bodies.Length; i++)
            await store.AppendAsync(
                new StreamId($"bucket-{i % 2}", "c", $"{i}"),
                ExpectedRevision.Any,
                [new EventMessage(bodies[i], new Dictionary<string, string> { ["i"] = $"{i}" })]);
        var start = (await ToListAsync(store.ReadAllAsync()))[3].Stamp;

        var cases = new (EventPredicate Condition, string Expected)[]
        {
            (EventPredicate.Types("text"), "01234"), (EventPredicate.Types("other"), ""), (EventPredicate.Bucket("bucket-1"), "13"),
            (EventPredicate.Category("c"), "01234"),
            (EventPredicate.StreamIds("0", "4", "9"), "04"), (
                EventPredicate.SinceStamp(start.AddDays(-1)), "01234"), (EventPredicate.SinceStamp(start.AddDays(1)), ""),
            (EventPredicate.Header("i", "2"), "2"), (EventPredicate.Header("j", "2"), ""),
            (
                EventPredicate.Body("/n", ValueComparison.GreaterOrEqual, 2.5m),
                "12"), (EventPredicate.Body("/n", ValueComparison.Less, 2.5m), "0"),
            (EventPredicate.Body("/n", ValueComparison.NotEqual, 1m), "1234"), (EventPredicate.Body("/t", ValueComparison.Equal, "b"), "1"),
            (EventPredicate.Body("/t", ValueComparison.Greater, "a"), "1"), (
                EventPredicate.Body("/x/y/0", ValueComparison.Equal, true), "2"),
            (
                EventPredicate.Body("/x/y/1", ValueComparison.Equal, (string?)null),
                "2"), (EventPredicate.Body("/1", ValueComparison.Equal, 2m), "4"),
            (EventPredicate.Bucket("bucket-0").And(EventPredicate.Header("i", "2").Or(EventPredicate.Header("i", "1"))), "2"),
            (EventPredicate.Bucket("bucket-0").Negated(), "13"), (
                EventPredicate.Bucket("bucket-0").And(EventPredicate.Bucket("bucket-1")), ""),
        };
        foreach (var (condition, expected) in cases)
        {
            var name = $"{Array.FindIndex(cases, one => one.Condition == condition)}";
            await store.ReadStreams.CreateAsync(name, condition);
            var read = await ToListAsync(store.ReadStreams.ReadAsync(name));
            Assert.True(
                expected == string.Concat(read.Select(link => link.Event.Stream.Id)),
                $"{condition} held for {string.Concat(read.Select(link => link.Event.Stream.Id))}, not for {expected}");
        }
    }

    [Fact(Timeout = Minute), Guarantee("G39", "G16")]
    public async Task Several_streams_are_read_as_one_in_checkpoint_order()
    {
        await using var store = await Wire().BuildAsync();
        await AppendAsync(store, 0, 60);
        var joined = await ToListAsync(store.ReadStreams.ReadJoinedAsync(["stream-2", "stream-0", "missing", "stream-2"]));
        Assert.Equal(
            Enumerable.Range(0, 60).Where(i => i % 3 != 1).Select(i => $"{i}"), joined.Select(committed => (string)committed.Body));
    }

    private static EventPredicate Ids(int third) => EventPredicate.StreamIds($"stream-{third}");

    private static async Task AppendAsync(IEventStore store, int first, int count)
    {
        for (var i = first; i < first + count; i++) await store.AppendAsync($"stream-{i % 3}", $"{i}");
    }

    private static async Task ExpectThirdsAsync(IEventStore store, int events)
    {
        var read = await ToListAsync(store.ReadStreams.ReadAsync("thirds"));
        Assert.Equal(
            Enumerable.Range(0, events).Where(i => i % 3 == 0).Select((i, at) => (at + 1L, $"{i}")),
            read.Select(link => (link.Revision.Value, (string)link.Event.Body)));
    }
}

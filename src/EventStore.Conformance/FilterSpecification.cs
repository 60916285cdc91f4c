using System.Text.Json.Nodes;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Every condition of a filter selects what <see cref="EventFilter.Matches"/> defines, alone and with all others, in both directions.
/// </summary>
public abstract class FilterSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    [Fact, Guarantee("G19")]
    public async Task Every_combination_of_conditions_matches_its_definition()
    {
        var random = new Random(7);
        string[] buckets = ["a", "b"], categories = ["", "order", "Order"], ids = ["1", "2", "3"], types = ["placed", "shipped", "Placed"];
        for (var i = 0; i < 120; i++)
        {
            Time.Jump(TimeSpan.FromSeconds(1));
            var stream = new StreamId(Pick(buckets), Pick(categories), Pick(ids));
            await AppendAsync(stream, [.. Enumerable.Range(0, random.Next(1, 4)).Select(n => Event($"{i}.{n}", Pick(types)))]);
        }

        var all = await ReadAllAsync();
        var since = all[all.Count / 2].Commit.Stamp;
        IReadOnlyCollection<string>?[] typeSets =
            [null, new HashSet<string>(["placed"]), new HashSet<string>(["placed", "shipped", "unknown"]), new HashSet<string>()];
        var filters =
            from bucket in (string?[])[null, "a", "none"]
            from category in (string?[])[null, "", "order"]
            from id in (string?[])[null, "2"]
            from eventTypes in typeSets
            from start in (DateTimeOffset?[])[null, since]
            select new EventFilter { Bucket = bucket, Category = category, Id = id, EventTypes = eventTypes, Since = start };
        foreach (var filter in filters)
        {
            var expected = Bodies(all.Where(recorded => filter.Matches(recorded)));
            Assert.Equal(expected, Bodies(await ReadAllAsync(filter, pageSize: 9)));
            Assert.Equal(expected.Reverse(), Bodies(await ReadAllAsync(filter, direction: ReadDirection.Backward, pageSize: 9)));
        }

        string Pick(string[] from) => from[random.Next(from.Length)];
    }

    [Fact, Guarantee("G19")]
    public async Task Since_includes_an_equal_stamp_and_compares_to_the_microsecond()
    {
        var first = await AppendAsync("stream", 1);
        Time.Jump(TimeSpan.FromMicroseconds(10));
        var second = await AppendAsync("stream", 1);
        Assert.Equal(2, (await ReadAllAsync(new EventFilter { Since = first.Stamp })).Count);
        Assert.Equal(2, (await ReadAllAsync(new EventFilter { Since = first.Stamp.ToOffset(TimeSpan.FromHours(5)) })).Count);
        Assert.Empty(await ReadAllAsync(new EventFilter { Since = second.Stamp.AddMicroseconds(1) }));
        if (second.Stamp > first.Stamp) Assert.Single(await ReadAllAsync(new EventFilter { Since = first.Stamp.AddMicroseconds(1) }));
    }

    [Fact, Guarantee("G19")]
    public async Task A_filter_that_matches_nothing_for_long_still_advances_and_finds_the_last_event()
    {
        for (var i = 0; i < 40; i++)
            await Engine.CommitAsync([.. Enumerable.Range(0, 50).Select(n => Attempt($"stream-{n}", ExpectedRevision.Any, Events(20)))]);
        await AppendAsync("rare", Event("found", type: "rare"));
        var filter = new EventFilter { EventTypes = new HashSet<string>(["rare"]) };

        Assert.Equal(["found"], Bodies(await ReadAllAsync(filter)));
        Assert.Equal(["found"], Bodies(await ReadAllAsync(filter, direction: ReadDirection.Backward)));
        Assert.Empty(await ReadAllAsync(filter, upTo: 40_000));
    }

    [Fact, Guarantee("G19")]
    public async Task The_position_of_a_page_covers_what_was_examined_even_where_nothing_matches()
    {
        await AppendAsync("stream", 30);
        Checkpoint after = new Checkpoint(0);
        var nothing = new EventFilter { Bucket = "none" };
        for (var pages = 0; pages < 100; pages++)
        {
            var page = await Engine.ReadAllAsync(
                new StoreRead(nothing, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(5, 1 << 20)));
            Assert.Equal(0, page.Events.Length);
            if (page.IsEnd)
            {
                Assert.Equal(30, page.Position.Value);
                return;
            }

            Assert.True(page.Position > after);
            after = page.Position;
        }

        Assert.Fail("the end was not reached in 100 pages");
    }

    [Fact(Timeout = 60_000), Guarantee("G19", "G41")]
    public async Task A_filter_by_type_finds_what_is_converted_into_it_on_every_path()
    {
        await using var store = await Wire().UpconvertEventsUsing("v1", "v2", Next).UpconvertEventsUsing("v2", "v3", Next).BuildAsync();
        string[] stored = ["v1", "other", "v2", "v3", "v1", "other", "v2", "v3", "v1"];
        foreach (var type in stored)
            await store.AppendAsync("stream", ExpectedRevision.Any, [EventMessage.OfBytes(type, "{}"u8.ToArray())]);

        var filter = new EventFilter { EventTypes = ["v3"] };
        var query = new EventQuery { EventTypes = ["v3"] };
        var present = EventPredicate.Types("v3");
        await store.ReadStreams.CreateAsync("present", present);
        var page = await store.ReadPageAsync(query, 4);
        IEnumerable<CommittedEvent>[] paths =
        [
            await ToListAsync(store.ReadAllAsync(query)),
            await ToListAsync(store.ReadAllAsync(new EventQuery { Condition = present })),
            (await ToListAsync(store.ReadAllAsync(query with { Direction = ReadDirection.Backward }))).AsEnumerable().Reverse(),
            page.Events.Concat((await store.ReadPageAsync(query, 4, page.Continuation)).Events),
            await ToListAsync(store.Dispatch.GetUndispatchedAsync(filter)),
            await ToListAsync(store.Consumers.SubscribeAsync(ConsumerSource.Matching(filter)).Take(7)),
            await ToListAsync(store.Consumers.SubscribeAsync(ConsumerSource.Matching(present)).Take(7)),
            (await ToListAsync(store.ReadStreams.ReadAsync("present"))).Select(link => link.Event),
        ];
        Assert.All(paths, path => Assert.Equal([1L, 3, 4, 5, 7, 8, 9], path.Select(committed => committed.Revision.Value)));
        Assert.All(paths[0], committed => Assert.Equal("v3", committed.EventType));
        Assert.Equal(stored.Where(type => type != "other"), paths[0].Select(committed => committed.StoredEventType));
        Assert.Equal(9, (await store.FindLastEventAsync(query))!.Revision.Value);
        Assert.Equal([2L, 6], (await ToListAsync(store.ReadAllAsync(new EventQuery { Condition = present.Negated() })))
            .Select(committed => committed.Revision.Value));

        // The name under which events are stored still finds them, and only them.
        Assert.Equal([3L, 7], (await ToListAsync(store.ReadAllAsync(new EventQuery { EventTypes = ["v2"] })))
            .Select(committed => committed.Revision.Value));

        static JsonNode Next(JsonNode node) => node;
    }

    [Fact, Guarantee("G18", "G19")]
    public async Task Conditions_on_headers_select_in_every_read_of_a_query()
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 0; i < 30; i++)
        {
            var headers = new Dictionary<string, string> { ["k"] = $"{i % 5}" };
            await store.AppendAsync(
                new StreamId($"b{i % 2}", "c", "s"), ExpectedRevision.Any, [new EventMessage($"{i}", i % 3 == 0 ? null : headers)],
                headers: i % 3 == 0 ? headers : null);
        }

        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            var query = new EventQuery { Bucket = "b1", Condition = EventPredicate.Header("k", "3"), Direction = direction };
            string[] expected = direction == ReadDirection.Forward ? ["3", "13", "23"] : ["23", "13", "3"];
            Assert.Equal(expected, (await ToListAsync(store.ReadAllAsync(query))).Select(committed => (string)committed.Body));
            Assert.Equal("23", (await store.FindLastEventAsync(query))!.Body);
            var first = await store.ReadPageAsync(query, 2);
            var second = await store.ReadPageAsync(query, 2, first.Continuation);
            Assert.Equal(expected, first.Events.Concat(second.Events).Select(committed => (string)committed.Body));
            Assert.Null(second.Continuation);
            var other = query with { Condition = EventPredicate.Header("k", "4") };
            await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadPageAsync(other, 2, first.Continuation));
        }
    }

    [Fact, Guarantee("G19", "G39")]
    public async Task A_body_that_a_condition_cannot_read_is_an_error_with_its_place_and_never_left_out()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("stream", ExpectedRevision.Any, ["{\"n\":1}", "s3cret", "{\"n\":1}"]);
        var condition = EventPredicate.Body("/n", ValueComparison.Equal, 1m);
        Func<Task>[] paths =
        [
            () => ToListAsync(store.ReadAllAsync(new EventQuery { Condition = condition })).AsTask(),
            () => ToListAsync(store.ReadAllAsync(new EventQuery { Condition = condition.Negated() })).AsTask(),
            () => store.ReadPageAsync(new EventQuery { Condition = condition }, 10).AsTask(),
            () => store.ReadStreams.CreateAsync("by body", condition).AsTask(),
        ];
        foreach (var path in paths)
        {
            var error = await Assert.ThrowsAsync<EventSerializationException>(path);
            Assert.Contains("'default//stream' at revision 2", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
        }

        // A condition on the type comes first, so that only bodies of that type are read.
        Assert.Empty(await ToListAsync(store.ReadAllAsync(new EventQuery { Condition = EventPredicate.Types("json").And(condition) })));
    }
}

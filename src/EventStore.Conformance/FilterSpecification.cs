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
            Time.Move(TimeSpan.FromSeconds(1));
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
        Time.Move(TimeSpan.FromMicroseconds(10));
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
}

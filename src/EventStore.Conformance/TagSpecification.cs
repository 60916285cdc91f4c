using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Tags come back as given, and events are found by category and tag, in order and without reading what does not match.</summary>
public abstract class TagSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = new("bucket", "category", "stream");

    [Fact, Guarantee("G51")]
    public async Task Tags_come_back_in_order_on_every_read_path_and_after_reopening()
    {
        string[][] tagged =
        [
            [], ["a"], ["b", "a"], ["é", "e\u0301", "É"],
            ["a:b", "a/b", "a%b", "a_b", "*", "?", "[a]", "\\", "'", "\"", "$", ".", " a", "a "],
            ["😀", new string('x', EventTags.MaxBytes)], [.. Enumerable.Range(0, EventTags.MaxCount).Select(i => $"tag-{i:D3}")],
        ];
        foreach (var tags in tagged) await AppendAsync(stream, Tagged(tags));
        await AppendAsync("other", [.. tagged.Select(tags => Tagged(tags))]);
        await ExpectAsync();
        if (!Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens)) return;
        await ReopenAsync();
        await ExpectAsync();

        async Task ExpectAsync()
        {
            Assert.Equal(tagged, (await ReadStreamAsync(stream)).Select(recorded => recorded.Record.Tags));
            Assert.Equal(tagged, (await ReadStreamAsync("other")).Select(recorded => recorded.Record.Tags));
            Assert.Equal(tagged.Concat(tagged), (await ReadAllAsync(pageSize: 3)).Select(recorded => recorded.Record.Tags));
        }
    }

    [Fact, Guarantee("G51")]
    public async Task Tags_that_differ_only_in_form_are_different_and_belong_to_their_bucket_also_after_reopening()
    {
        string[] tags = ["a", "A", "a ", "é", "e\u0301", "ａ"];
        foreach (var bucket in (string[])["one", "two"])
        {
            foreach (var tag in tags) await AppendAsync(new StreamId(bucket, "", "s"), Tagged([tag], $"{bucket}:{tag}"));
        }

        await ExpectAsync();
        if (!Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens)) return;
        await ReopenAsync();
        await ExpectAsync();

        async Task ExpectAsync()
        {
            foreach (var tag in tags)
            {
                var criteria = new EventCriteria(new EventCriterion { Bucket = "two", Tags = [tag] });
                Assert.Equal([$"two:{tag}"], Bodies(await ReadAllAsync(new EventFilter { Criteria = criteria })));
            }

            Assert.Empty(await ReadAllAsync(new EventFilter { Criteria = EventCriteria.Tagged("a") }));
        }
    }

    [Theory, Guarantee("G51", "G16", "G18", "G19")]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(100)]
    public async Task Criteria_select_what_their_meaning_says_in_both_directions_and_any_range(int pageSize)
    {
        string[] categories = ["", "a", "b"], types = ["x", "y"];
        for (var i = 0; i < 60; i++)
        {
            List<string> tags = [];
            if (i % 2 == 0) tags.Add("even");
            if (i % 3 == 0) tags.Add("third");
            if (i % 20 == 0) tags.Add("rare");
            var record = new EventRecord(SequentialGuid.Next(), types[i % 2], Encoding.UTF8.GetBytes($"{i}"), default, tags);
            await AppendAsync(new StreamId(i % 5 == 0 ? "other" : "default", categories[i % 3], $"s{i % 4}"), record, Event($"{i}+"));
        }

        var all = await ReadAllAsync();
        EventCriteria[] cases =
        [
            EventCriteria.Tagged("even"), EventCriteria.Tagged("even", "third"), EventCriteria.Tagged("rare", "none"),
            new(new EventCriterion { Category = "a" }), new(new EventCriterion { Category = "", Types = ["x"] }),
            new(new EventCriterion { Category = "b", Id = "s1" }), new(new EventCriterion { Category = "b", Tags = ["even"] }),
            new(new EventCriterion { Bucket = "other", Tags = ["third"] }, new EventCriterion { Category = "a", Types = ["y"] }),
            new(new EventCriterion { Tags = ["even"] }, new EventCriterion { Tags = ["even", "third"] }),
            new(new EventCriterion { Types = [] }), new(new EventCriterion { Types = ["y"] }), new(new EventCriterion { Id = "s2" }),
            new(new EventCriterion { Category = "missing" }, new EventCriterion { Bucket = "missing", Tags = ["even"] }),
            new(Enumerable.Range(0, EventCriteria.MaxCount).Select(i => new EventCriterion { Category = "a", Id = $"s{i}" })),
        ];
        foreach (var criteria in cases)
        {
            foreach (var (after, upTo) in (ValueTuple<long, long>[])[(0, long.MaxValue), (7, 90), (41, 41), (119, 500)])
            {
                var expected = all.Where(recorded =>
                    recorded.Checkpoint.Value > after && recorded.Checkpoint.Value <= upTo && criteria.Matches(recorded)).ToList();
                var filter = new EventFilter { Criteria = criteria };
                var read = await ReadAllAsync(filter, after, upTo, pageSize: pageSize);
                Assert.True(Bodies(expected).SequenceEqual(Bodies(read)), $"{criteria} after {after} up to {upTo}, forward");
                read = await ReadAllAsync(filter, after, upTo, ReadDirection.Backward, pageSize);
                Assert.True(Bodies(expected).Reverse().SequenceEqual(Bodies(read)), $"{criteria} after {after} up to {upTo}, backward");
            }
        }

        var narrowed = new EventFilter { Criteria = EventCriteria.Tagged("even"), EventTypes = ["x"], Category = "a" };
        Assert.Equal(Bodies(all.Where(recorded => narrowed.Matches(recorded))), Bodies(await ReadAllAsync(narrowed, pageSize: pageSize)));
    }

    [Fact, Guarantee("G8", "G51")]
    public async Task Tags_count_in_the_size_of_a_commit()
    {
        var limits = Engine.Description.Limits;
        Assert.SkipUnless(limits.MaxCommitBytes <= 1 << 20, "The limit is too high to be reached by tags alone.");
        var tags = Enumerable.Range(0, EventTags.MaxCount).Select(i => $"{i:D3}".PadRight(EventTags.MaxBytes, 'x')).ToList();
        var events = Enumerable.Range(0, 1 + (int)(limits.MaxCommitBytes / (EventTags.MaxCount * EventTags.MaxBytes)))
            .Select(_ => Tagged(tags)).ToArray();
        await Assert.ThrowsAsync<TooLargeException>(async () => await CommitAsync(Attempt(stream, ExpectedRevision.Any, events)));
        Assert.Empty(await ReadAllAsync());
    }

    [Fact, Guarantee("G46", "G51")]
    public async Task Deleted_streams_and_buckets_are_found_by_no_criteria()
    {
        foreach (var id in (string[])["kept", "gone"]) await AppendAsync(new StreamId("b", "c", id), Tagged(["t"], id), Tagged([], id));
        await AppendAsync(new StreamId("purged", "c", "s"), Tagged(["t"]));
        await Engine.DeleteStreamAsync(new StreamId("b", "c", "gone"), StreamExpectation.Any);
        await Engine.PurgeBucketAsync("purged");
        Assert.Equal(["kept"], Bodies(await ReadAllAsync(FilterOf(new EventCriterion { Bucket = "b", Tags = ["t"] }))));
        Assert.Equal(["kept", "kept"], Bodies(await ReadAllAsync(FilterOf(new EventCriterion { Bucket = "b", Category = "c" }))));
        Assert.Empty(await ReadAllAsync(FilterOf(new EventCriterion { Bucket = "purged", Tags = ["t"] })));

        static EventFilter FilterOf(EventCriterion criterion) => new() { Criteria = new EventCriteria(criterion) };
    }

    private static EventRecord Tagged(IReadOnlyList<string> tags, string body = "body") =>
        new(SequentialGuid.Next(), "type", Encoding.UTF8.GetBytes(body), default, tags);
}

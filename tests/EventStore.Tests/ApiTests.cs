using System.Text.Json.Serialization;

namespace EventStore.Tests;

/// <summary>Calls of the API behave as they read.</summary>
public sealed partial class ApiTests
{
    private static readonly StreamId Stream = new("order", "42");

    [Fact]
    public void A_condition_that_orders_truth_values_or_null_is_refused_when_it_is_made()
    {
        foreach (var comparison in Enum.GetValues<ValueComparison>())
        {
            var hasOrder = comparison is not (ValueComparison.Equal or ValueComparison.NotEqual);
            foreach (var make in (Func<EventPredicate>[])
                [
                    () => EventPredicate.Body("/a", comparison, true),
                    () => EventPredicate.Body("/a", comparison, (string?)null),
                    () => new EventPredicate.BodyValue("/a", ValueComparison.Equal) with { Comparison = comparison },
                ])
            {
                var error = Record.Exception(make);
                Assert.Equal(hasOrder, error is ArgumentException);
                if (hasOrder) Assert.Contains("Equal or NotEqual", error!.Message, StringComparison.Ordinal);
            }

            Assert.NotNull(EventPredicate.Body("/a", comparison, "text"));
            Assert.NotNull(EventPredicate.Body("/a", comparison, 1m));
        }
    }

    [Fact]
    public async Task Events_are_appended_one_by_one_and_as_collections_with_and_without_an_expected_revision()
    {
        await using var store = await OpenAsync();
        List<Added> list = [new(1), new(2)];
        await store.AppendAsync(Stream, new Added(1));
        await store.AppendAsync(Stream, new Added(1), TestContext.Current.CancellationToken);
        await store.AppendAsync(Stream, new Added(1), new Added(2));
        await store.AppendAsync(Stream, list);
        await store.AppendAsync(Stream, list.ToArray(), TestContext.Current.CancellationToken);
        await store.AppendAsync(Stream, [new Counted(1), new Counted(2)]);
        await store.AppendAsync(Stream, (object)new Counted[] { new(1), new(2) });
        await store.AppendAsync(Stream, ExpectedRevision.StreamExists, new Added(1));
        await store.AppendAsync(Stream, ExpectedRevision.Any, new Added(1), new Added(2));
        await store.AppendAsync(Stream, ExpectedRevision.Any, list, Guid.NewGuid());
        var last = await store.AppendAsync(Stream, ExpectedRevision.Exactly(17), new EventMessage(new Added(1)), commitId: Guid.NewGuid());

        Assert.Equal(18, last.LastRevision.Value);
        var stored = await store.ReadStreamAsync(Stream, cancellationToken: TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal([1, 1, 2, 2, 2, 2, 2, 1, 2, 2, 1], stored.GroupBy(committed => committed.CommitId).Select(commit => commit.Count()));
        Assert.True((await store.FindHeadAsync(Stream, TestContext.Current.CancellationToken))!.Revision == last.LastRevision);
    }

    [Fact]
    public async Task A_collection_or_a_value_of_the_library_is_never_a_body()
    {
        await using var store = await OpenAsync();
        object[] wrong =
        [
            new StreamId("a"), new Revision(1), new Checkpoint(1), new CommitSequence(1), ExpectedRevision.Any, Guid.NewGuid(),
            CancellationToken.None, Task.CompletedTask,
            new List<Added>(), new EventMessage(new Added(1)),
        ];
        Assert.All(wrong, body => Assert.Throws<ArgumentException>(() => new EventMessage(body)));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await store.AppendAsync(Stream, new Added(1), new Added(2), CancellationToken.None));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(Stream, ExpectedRevision.Any));
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.AppendAsync(Stream, new List<Added>()));
        Assert.Null(await store.FindHeadAsync(Stream, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_header_without_a_value_is_named() =>
        Assert.Contains(
            "'trace'",
            Assert.Throws<ArgumentException>(() => new EventMessage("body", new Dictionary<string, string> { ["trace"] = null! })).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task Csharp_ranges_are_read_and_opened()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, [.. Enumerable.Range(1, 600).Select(number => new Added(number))]);

        Assert.Equal([598, 599, 600], await NumbersAsync(store, ^3..));
        Assert.Equal([1, 2, 3], await NumbersAsync(store, 0..3));
        Assert.Equal([600, 599], await NumbersAsync(store, StreamRange.Between(-2) with { Direction = ReadDirection.Backward }));
        Assert.Equal(600, (await NumbersAsync(store, ..)).Count);
        Assert.Empty(await NumbersAsync(store, 600..));
        Assert.Equal(
            [599, 600],
            (
                await store.OpenStreamAsync(
                    Stream,
                    ^2..,
                    TestContext.Current.CancellationToken)).CommittedEvents.Select(committed => ((Added)committed.Body).Number));
    }

    [Fact]
    public async Task A_stream_opened_on_an_empty_range_knows_its_revision()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, new Added(1), new Added(2));
        var opened = await store.OpenStreamAsync(Stream, new StreamRange { From = new Revision(9) }, TestContext.Current.CancellationToken);
        Assert.Equal((2, 1, 0), (opened.Revision.Value, opened.CommitSequence.Value, opened.CommittedEvents.Count));
        opened.Add(new Added(3));
        Assert.Equal(3, (await opened.CommitChangesAsync(cancellationToken: TestContext.Current.CancellationToken)).LastRevision.Value);
    }

    [Fact]
    public async Task A_stream_opened_from_a_snapshot_is_bounded_and_uses_the_requested_schema_version()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, [.. Enumerable.Range(1, 10).Select(number => new Added(number))]);
        await store.Snapshots.SaveAsync(
            new Snapshot<Added>(Stream, new Revision(4), new Added(4), SchemaVersion: 1), TestContext.Current.CancellationToken);
        await store.Snapshots.SaveAsync(
            new Snapshot(Stream, new Revision(8), new Added(8), SchemaVersion: 2), TestContext.Current.CancellationToken);

        var (newest, rest) = await store.OpenFromSnapshotAsync(Stream, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((8, 2), (newest!.Revision.Value, rest.CommittedEvents.Count));
        var (old, more) = await store.OpenFromSnapshotAsync(
            Stream, schemaVersion: 1, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((4, 6), (old!.Revision.Value, more.CommittedEvents.Count));
        var (bounded, some) = await store.OpenFromSnapshotAsync(
            Stream, upTo: new Revision(6), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((4, 2, 6), (bounded!.Revision.Value, some.CommittedEvents.Count, some.Revision.Value));
        Assert.Null(
            (
                await store.OpenFromSnapshotAsync(
                    Stream, schemaVersion: 3, cancellationToken: TestContext.Current.CancellationToken)).Snapshot);
    }

    [Fact]
    public async Task A_commit_decided_on_an_empty_past_conflicts()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, new Added(1), new Added(2));
        StreamRange[] pasts = [new() { AsOf = DateTimeOffset.UnixEpoch }, 0..0, StreamRange.Between(2, 1), new() { To = Revision.None }];
        foreach (var past in pasts)
        {
            var opened = await store.OpenStreamAsync(Stream, past, TestContext.Current.CancellationToken);
            Assert.Equal((0, 0), (opened.Revision.Value, opened.CommittedEvents.Count));
            opened.Add(new Added(3));
            await Assert.ThrowsAsync<ConcurrencyException>(async () => await opened.CommitChangesAsync());
        }
    }

    [Fact]
    public async Task A_token_after_a_collection_and_a_null_in_a_commit_header_are_understood()
    {
        await using var store = await OpenAsync();
        List<Added> list = [new(1), new(2)];
        await store.AppendAsync(Stream, ExpectedRevision.NoStream, list, TestContext.Current.CancellationToken);
        await store.AppendAsync(Stream, ExpectedRevision.Exactly(2), new Added(3), TestContext.Current.CancellationToken);
        var headers = new Dictionary<string, string> { ["trace"] = null! };
        var error = await Assert.ThrowsAsync<ArgumentException>(
            async () => await store.AppendAsync(Stream, ExpectedRevision.Any, new Added(4), headers: headers));
        Assert.Contains("'trace'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_duration_that_no_timer_takes_is_refused_by_name()
    {
        var error = Assert.Throws<InvalidOptionException>(() => new ConsumerOptions { PollInterval = TimeSpan.FromDays(60) }.Validated());
        Assert.Equal(("ConsumerOptions", "PollInterval"), (error.Options, error.Property));
        Assert.Throws<InvalidOptionException>(() => new DispatchOptions { PollInterval = TimeSpan.MaxValue }.Validated());
        Assert.Throws<InvalidOptionException>(() => new ConsumerOptions { FailureAction = (FailureAction)99 }.Validated());
    }

    [Fact]
    public async Task A_part_that_fails_to_close_does_not_keep_the_others_open()
    {
        var lifetime = new Pipeline.StoreLifetime();
        var storage = lifetime.Own(new Part(fails: false));
        lifetime.Own(new Part(fails: true));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await lifetime.EndAsync());
        Assert.True(storage.IsDisposed);
    }

    [Fact]
    public void Events_and_snapshots_can_be_created_in_tests()
    {
        var committed = CommittedEvent.Create(
            Stream, new Revision(3), new Added(7), headers: new Dictionary<string, string> { ["who"] = "me" });
        Assert.Equal(
            (Stream, 3, 3, "Added", "me"),
            (committed.Stream, committed.Revision.Value, committed.Checkpoint.Value, committed.EventType, committed.Headers["who"]));
        Assert.Equal(new Added(7), committed.Body);
        Assert.Equal(new Added(7), new Snapshot<Added>(Stream, new Revision(1), new Added(7)).State);
        Assert.Throws<ArgumentOutOfRangeException>(() => CommittedEvent.Create(Stream, Revision.None, new Added(7)));
    }

    [Fact]
    public async Task A_type_that_the_generated_contracts_lack_is_found_when_the_store_is_built()
    {
        var wireup = Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(
            Contracts.Default, types => types.Register<Added>("added").Register<Counted>("counted"));
        var error = await Assert.ThrowsAsync<WireupException>(async () => await wireup.BuildAsync(TestContext.Current.CancellationToken));
        Assert.Contains("[JsonSerializable(typeof(Counted))]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_start_that_does_not_fit_its_source_is_refused()
    {
        await using var store = await OpenAsync();
        var options = new ConsumerOptions { StartFrom = ConsumerStart.AfterRevision(new Revision(1)) };
        var error = await Assert.ThrowsAsync<InvalidOptionException>(
            async () => await store.Consumers.StartAsync("c", ConsumerSource.Everything, (_, _) => default, options));
        Assert.Contains("AfterCheckpoint", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_description_reads_as_lines()
    {
        await using var store = await OpenAsync();
        var text = store.Describe().ToString();
        Assert.Contains("Serializer:   System.Text.Json", text, StringComparison.Ordinal);
        Assert.DoesNotContain("IReadOnlyList", text, StringComparison.Ordinal);
    }

    private static async Task<List<int>> NumbersAsync(IEventStore store, StreamRange range) =>
        await store.ReadStreamAsync(Stream, range).Select(committed => ((Added)committed.Body).Number).ToListAsync();

    private static ValueTask<IEventStore> OpenAsync() => Wireup.Init().UsingInMemoryPersistence()
        .UsingJsonSerialization(types => types.Register<Added>("added").Register<Counted>("counted").Register<string>("text")).BuildAsync();

    private sealed class Part(bool fails) : IAsyncDisposable
    {
        public bool IsDisposed { get; private set; }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return fails ? throw new InvalidOperationException("part") : default;
        }
    }

    internal sealed record Added(int Number);

    internal readonly record struct Counted(int Number);

    [JsonSerializable(typeof(Added))]
    private sealed partial class Contracts : JsonSerializerContext;
}

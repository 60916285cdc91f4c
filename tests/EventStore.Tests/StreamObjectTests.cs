namespace EventStore.Tests;

/// <summary>Stream objects know where their stream is, decisions are made once, and a page ends where nothing follows.</summary>
public sealed class StreamObjectTests
{
    private static readonly StreamId Stream = "stream";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_range_after_the_last_event_knows_the_revision_of_its_stream_and_one_before_it_conflicts()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, "1", "2", "3", "4", "5");
        StreamRange[] ends =
        [
            new() { From = new Revision(6) }, new() { From = new Revision(6), To = new Revision(9) }, new() { Last = 0 },
            new() { From = new Revision(6), AsOf = TimeProvider.System.GetUtcNow().AddDays(1) }, StreamRange.Between(9, 20), ^0..,
        ];
        foreach (var range in ends)
        {
            var opened = await store.OpenStreamAsync(Stream, range, Token);
            Assert.Equal((5, 5 > 0), (opened.Revision.Value, opened.CommitSequence.Value > 0));
        }

        StreamRange[] pasts =
        [
            new() { From = new Revision(4), To = new Revision(3) }, new() { Last = 0, To = new Revision(4) },
            new() { From = new Revision(6), AsOf = DateTimeOffset.UnixEpoch }, StreamRange.Between(5, -2), 2..2,
        ];
        foreach (var range in pasts)
        {
            var opened = await store.OpenStreamAsync(Stream, range, Token);
            Assert.Equal(0, opened.Revision.Value);
            opened.Add("decided on nothing");
            await Assert.ThrowsAsync<ConcurrencyException>(async () => await opened.CommitChangesAsync());
        }
    }

    [Fact]
    public async Task Events_that_come_between_the_read_and_the_look_at_the_head_are_read()
    {
        var engine = new AppendsBeforeHead(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default));
        await using var store = await Wireup.Init().UsingPersistence(engine)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(Token);
        await store.AppendAsync(Stream, "1", "2");
        engine.Before(() => store.AppendAsync(Stream, "3"));
        var opened = await store.OpenStreamAsync(Stream, new StreamRange { From = new Revision(3) }, Token);
        Assert.Equal((3, "3"), (opened.Revision.Value, Assert.Single(opened.CommittedEvents).Body));
    }

    [Fact]
    public async Task A_decision_whose_commit_is_stored_is_not_made_again()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, "before");
        var (commitId, decisions) = (Guid.NewGuid(), 0);
        var first = await store.TransactAsync(Stream, Decide, commitId: commitId, cancellationToken: Token);
        await store.AppendAsync(Stream, "after");
        var again = await store.TransactAsync(Stream, Decide, commitId: commitId, cancellationToken: Token);
        Assert.Equal(first! with { IsDuplicate = true }, again);
        Assert.Equal((1, 2), (decisions, again!.EventCount));
        Assert.Equal(4, (await store.FindHeadAsync(Stream, Token))!.Revision.Value);

        ValueTask Decide(IEventStream opened, CancellationToken token)
        {
            decisions++;
            opened.Add($"decision {decisions} at {opened.Revision}");
            opened.Add("more");
            return default;
        }
    }

    [Fact]
    public async Task A_message_is_stored_once_in_a_commit()
    {
        await using var store = await OpenAsync();
        var message = new EventMessage("once");
        var error = await Assert.ThrowsAsync<ArgumentException>(
            async () => await store.AppendAsync(Stream, ExpectedRevision.Any, [new EventMessage("other"), message, message]));
        Assert.Contains("Event 2", error.Message, StringComparison.Ordinal);
        var opened = store.CreateStream(Stream);
        opened.Add(message);
        opened.Add(message);
        await Assert.ThrowsAsync<ArgumentException>(async () => await opened.CommitChangesAsync());
        Assert.Null(await store.FindHeadAsync(Stream, Token));
    }

    [Theory]
    [InlineData(ReadDirection.Forward)]
    [InlineData(ReadDirection.Backward)]
    public async Task A_page_after_which_only_hidden_events_follow_has_no_token(ReadDirection direction)
    {
        await using var store = await OpenAsync(new HideSecrets());
        await store.AppendAsync(Stream, [.. Enumerable.Repeat("secret", 600), "1", "2", .. Enumerable.Repeat("secret", 600)]);
        var query = new EventQuery { Direction = direction };
        var all = await store.ReadPageAsync(query, 2, cancellationToken: Token);
        Assert.Equal((2, null), (all.Events.Count, all.Continuation));
        var first = await store.ReadPageAsync(query, 1, cancellationToken: Token);
        var second = await store.ReadPageAsync(query, 1, first.Continuation, Token);
        Assert.NotNull(first.Continuation);
        Assert.Equal((1, null), (second.Events.Count, second.Continuation));
    }

    [Fact]
    public async Task Objects_of_old_types_and_other_names_of_one_type_are_found_by_their_present_name()
    {
        var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        await using (var old = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(
            types => types.Register<OrderShipped>("shipped-1").Register<OrderPlaced>("placed-2019")).BuildAsync(Token))
            await old.AppendAsync(Stream, new OrderShipped("1", DateTimeOffset.UnixEpoch), new OrderPlaced("1", 1));
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(
            types => types.Register<OrderShippedV2>("shipped-2").Register<OrderShipped>("shipped-1")
                .Register<OrderPlaced>("placed").Register<OrderPlaced>("placed-2019"))
            .UpconvertEventsUsing<OrderShipped, OrderShippedV2>(shipped => new(shipped.Id, shipped.At, "unknown")).BuildAsync(Token);
        await store.AppendAsync(Stream, new OrderShippedV2("2", DateTimeOffset.UnixEpoch, "ship"), new OrderPlaced("2", 2));
        Assert.Equal([1L, 3], await FoundAsync("shipped-2"));
        Assert.Equal([2L, 4], await FoundAsync("placed"));
        Assert.Equal([1L], await FoundAsync("shipped-1"));
        var types = await store.ReadStreamAsync(Stream, cancellationToken: Token).Select(each => each.EventType).ToListAsync(Token);
        Assert.Equal(["shipped-2", "placed", "shipped-2", "placed"], types);

        async Task<List<long>> FoundAsync(string type) => await store
            .ReadAllAsync(new EventQuery { EventTypes = [type] }, cancellationToken: Token)
            .Select(each => each.Revision.Value).ToListAsync(Token);
    }

    private static ValueTask<IEventStore> OpenAsync(params IPipelineHook[] hooks) => Wireup.Init().UsingInMemoryPersistence()
        .UsingJsonSerialization(types => types.Register<string>("text")).HookIntoPipelineUsing(hooks).BuildAsync(Token);

    /// <summary>Appends once before the head of a stream is looked up.</summary>
    private sealed class AppendsBeforeHead(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private Func<ValueTask<CommitResult>>? next;

        public void Before(Func<ValueTask<CommitResult>> append) => next = append;

        public override async ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
        {
            if (next is { } append)
            {
                next = null;
                await append();
            }

            return await base.FindHeadAsync(stream, cancellationToken);
        }
    }
}

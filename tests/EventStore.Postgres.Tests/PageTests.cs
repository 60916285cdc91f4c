using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>Pages are bounded by bytes, whatever the sizes of their events; and what reading rests on in a session.</summary>
public sealed class PageTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();
    private string address = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => address = await TestSchema.AddressAsync();

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Fact(Timeout = 120_000)]
    public async Task A_page_holds_as_many_events_as_its_bytes_allow_whatever_their_sizes()
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        var random = new Random(4711);
        int[] sizes = [0, 100, 1_000, 1_025, 8_192, 8_193, 60_000, 300_000];
        for (var i = 0; i < 20; i++)
        {
            var events = Enumerable.Range(0, 5)
                .Select(_ => new EventRecord(SequentialGuid.Next(), "type", RandomBytes(random, sizes), RandomBytes(random, sizes[..5])));
            await engine.CommitAsync(new CommitAttempt("stream", SequentialGuid.Next(), [.. events]));
        }

        var all = await engine.ReadAllAsync();
        Assert.Equal(100, all.Count);
        foreach (var direction in Enum.GetValues<ReadDirection>())
        {
            foreach (var limit in (PageLimit[])[new(1, 1), new(100, 1), new(7, 20_000), new(64, 512 << 10), new(100, 64 << 20)])
            {
                foreach (var start in (int[])[1, 13, 100])
                {
                    var expected = new PageBuilder(limit);
                    var asked = direction == ReadDirection.Forward ? all.Skip(start - 1) : all.Take(start).Reverse();
                    foreach (var recorded in asked) expected.TryAdd(recorded);
                    var (from, to) = direction == ReadDirection.Forward ? (start, long.MaxValue) : (1, start);
                    var ofStream = await engine.ReadStreamAsync(
                        new StreamRead("stream", new Revision(from), new Revision(to), direction, limit), Token);
                    var ofStore = await engine.ReadAllAsync(
                        new StoreRead(EventFilter.Everything, new Checkpoint(from - 1), new Checkpoint(to), direction, limit), Token);
                    RequireEqual(expected.Events, ofStream.Events);
                    RequireEqual(expected.Events, ofStore.Events);
                    Assert.Equal(expected.Count == asked.Count(), ofStream.IsEnd);
                    if (!ofStore.IsEnd) Assert.Equal(expected.Events.Span[^1].Checkpoint, ofStore.Position);
                }
            }
        }
    }

    // Heads are read before rows. Taking them back is what a commit between the two looks like.
    [Fact]
    public async Task A_page_that_ends_inside_a_commit_that_came_between_head_and_rows_is_not_the_end()
    {
        await using var writing = await TestStores.OpenEngineAsync(address, schema.Options);
        await writing.CommitAsync(new CommitAttempt("stream", SequentialGuid.Next(),
            [.. Enumerable.Range(0, 3).Select(_ => new EventRecord(SequentialGuid.Next(), "type", "body"u8.ToArray()))]));
        await schema.RunAsync("UPDATE {schema}.store SET last_checkpoint = 0");

        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        var limit = new PageLimit(2, 1 << 20);
        var ofStore = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, limit), Token);
        Assert.Equal((2, 2L, 3L, false), (ofStore.Events.Length, ofStore.Position.Value, ofStore.Head.Value, ofStore.IsEnd));
    }

    [Fact]
    public async Task A_connection_that_was_used_before_keeps_its_settings_and_its_prepared_statements()
    {
        await using var connections = PostgresConnections.To(PostgresConnections.Complete(address + ";Maximum Pool Size=1"));
        for (var i = 0; i < 3; i++) Assert.Equal("force_generic_plan off off",
            await AskAsync(
            "SELECT concat_ws(' ', current_setting('plan_cache_mode'), current_setting('enable_seqscan'), current_setting('jit'))"));
        Assert.Equal(1L, await AskAsync(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%current_setting%' AND statement NOT LIKE '%pg_prepared%'"));

        Task<object?> AskAsync(string statement) => connections.AskAsync("ask", (connection, token) =>
            new NpgsqlCommand(statement, connection).ExecuteScalarAsync(token), Token).AsTask();
    }

    [Fact]
    public void What_a_connection_string_says_holds_against_what_suits_the_store()
    {
        var complete = new NpgsqlConnectionStringBuilder(PostgresConnections.Complete("Host=here;Max Auto Prepare=0;ApplicationName=mine"));
        Assert.Equal((0, "mine", true), (complete.MaxAutoPrepare, complete.ApplicationName, complete.NoResetOnClose));
    }

    private static byte[] RandomBytes(Random random, int[] sizes)
    {
        var bytes = new byte[sizes[random.Next(sizes.Length)]];
        random.NextBytes(bytes);
        return bytes;
    }

    private static void RequireEqual(ReadOnlyMemory<RecordedEvent> expected, ReadOnlyMemory<RecordedEvent> actual)
    {
        Assert.Equal(expected.ToArray().Select(recorded => recorded.Checkpoint), actual.ToArray().Select(recorded => recorded.Checkpoint));
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(expected.Span[i].Record.Body.Span.SequenceEqual(actual.Span[i].Record.Body.Span));
            Assert.True(expected.Span[i].Record.Headers.Span.SequenceEqual(actual.Span[i].Record.Headers.Span));
        }
    }
}

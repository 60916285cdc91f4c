using System.Diagnostics;
using System.Globalization;
using EventStore.TestSupport;

namespace EventStore.Postgres.Tests;

/// <summary>Several processes on one store.</summary>
public sealed class ProcessTests : IAsyncLifetime
{
    private readonly TestSchema schema = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync() => schema.DisposeAsync();

    [Fact(Timeout = 120_000)]
    public async Task Ten_processes_may_make_the_store_at_once()
    {
        var address = await TestSchema.AddressAsync();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => OtherProcess.StartAsync(OtherProcess.Opens, address, schema.Options)));
        Assert.Equal(1L, await schema.RunAsync("SELECT count(*) FROM {schema}.store"));
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options, mayCreate: false);
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.NoStream))).Kind);
    }

    [Fact(Timeout = 300_000)]
    public async Task Readers_are_offered_every_event_in_order_while_sixteen_writers_commit_in_four_processes()
    {
        var address = await TestSchema.AddressAsync();
        var duration = TimeSpan.FromSeconds(LongRun.IsAskedFor ? 30 : 4);
        await using (await TestStores.OpenEngineAsync(address, schema.Options))
        {
        }

        var writing = Task.WhenAll(Enumerable.Range(0, 4)
            .Select(_ => OtherProcess.StartAsync(OtherProcess.Writes, address, schema.Options, duration)));
        var reading = Task.WhenAll(Enumerable.Range(0, 4).Select(reader => Task.Run(() => FollowAsync(address, reader, writing))));
        var committed = (await writing).SelectMany(lines => lines).Select(line => line.Split(' ')).SelectMany(words =>
            Enumerable.Range(0, int.Parse(words[1], CultureInfo.InvariantCulture))
                .Select(i => long.Parse(words[0], CultureInfo.InvariantCulture) + i)).Order().ToList();
        foreach (var offered in await reading) Assert.Equal(committed, offered);
        Assert.Equal(Enumerable.Range(1, committed.Count).Select(i => (long)i), committed);
        TestContext.Current.TestOutputHelper!.WriteLine($"{committed.Count} events in {duration.TotalSeconds} s");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_commit_of_another_process_wakes_waiting_callers_also_after_their_connection_was_cut()
    {
        var address = await TestSchema.AddressAsync();
        await using var waiting = await TestStores.OpenEngineAsync(address, schema.Options);
        await using var committing = await TestStores.OpenEngineAsync(address, schema.Options);
        for (var round = 0; round < 3; round++)
        {
            var before = new Checkpoint(round);
            var wait = waiting.WaitForCommitsAsync(before, TimeSpan.FromMinutes(5)).AsTask();
            await UntilListeningAsync();
            Assert.False(wait.IsCompleted);
            await committing.CommitAsync(TestStores.Attempt("stream", ExpectedRevision.Exactly(round)));
            await wait;
            await CutListenersAsync();
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_notices_nothing_listens_and_the_description_says_so()
    {
        var address = await TestSchema.AddressAsync();
        var options = new PostgresOptions { Schema = schema.Options.Schema, UseNotifications = false };
        await using var engine = await TestStores.OpenEngineAsync(address, options);
        Assert.False(engine.Description.Capabilities.HasFlag(EngineCapabilities.WakesAcrossProcesses));
        var started = Stopwatch.GetTimestamp();
        await engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMilliseconds(50));
        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromMilliseconds(30));
    }

    // The listening connection asked last for the store's row; no other one does so in this schema once it is open.
    private string Listeners =>
        "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT schema_version, last_checkpoint%' AND query LIKE "
            + $"'%{schema.Options.Schema[5..^1]}%'";

    private async Task UntilListeningAsync()
    {
        while (!true.Equals(await schema.RunAsync($"SELECT EXISTS (SELECT {Listeners} AND wait_event = 'ClientRead')"))) await Task.Delay(
            20);
    }

    private Task CutListenersAsync() => schema.RunAsync($"SELECT count(pg_terminate_backend(pid)) {Listeners}");

    private async Task<List<long>> FollowAsync(string address, int reader, Task<string[][]> writing)
    {
        await using var engine = await TestStores.OpenEngineAsync(address, schema.Options);
        var (offered, after) = (new List<long>(), default(Checkpoint));
        while (true)
        {
            var isLast = writing.IsCompleted;
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward,
                new PageLimit(reader % 2 == 0 ? 50 : 5_000, 8 << 20)));
            foreach (var recorded in page.Events.ToArray()) offered.Add(recorded.Checkpoint.Value);
            after = page.Position;
            if (!page.IsEnd) continue;
            if (isLast) return offered;
            await engine.WaitForCommitsAsync(after, TimeSpan.FromMilliseconds(50));
        }
    }
}

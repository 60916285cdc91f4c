using System.Collections.Concurrent;
using System.Globalization;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Every commit reaches the bus at least once and in order, whatever fails; what was not dispatched can be listed and marked.
/// </summary>
public abstract class DispatchSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private readonly ConcurrentQueue<string> bus = new();

    [Fact(Timeout = Minute), Guarantee("G26", "G30")]
    public async Task Synchronous_dispatch_is_done_before_the_commit_returns()
    {
        await using var store = await Wire().UsingSynchronousDispatchScheduler().DispatchTo(
            (Commit commit, CancellationToken _) => Take(commit)).BuildAsync();
        for (var i = 1; i <= 50; i++)
        {
            await store.AppendAsync($"stream-{i % 3}", $"{i}");
            Assert.Equal(i, bus.Count);
        }

        Assert.Equal(Enumerable.Range(1, 50).Select(i => $"{i}"), bus);
        Assert.Equal(0, (await store.Dispatch.GetStatusAsync()).Backlog);
    }

    [Fact(Timeout = Minute), Guarantee("G30")]
    public async Task A_failing_bus_does_not_fail_a_synchronous_commit_and_is_tried_again()
    {
        var failures = 3;
        await using var store = await Wire().UsingSynchronousDispatchScheduler(Quick)
            .DispatchTo(
                (Commit commit, CancellationToken _) => Interlocked.Decrement(ref failures) >= 0
                    ? throw new InvalidOperationException("bus")
                    : Take(commit)).BuildAsync();
        Assert.Equal(1, (await store.AppendAsync("stream", "1")).LastRevision.Value);
        Assert.Equal(2, (await store.AppendAsync("stream", "2")).LastRevision.Value);
        await UntilAsync(() => bus.Count == 2);
        Assert.Equal(["1", "2"], bus);
    }

    [Fact(Timeout = Minute), Guarantee("G30")]
    public async Task Asynchronous_commits_never_wait_for_the_bus()
    {
        var open = new TaskCompletionSource();
        await using var store = await Wire().UsingAsynchronousDispatchScheduler(Quick)
            .DispatchTo(async (Commit commit, CancellationToken _) =>
        {
            await open.Task;
            await Take(commit);
        }).BuildAsync();
        for (var i = 0; i < 300; i++) await store.AppendAsync("stream", $"{i}");
        Assert.Empty(bus);
        open.SetResult();
        await UntilAsync(() => bus.Count == 300);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), bus);
    }

    [Fact(Timeout = Minute), Guarantee("G27")]
    public async Task A_failed_commit_is_retried_with_growing_waits_before_any_later_one()
    {
        var (tries, waits) = (0, new List<TimeSpan>());
        var log = new CollectsLogs();
        await using var store = await Wire().UsingLoggerFactory(log).UsingAsynchronousDispatchScheduler(Quick)
            .DispatchTo((Commit commit, CancellationToken _) =>
            (string)commit.Events[0].Body == "2" && Interlocked.Increment(ref tries) <= 4
                ? throw new InvalidOperationException("bus")
                : Take(commit)).BuildAsync();
        for (var i = 1; i <= 4; i++) await store.AppendAsync("stream", $"{i}");
        await UntilAsync(() => bus.Count == 4);
        Assert.Equal(["1", "2", "3", "4"], bus);

        // The logged waits; the measured ones depend on how busy the machine is.
        const string Said = "next try in ";
        foreach (var line in log.Lines.Where(line => line.Contains(Said, StringComparison.Ordinal)))
            waits.Add(
                TimeSpan.Parse(
                    line[(line.IndexOf(Said, StringComparison.Ordinal) + Said.Length)..].Split(' ')[0], CultureInfo.InvariantCulture));
        Assert.Equal(4, waits.Count);
        Assert.Equal(waits.Order().Distinct(), waits);
    }

    [Fact(Timeout = Minute), Guarantee("G26", "G28")]
    public async Task Undispatched_commits_are_dispatched_first_after_a_restart_in_order()
    {
        await using (var first = await Wire().BuildAsync())
        {
            for (var i = 1; i <= 3; i++) await first.AppendAsync("stream", $"{i}");
        }

        await using var second = await Wire().UsingAsynchronousDispatchScheduler(Quick).Startup(DispatchStartup.Explicit).DispatchTo(
            (Commit commit, CancellationToken _) => Take(commit)).BuildAsync();
        await second.AppendAsync("other", "4");
        Assert.Empty(bus);
        await second.Dispatch.StartAsync();
        await second.AppendAsync("stream", "5");
        await UntilAsync(() => bus.Count == 5);
        Assert.Equal(["1", "2", "3", "4", "5"], bus);
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G26")]
    public async Task A_crash_at_any_moment_between_commit_dispatch_and_mark_loses_nothing()
    {
        await using (var store = await Wire().BuildAsync())
        {
            for (var i = 0; i < 60; i++) await store.AppendAsync($"stream-{i % 5}", $"{i}");
        }

        // A store whose engine refuses documents counts as crashed: what it dispatched is not written.
        for (var crash = 0; crash < 6; crash++)
        {
            var dying = new ForgetsDocuments(Engine, puts: crash);
            await using var store = await Wire(dying)
                .UsingAsynchronousDispatchScheduler(options =>
                {
                    Quick(options);
                    options.CommitsPerProgressWrite = 3;
                    options.LeaseTerm = TimeSpan.FromMilliseconds(150);
                })
                .DispatchTo((Commit commit, CancellationToken _) => Take(commit)).BuildAsync();
            await dying.Refused;
        }

        await using var last = await Wire()
            .UsingAsynchronousDispatchScheduler(options => { Quick(options); options.LeaseTerm = TimeSpan.FromMilliseconds(150); })
            .DispatchTo((Commit commit, CancellationToken _) => Take(commit)).BuildAsync();
        await UntilAsync(async () => (await last.Dispatch.GetStatusAsync()).Backlog == 0);
        Assert.Equal(Enumerable.Range(0, 60).Select(i => $"{i}").Order(), bus.Distinct().Order());
    }

    [Fact(Timeout = Minute), Guarantee("G27")]
    public async Task In_parallel_each_stream_keeps_its_order_while_many_threads_commit_and_the_bus_fails_at_times()
    {
        var calls = 0;
        await using var store = await Wire().UsingAsynchronousDispatchScheduler(options => { Quick(options); options.Parallelism = 8; })
            .DispatchTo(async (Commit commit, CancellationToken _) =>
        {
            for (var hops = Random.Shared.Next(3); hops > 0; hops--) await Task.Yield();
            if (Interlocked.Increment(ref calls) % 17 == 0) throw new InvalidOperationException("bus");
            foreach (var committed in commit.Events) bus.Enqueue($"{committed.Stream.Id}:{committed.Revision}");
        }).BuildAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < 24; i++) await store.AppendAsync($"stream-{i % 4}", ExpectedRevision.Any, ["a", "b"]);
        })));
        await UntilAsync(() => bus.Count >= 384);
        await UntilAsync(async () => (await store.Dispatch.GetStatusAsync()).Backlog == 0);
        foreach (var stream in bus.GroupBy(entry => entry.Split(':')[0]))
            Assert.Equal(Range(1, 96), stream.Select(entry => long.Parse(entry.Split(':')[1])));
    }

    [Fact(Timeout = Minute), Guarantee("G27", "G31")]
    public async Task A_commit_that_keeps_failing_is_parked_if_configured_listed_and_dispatched_later()
    {
        var isBroken = true;
        await using var store = await Wire()
            .UsingAsynchronousDispatchScheduler(options => { Quick(options); options.ParkAfterFailures = 3; })
            .DispatchTo((CommittedEvent committed, CancellationToken _) =>
            {
                if (isBroken && (string)committed.Body == "bad") throw new InvalidOperationException("bus");
                bus.Enqueue((string)committed.Body);
                return default;
            }).BuildAsync();
        await store.AppendAsync("stream", ExpectedRevision.Any, ["good", "bad", "fine"]);
        await UntilAsync(async () => (await store.Dispatch.GetStatusAsync()) is { Parked: 1, Backlog: 0 });
        Assert.Equal(["good", "fine"], bus);
        Assert.Equal(["bad"], await TextsAsync(store.Dispatch.GetParkedAsync()));
        Assert.Equal(["bad"], await TextsAsync(store.Dispatch.GetUndispatchedAsync()));

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await store.Dispatch.ReplayParkedAsync());
        isBroken = false;
        Assert.Equal(1, await store.Dispatch.ReplayParkedAsync());
        Assert.Equal(0, (await store.Dispatch.GetStatusAsync()).Parked);
        Assert.Equal(["good", "fine", "bad"], bus);
    }

    [Fact(Timeout = Minute), Guarantee("G31")]
    public async Task Undispatched_events_are_listed_by_filter_and_marks_are_idempotent_and_survive_a_restart()
    {
        await using (var store = await Wire().BuildAsync())
        {
            for (var i = 0; i < 6; i++)
                await store.AppendAsync(
                    new StreamId(i % 2 == 0 ? "even" : "odd", i < 3 ? "low" : "high", $"{i}"), ExpectedRevision.Any, [$"{i}a", $"{i}b"]);
            Assert.Equal(12, (await TextsAsync(store.Dispatch.GetUndispatchedAsync())).Length);
            Assert.Equal(
                ["0a", "0b", "2a", "2b"],
                await TextsAsync(store.Dispatch.GetUndispatchedAsync(new EventFilter { Bucket = "even", Category = "low" })));

            var events = await ToListAsync(store.Dispatch.GetUndispatchedAsync());
            await store.Dispatch.MarkAsDispatchedAsync(events[4..6]);
            await store.Dispatch.MarkAsDispatchedAsync(events[4..6]);
            await store.Dispatch.MarkAsDispatchedAsync(new HashSet<Guid> { events[0].EventId, Guid.NewGuid() });
            await store.Dispatch.MarkCommitsAsDispatchedAsync(new HashSet<Guid> { events[11].CommitId, Guid.NewGuid() });
        }

        await using var later = await Wire().BuildAsync();
        Assert.Equal(["0b", "1a", "1b", "3a", "3b", "4a", "4b"], await TextsAsync(later.Dispatch.GetUndispatchedAsync()));
        Assert.Equal(7, (await later.Dispatch.GetStatusAsync()).Backlog);
        await later.Dispatch.MarkAsDispatchedAsync(await ToListAsync(later.ReadAllAsync()));
        Assert.Empty(await TextsAsync(later.Dispatch.GetUndispatchedAsync()));
        await later.AppendAsync("new", "new");
        Assert.Equal(["new"], await TextsAsync(later.Dispatch.GetUndispatchedAsync()));
    }

    [Fact(Timeout = Minute), Guarantee("G27", "G31")]
    public async Task A_commit_that_keeps_failing_can_be_marked_or_deleted()
    {
        await using var store = await Wire().UsingAsynchronousDispatchScheduler(Quick)
            .DispatchTo(
                (Commit commit, CancellationToken _) => commit.Stream.Id.StartsWith("bad", StringComparison.Ordinal)
                    ? throw new InvalidOperationException("bus")
                    : Take(commit)).BuildAsync();
        var marked = await store.AppendAsync("bad-1", "x");
        await store.AppendAsync("bad-2", "x");
        await store.AppendAsync("good", "1");
        await UntilAsync(async () => (await store.Dispatch.GetStatusAsync()).ConsecutiveFailures > 0);
        await store.Dispatch.MarkCommitsAsDispatchedAsync(new HashSet<Guid> { marked.CommitId });
        await store.DeleteStreamAsync("bad-2");
        await store.Dispatch.WaitUntilDispatchedAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["1"], bus);
        Assert.Equal(0, (await store.Dispatch.GetStatusAsync()).ConsecutiveFailures);
    }

    [Fact(Timeout = Minute), Guarantee("G26", "G46")]
    public async Task Waiting_until_all_is_dispatched_ends_when_the_newest_events_were_deleted()
    {
        await using var store = await Wire().UsingAsynchronousDispatchScheduler(Quick).DispatchTo(
            (Commit commit, CancellationToken _) => Take(commit)).BuildAsync();
        for (var i = 0; i < 30; i++) await store.AppendAsync($"stream-{i % 3}", $"{i}");
        await store.DeleteStreamAsync("stream-2");
        await store.Dispatch.WaitUntilDispatchedAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, (await store.Dispatch.GetStatusAsync()).Backlog);
        Assert.Superset(Enumerable.Range(0, 30).Where(i => i % 3 != 2).Select(i => $"{i}").ToHashSet(), bus.ToHashSet());
    }

    [Fact, Guarantee("G31")]
    public async Task A_store_that_does_not_track_dispatch_lists_nothing_and_ignores_marks()
    {
        await using var store = await Wire().DoNotDispatchCommits().BuildAsync();
        await store.AppendAsync("stream", "x");
        Assert.Empty(await TextsAsync(store.Dispatch.GetUndispatchedAsync()));
        await store.Dispatch.MarkAsDispatchedAsync(await ToListAsync(store.ReadAllAsync()));
        Assert.Null(await Engine.FindDocumentAsync("dispatch"));
    }

    [Fact(Timeout = 3 * Minute), Guarantee("G28")]
    public async Task A_backlog_of_many_thousands_is_dispatched_in_order_with_bounded_memory()
    {
        var count = IsLongRun ? 100_000 : 10_000;
        for (var i = 0; i < count; i += 500)
            await Engine.CommitAsync(
                [
                    .. Enumerable.Range(i, 500).Select(
                        n => Attempt($"stream-{n % 50}", ExpectedRevision.Any, Event($"{n}", TextSerializer.TypeName))),
                ]);
        var next = 0;
        await using var store = await Wire().UsingAsynchronousDispatchScheduler().DispatchTo((Commit commit, CancellationToken _) =>
        {
            Assert.Equal($"{next++}", commit.Events[0].Body);
            return default;
        }).BuildAsync();
        await UntilAsync(() => Volatile.Read(ref next) == count);
    }

    private static void Quick(DispatchOptions options)
    {
        options.FirstRetryDelay = TimeSpan.FromMilliseconds(5);
        options.MaxRetryDelay = TimeSpan.FromMilliseconds(500);
        options.PollInterval = TimeSpan.FromMilliseconds(50);
    }

    private ValueTask Take(Commit commit)
    {
        foreach (var committed in commit.Events) bus.Enqueue((string)committed.Body);
        return default;
    }

    private static async Task<string[]> TextsAsync(IAsyncEnumerable<CommittedEvent> events) =>
        [.. (await ToListAsync(events)).Select(committed => (string)committed.Body)];
}

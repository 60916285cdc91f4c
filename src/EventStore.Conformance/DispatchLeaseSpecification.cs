using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>One of several processes on one store dispatches at a time, and when it dies another takes over.</summary>
public abstract class DispatchLeaseSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private static readonly TimeSpan Term = TimeSpan.FromSeconds(20);
    private readonly ConcurrentQueue<(string Who, string What)> bus = new();
    private readonly ConcurrentDictionary<string, int> looks = new();

    [Fact(Timeout = Minute), Guarantee("G29")]
    public async Task While_the_holder_lives_every_commit_is_dispatched_once()
    {
        IEventStore[] stores = [await BuildAsync("first"), await BuildAsync("second"), await BuildAsync("third")];
        await Task.WhenAll(stores.Select((store, who) => Task.Run(async () =>
        {
            for (var i = 0; i < 40; i++) await store.AppendAsync("stream", $"{who}.{i}");
        })));
        await UntilAsync(() => bus.Count >= 120);
        await PassTermsAsync();

        Assert.Equal(120, bus.Count);
        Assert.Equal(["first"], bus.Select(entry => entry.Who).Distinct());
        Assert.Equal(
            (await ToListAsync(stores[0].ReadAllAsync())).Select(committed => (string)committed.Body), bus.Select(entry => entry.What));
        foreach (var store in stores) await store.DisposeAsync();
    }

    [Fact(Timeout = Minute), Guarantee("G29")]
    public async Task A_holder_that_ends_hands_over_at_once_and_nothing_is_dispatched_twice()
    {
        var first = await BuildAsync("first");
        await using var second = await BuildAsync("second");
        await first.AppendAsync("stream", "1");
        await UntilAsync(() => bus.Count == 1);
        await first.DisposeAsync();
        await second.AppendAsync("stream", "2");
        await UntilAsync(() => bus.Count == 2);
        Assert.Equal([("first", "1"), ("second", "2")], bus);
    }

    [Fact(Timeout = Minute), Guarantee("G26", "G29")]
    public async Task A_holder_that_stops_renewing_is_replaced_after_its_term_and_can_no_longer_write()
    {
        var dying = new ForgetsDocuments(Engine, puts: int.MaxValue);
        await using var first = await BuildAsync("first", dying);
        await using var second = await BuildAsync("second");
        await first.AppendAsync("stream", "1");
        await UntilAsync(() => bus.Count == 1);
        await UntilAsync(async () => (await second.Dispatch.GetStatusAsync()).Backlog == 0);

        dying.StopTaking();
        await second.AppendAsync("stream", "2");
        await UntilAsync(async () => (await second.Dispatch.GetStatusAsync()) is { IsDispatchingHere: true, Backlog: 0 }, Term / 3);
        await second.AppendAsync("stream", "3");
        await UntilAsync(() => bus.Contains(("second", "3")));

        // The first continues, finds that it was replaced, and does not change the progress.
        dying.TakeAgain();
        await UntilAsync(async () => !(await first.Dispatch.GetStatusAsync()).IsDispatchingHere, Term / 3);
        Assert.True((await second.Dispatch.GetStatusAsync()) is { IsDispatchingHere: true, Backlog: 0 });
        Assert.DoesNotContain(("first", "3"), bus);
    }

    [Fact(Timeout = Minute), Guarantee("G29")]
    public async Task What_a_holder_wrote_before_it_was_replaced_and_arrives_after_is_refused()
    {
        var delaying = new DelaysDocuments(Engine);
        await using var first = await BuildAsync("first", delaying);
        await using var second = await BuildAsync("second");
        await first.AppendAsync("stream", "1");
        await UntilAsync(() => bus.Count == 1);

        delaying.Hold();
        await second.AppendAsync("stream", "2");
        await UntilAsync(async () => (await second.Dispatch.GetStatusAsync()) is { IsDispatchingHere: true, Backlog: 0 }, Term / 3);
        Assert.True(
            await delaying.ReleaseAsync() is null, "a document was written at a version that another process had replaced long before");
        await UntilAsync(async () => !(await first.Dispatch.GetStatusAsync()).IsDispatchingHere);
        Assert.True((await second.Dispatch.GetStatusAsync()) is { IsDispatchingHere: true, Backlog: 0 });
    }

    [Fact(Timeout = Minute), Guarantee("G29")]
    public async Task Clocks_that_disagree_by_hours_change_nothing()
    {
        var first = await BuildAsync("first");
        Time.Jump(TimeSpan.FromHours(5));
        var second = await BuildAsync("second");
        Time.Jump(TimeSpan.FromHours(-10));
        for (var i = 0; i < 20; i++) await second.AppendAsync("stream", $"{i}");
        await UntilAsync(() => bus.Count == 20);
        await PassTermsAsync();
        Assert.Equal(["first"], bus.Select(entry => entry.Who).Distinct());
        Assert.Equal(20, bus.Count);
        await first.DisposeAsync();
        await second.DisposeAsync();
    }

    // Lets two terms pass, in small steps. After each step every store has read the lease; within four steps the holder renews it.
    private async Task PassTermsAsync()
    {
        for (var signs = 0; signs < 6; signs++)
        {
            var shown = await DocumentAsync("dispatch");
            for (var step = 0; step < 4; step++)
            {
                var before = looks.ToDictionary(look => look.Key, look => look.Value);
                Time.Advance(Term / 12);
                await UntilAsync(() => before.All(look => look.Key == "first" || looks[look.Key] > look.Value + 1));
            }

            await UntilAsync(async () => (await DocumentAsync("dispatch")).Version != shown.Version);
        }
    }

    private ValueTask<IEventStore> BuildAsync(string who, IPersistenceEngine? engine = null) =>
        Wire(new ReportsReads(engine ?? Engine, () => looks.AddOrUpdate(who, 1, (_, count) => count + 1)))
        .UsingAsynchronousDispatchScheduler(options => { options.LeaseTerm = Term; options.PollInterval = TimeSpan.FromMilliseconds(50); })
        .DispatchTo((Commit commit, CancellationToken _) =>
        {
            foreach (var committed in commit.Events) bus.Enqueue((who, (string)committed.Body));
            return default;
        }).BuildAsync();
}

using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Random lives of a store with consumers of every kind, subscriptions, a read stream and dispatch, against a plain list of what was
/// appended. A failure prints its seed and what was done.
/// </summary>
public abstract class DeliveryModelSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Hour = 3_600_000;
    private const int LongLives = 50;

    [Theory(Timeout = Hour), InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    [Guarantee("G26", "G27", "G32", "G33", "G35", "G36", "G37", "G39", "G46")]
    public async Task Every_reader_is_given_every_event_in_order_whatever_happens_to_streams_and_readers(int seed)
    {
        for (var life = 0; life < (IsLongRun ? LongLives : 1); life++) await LiveAsync(seed + (100 * life), plan: null);
    }

    [Theory(Timeout = Hour), InlineData(1), InlineData(2), Guarantee("G26", "G27", "G32", "G33", "G39")]
    public async Task Every_reader_is_given_every_event_in_order_although_calls_of_the_engine_fail(int seed)
    {
        for (var life = 0; life < (IsLongRun ? LongLives : 1); life++)
        {
            var random = new Random(seed + (100 * life));
            EngineFailure[] failures =
                [EngineFailure.Unavailable, EngineFailure.LostAfter, EngineFailure.LostBefore, EngineFailure.Slow];
            random.Shuffle(failures);
            await LiveAsync(seed + (100 * life), new FailurePlan(random.Next(3, 12), failures));
        }
    }

    private async Task LiveAsync(int seed, FailurePlan? plan)
    {
        await using var backend = new TBackend();
        await using var engine = await backend.OpenAsync(new EngineContext(Time, NullLoggerFactory.Instance));
        await engine.InitializeAsync();
        var failing = plan is null ? null : new FailingEngine(engine, plan, Time);
        var life = new DeliveryLife(seed, engine, failing, life => BuildAsync(failing ?? engine, life));
        try
        {
            await life.RunAsync();
        }
        catch (Exception error)
        {
            var failures = plan is null ? "" : $", one call in {plan.Every} fails: {string.Join(", ", plan.Failures)}";
            Assert.Fail(
                $"seed {seed}{failures}: {error.GetType().Name}: {error.Message}\nwhat was done:\n{life.History}\n{error.StackTrace}");
        }
    }

    private ValueTask<IEventStore> BuildAsync(IPersistenceEngine engine, DeliveryLife life) =>
        Wire(engine).UsingAsynchronousDispatchScheduler(options => options.PollInterval = TimeSpan.FromMilliseconds(100))
            .DispatchTo(life.Dispatch).BuildAsync();
}

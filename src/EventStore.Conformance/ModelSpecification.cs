using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Random operations on the engine and on a plain model; every result must agree. A failure prints its seed and the shortest
/// history that still fails.
/// </summary>
public abstract class ModelSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int TenMinutes = 600_000;

    [Theory(Timeout = TenMinutes)]
    [Guarantee(
        "G3", "G4", "G5", "G6", "G7", "G9", "G13", "G15", "G16", "G19", "G21", "G22", "G23", "G24", "G25", "G46", "G51", "G52", "G54",
        "G55", "G56")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_engine_agrees_with_the_model_over_thousands_of_random_operations(int seed)
    {
        var random = new Random(seed);
        ModelOperation[] history = [.. Enumerable.Range(0, IsLongRun ? 10_000 : 1_200).Select(_ => ModelOperation.Draw(random))];
        if (await FindDisagreementAsync(history) is not { } first) return;

        var (shortest, disagreement) = await ShortenAsync(history[..(first.Index + 1)], first.Message);
        Assert.Fail(
            $"seed {seed}: {disagreement}\nshortest history found:\n{string.Join('\n', shortest.Select(operation => "  " + operation))}");
    }

    [Fact(Timeout = TenMinutes), Guarantee("G9", "G14", "G15")]
    public async Task Several_writers_with_a_model_each_and_readers_of_everything_agree()
    {
        var tasks = Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            var random = new Random(100 + writer);
            var run = new ModelRun(Engine, $"writer-{writer}", isAlone: false);
            for (var i = 0; i < (IsLongRun ? 3000 : 300); i++) await run.ApplyAsync(ModelOperation.Draw(random, isAlone: false));
        })).ToList();
        var writing = Task.WhenAll(tasks);
        var seen = new HashSet<long>();
        Checkpoint after = new Checkpoint(0);
        while (!writing.IsCompleted)
        {
            var page = await Engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(64, 1 << 20)));
            foreach (var recorded in page.Events.ToArray()) Assert.True(recorded.Checkpoint > after && seen.Add(recorded.Checkpoint.Value));
            after = page.Position;
        }

        await writing;
        var all = await ReadAllAsync();
        Assert.All(all.Where(recorded => recorded.Checkpoint <= after), recorded => Assert.Contains(recorded.Checkpoint.Value, seen));
    }

    private async ValueTask<(int Index, string Message)?> FindDisagreementAsync(ModelOperation[] history)
    {
        await using var backend = new TBackend();
        var context = new EngineContext(Time, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);
        var engine = await backend.OpenAsync(context);
        await engine.InitializeAsync();
        var run = new ModelRun(engine, "model");
        for (var i = 0; i < history.Length; i++)
        {
            try
            {
                if (history[i].Kind == ModelOperationKind.Reopen && engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
                {
                    await engine.DisposeAsync();
                    engine = await backend.OpenAsync(context);
                    await engine.InitializeAsync();
                    run.ContinueOn(engine);
                }
                else
                {
                    await run.ApplyAsync(history[i]);
                }
            }
            catch (Exception error)
            {
                await engine.DisposeAsync();
                return (i, $"operation {i} ({history[i]}): {error.Message}");
            }
        }

        await engine.DisposeAsync();
        return null;
    }

    // Removes smaller and smaller parts while the rest still fails, until nothing more can be removed.
    private async ValueTask<(ModelOperation[] History, string Message)> ShortenAsync(ModelOperation[] history, string message)
    {
        const int MaxTries = 600;
        var (tries, length) = (0, 0);
        do
        {
            length = history.Length;
            for (var part = Math.Max(1, length / 2); part >= 1; part /= 2)
            {
                for (var start = 0; start + part <= history.Length && tries < MaxTries;)
                {
                    ModelOperation[] shorter = [.. history.Take(start), .. history.Skip(start + part)];
                    tries++;
                    if (await FindDisagreementAsync(shorter) is { } still) (history, message) = (shorter, still.Message);
                    else start += part;
                }
            }
        }
        while (history.Length < length && tries < MaxTries);

        return (history, message);
    }
}

using System.Diagnostics;

namespace EventStore.TestSupport;

/// <summary>
/// Damages a store again and again and uses it, within time and memory. A case is its seed: EVENTSTORE_MUTATION_SEED sets the first one,
/// EVENTSTORE_MUTATION_CASES their number.
/// </summary>
/// <param name="usualCases">How many cases a usual run has.</param>
/// <param name="longCases">How many cases the long run has.</param>
/// <param name="mostBytes">The most bytes that a case may allocate.</param>
public sealed class MutationRun(int usualCases, int longCases, long mostBytes)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PrintInterval = TimeSpan.FromMinutes(1);
    private readonly int cases = LongRun.Number("EVENTSTORE_MUTATION_CASES") ?? (LongRun.IsAskedFor ? longCases : usualCases);
    private readonly int first = LongRun.Number("EVENTSTORE_MUTATION_SEED") ?? 1;
    private (TimeSpan Time, int Seed) slowest;
    private (long Bytes, int Seed) largest;
    private string change = "";
    private int done;
    private int refused;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Figures => $"{done} mutations, {refused} calls refused; longest case {slowest.Time.TotalMilliseconds:0} ms "
        + $"(seed {slowest.Seed}), most allocated {largest.Bytes >> 10} KiB (seed {largest.Seed})";

    /// <summary>Runs the cases.</summary>
    /// <param name="changeAsync">Restores the store and damages it. Returns what was done; null where nothing was changed.</param>
    /// <param name="useAsync">Uses the store; measured.</param>
    public async Task RunAsync(Func<int, Random, Task<string?>> changeAsync, Func<Random, Task> useAsync)
    {
        var printed = Stopwatch.StartNew();
        for (var seed = first; done < cases; seed++)
        {
            var random = new Random(seed);
            if (await changeAsync(seed, random) is not { } what) continue;
            change = $"seed {seed}: {what}";
            await MeasureAsync(seed, () => useAsync(random));
            done++;
            if (printed.Elapsed < PrintInterval) continue;
            printed.Restart();

            // To standard error, so that a long run can be followed.
            await Console.Error.WriteLineAsync(Figures.AsMemory(), Token);
        }

        TestContext.Current.TestOutputHelper?.WriteLine(Figures);
    }

    /// <summary>Opens the store, makes calls of it, and closes it. What is refused at opening is refused for all of them.</summary>
    public async Task UseAsync(
        IPersistenceEngine made, IEnumerable<(string Name, Func<IPersistenceEngine, Task> Call)> calls,
        Func<EventStoreException, bool> isRefusal)
    {
        await using var engine = made;
        if (!await ReturnsAsync("opening", async () => await engine.InitializeAsync(Token), isRefusal)) return;
        foreach (var (name, call) in calls) await ReturnsAsync(name, () => call(engine), isRefusal);
    }

    /// <summary>Makes a call. Returns whether it succeeded; false where it was refused. Anything else fails with its case.</summary>
    public async Task<bool> ReturnsAsync(string name, Func<Task> call, Func<EventStoreException, bool> isRefusal)
    {
        try
        {
            await call().WaitAsync(Longest, TimeProvider.System, Token);
            return true;
        }
        catch (EventStoreException error) when (isRefusal(error))
        {
            refused++;
            return false;
        }
        catch (Exception error) when (!Token.IsCancellationRequested)
        {
            throw new InvalidOperationException($"{change}, {name}", error);
        }
    }

    private async Task MeasureAsync(int seed, Func<Task> useAsync)
    {
        var (before, started) = (GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        await useAsync();
        var (allocated, time) = (GC.GetTotalAllocatedBytes() - before, Stopwatch.GetElapsedTime(started));
        if (time > slowest.Time) slowest = (time, seed);
        if (allocated > largest.Bytes) largest = (allocated, seed);
        Assert.True(allocated < mostBytes, $"{change}: {allocated} bytes allocated");
    }
}

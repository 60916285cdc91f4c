using System.Collections.Concurrent;
using System.Diagnostics;
using EventStore.TestSupport;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>
/// Stores that a process damaged that knows the format and computes the checksums again: twenty thousand, in the long run five million.
/// EVENTSTORE_MUTATION_CASES sets another number and EVENTSTORE_MUTATION_SEED the first seed, so that a long run can be split or continued.
/// </summary>
public sealed class MutationTests
{
    private const int MostFailures = 20;
    private const int PartCases = 10_000;
    private const long MostBytes = 64 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PrintInterval = TimeSpan.FromMinutes(1);
    private static readonly int Cases = LongRun.Number("EVENTSTORE_MUTATION_CASES") ?? (LongRun.IsAskedFor ? 5_000_000 : 20_000);
    private static readonly int FirstSeed = LongRun.Number("EVENTSTORE_MUTATION_SEED") ?? 1;
    private readonly ConcurrentQueue<string> failures = new();
    private readonly ConcurrentDictionary<int, (MutationCase Case, long Started)> running = new();
    private readonly Lock gate = new();
    private (TimeSpan Time, int Seed) slowest;
    private (long Bytes, int Seed) largest;
    private long refused;

    [Fact]
    public async Task A_store_that_was_changed_with_fitting_checksums_is_read_or_refused_in_time_and_memory()
    {
        var forms = await StoreForm.MakeAllAsync();
        var (last, printed) = (FirstSeed + Cases - 1, Stopwatch.StartNew());
        for (var seed = FirstSeed; seed <= last && failures.Count < MostFailures; seed += PartCases)
        {
            var part = Math.Min(PartCases, last - seed + 1);
            await RunAsync(forms, seed, part);
            if (printed.Elapsed < PrintInterval) continue;
            printed.Restart();
            Print($"mutations: seeds {FirstSeed} to {seed + part - 1} are done, {failures.Count} failed; {Figures()}");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{Cases} mutations, {Figures()}");
        Assert.True(failures.IsEmpty, $"{failures.Count} failed\n{string.Join("\n\n", failures)}");
    }

    // A case that hangs cannot be ended; the test ends without it.
    private async Task RunAsync(IReadOnlyList<StoreForm> forms, int first, int count)
    {
        var options = new ParallelOptions
        {
            MaxDegreeOfParallelism = Environment.ProcessorCount,
            CancellationToken = TestContext.Current.CancellationToken,
        };
        var work = Parallel.ForEachAsync(
            Enumerable.Range(first, count), options, async (seed, _) =>
            {
                if (failures.Count < MostFailures) await RunAsync(forms, seed);
            });
        while (await Task.WhenAny(work, Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System)) != work)
        {
            foreach (var (seed, (mutation, started)) in running)
                Assert.True(
                    Stopwatch.GetElapsedTime(started) < Longest, $"{mutation.Done}\n  {mutation.Call} has not returned.{Again(seed)}");
        }

        await work;
    }

    private async Task RunAsync(IReadOnlyList<StoreForm> forms, int seed)
    {
        var mutation = new MutationCase(seed, forms);
        var (thread, started) = (Environment.CurrentManagedThreadId, Stopwatch.GetTimestamp());
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        running[seed] = (mutation, started);
        try
        {
            await mutation.RunAsync();
            var (allocated, time) = (GC.GetAllocatedBytesForCurrentThread() - bytes, Stopwatch.GetElapsedTime(started));
            Note(seed, mutation, allocated, time);
            if (Environment.CurrentManagedThreadId != thread) Fail(seed, mutation, "the case left its thread, so nothing was measured");
            else if (allocated > MostBytes)
                Fail(seed, mutation, $"{allocated} bytes allocated, {mutation.Largest.Bytes} of them by {mutation.Largest.Call}");
            else if (time > Longest) Fail(seed, mutation, $"it took {time}");
        }
        catch (Exception error)
        {
            Fail(seed, mutation, error.ToString());
        }
        finally
        {
            running.TryRemove(seed, out _);
        }
    }

    private void Note(int seed, MutationCase mutation, long allocated, TimeSpan time)
    {
        lock (gate)
        {
            refused += mutation.Refused;
            if (time > slowest.Time) slowest = (time, seed);
            if (allocated > largest.Bytes) largest = (allocated, seed);
        }
    }

    private string Figures() =>
        $"{refused} calls refused; longest case {slowest.Time.TotalMilliseconds:0} ms (seed {slowest.Seed}), most allocated "
            + $"{largest.Bytes >> 10} KiB (seed {largest.Seed})";

    private void Fail(int seed, MutationCase mutation, string how)
    {
        var failure = $"{mutation.Done}\n  {mutation.Call}: {how}{Again(seed)}";
        Print(failure);
        failures.Enqueue(failure);
    }

    private static string Again(int seed) =>
        $"\nTo reproduce: EVENTSTORE_MUTATION_SEED={seed} EVENTSTORE_MUTATION_CASES=1 ./test.sh filesystem";

    // Goes to standard error, so that it can be followed.
    private static void Print(string line) => Console.Error.WriteLine(line);
}

using System.Diagnostics;
using System.Text;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>What is measured runs while nothing else of the suite does.</summary>
[CollectionDefinition(nameof(Measured), DisableParallelization = true)]
public sealed class Measured;

/// <summary>Measures the time until a commit reaches another process that waits for it.</summary>
[Collection(nameof(Measured))]
public sealed class FollowLatencyTests : IDisposable
{
    private const long MostMicroseconds = 5000;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_commit_reaches_a_waiting_process_within_milliseconds(bool isDurable)
    {
        var (median, floor) = (0L, 0L);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            (median, floor) = await MeasureAsync(
                new WriterOrder(Path.Combine(directory.Path, $"{attempt}"), isDurable, Committers: 1, Seed: 1, MostWrites: 0));
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"median from the call to commit to delivery in another process: {median} µs; a timer of 1 ms took {floor} µs");

            // Where a timer of a millisecond takes far longer, the machine is too busy to measure.
            if (median <= MostMicroseconds || median <= 4 * floor) return;
        }

        Assert.Fail(
            $"the median from the call to commit to delivery in another process is {median} µs, while a timer of 1 ms took {floor} µs");
    }

    private static async Task<(long Median, long Floor)> MeasureAsync(WriterOrder order)
    {
        await using var engine = order.MakeEngine();
        await engine.InitializeAsync();
        using var reader = new ReaderProcess(order);
        await reader.OpenAsync();
        await Task.Delay(300, TestContext.Current.CancellationToken);
        var random = new Random(1);
        var end = 0L;
        var timers = new List<double>();
        for (var i = 0; i < 150; i++)
        {
            var before = Stopwatch.GetTimestamp();
            await Task.Delay(1, TestContext.Current.CancellationToken);
            timers.Add(Stopwatch.GetElapsedTime(before).TotalMicroseconds);
            await Task.Delay(random.Next(1, 60), TestContext.Current.CancellationToken);
            var body = Encoding.UTF8.GetBytes($"{Reader.Timed}{Stopwatch.GetTimestamp()}");
            end = (
                await engine.CommitAsync(
                    new CommitAttempt("timed", Guid.NewGuid(), [
                            new EventRecord(Guid.NewGuid(), "text", body)]))).Commit!.LastCheckpoint.Value;
        }

        timers.Sort();
        var (_, _, median) = await reader.ReadUpToAsync(end);
        return (median, (long)timers[timers.Count / 2]);
    }
}

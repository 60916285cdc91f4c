using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>Two processes read while a third writes, is killed by SIGKILL again and again, and starts anew.</summary>
public sealed class FollowTests : IDisposable
{
    private static readonly int Rounds = LongRun.IsAskedFor ? 300 : 8;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(true, false), InlineData(false, false), InlineData(true, true), InlineData(false, true)]
    public async Task Readers_see_every_acknowledged_commit_whole_once_and_in_order_however_often_the_writer_is_killed(bool isDurable, bool compacts)
    {
        var acknowledgements = new Acknowledgements();
        var order = new WriterOrder(directory.Path, isDurable, Committers: 8, Seed: 1, MostWrites: int.MaxValue, compacts);
        using var first = new ReaderProcess(order);
        using var second = new ReaderProcess(order);
        for (var round = 0; round < Rounds; round++)
        {
            using var writer = new WriterProcess(order with { Seed = round, MostWrites = round == Rounds - 1 ? 200 : int.MaxValue });
            await writer.ReadUntilAsync(round == Rounds - 1 ? "closed" : "open");
            await Task.Delay(TimeSpan.FromMilliseconds(50 + (round * 40)), TimeProvider.System);
            await writer.KillAsync();
            acknowledgements.Add(writer.Lines);
        }

        await using var engine = order.MakeEngine();
        await engine.InitializeAsync();
        await acknowledgements.CheckAsync(engine);
        var (end, checksum) = await ReadAsync(engine);
        Assert.True(end > 1000, $"only {end} events: they prove nothing");
        foreach (var reader in (ReaderProcess[])[first, second])
        {
            await reader.OpenAsync();
            var (seen, checksumSeen, _) = await reader.ReadUpToAsync(end);
            Assert.Equal((end, checksum), (seen, checksumSeen));
        }
    }

    [Fact]
    public async Task A_commit_reaches_a_waiting_process_within_milliseconds()
    {
        var median = 0L;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            median = await MeasureAsync(new WriterOrder(Path.Combine(directory.Path, $"{attempt}"), IsDurable: true, Committers: 1, Seed: 1, MostWrites: 0));
            TestContext.Current.TestOutputHelper?.WriteLine($"median from the call to commit to delivery in another process: {median} µs");
            if (median <= 5000) return;
        }

        Assert.Fail($"the median from the call to commit to delivery in another process is {median} µs");
    }

    private static async Task<long> MeasureAsync(WriterOrder order)
    {
        await using var engine = order.MakeEngine();
        await engine.InitializeAsync();
        using var reader = new ReaderProcess(order);
        await reader.OpenAsync();
        await Task.Delay(300, TestContext.Current.CancellationToken);
        var random = new Random(1);
        var end = 0L;
        for (var i = 0; i < 200; i++)
        {
            await Task.Delay(random.Next(1, 60), TestContext.Current.CancellationToken);
            var body = Encoding.UTF8.GetBytes($"{Reader.Timed}{Stopwatch.GetTimestamp()}");
            end = (await engine.CommitAsync(new CommitAttempt("timed", Guid.NewGuid(), ExpectedRevision.Any, default, [new EventRecord(Guid.NewGuid(), "text", body)]))).Commit!.LastCheckpoint.Value;
        }

        var (_, _, median) = await reader.ReadUpToAsync(end);
        return median;
    }

    private static async Task<(long End, string Checksum)> ReadAsync(IPersistenceEngine engine)
    {
        using var checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var after = 0L;
        for (var isEnd = false; !isEnd;)
        {
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1000, 1 << 20)));
            foreach (var recorded in page.Events.Span) Reader.Add(checksum, recorded);
            (after, isEnd) = (page.Position.Value, page.IsEnd);
        }

        return (after, Convert.ToHexString(checksum.GetCurrentHash()));
    }
}

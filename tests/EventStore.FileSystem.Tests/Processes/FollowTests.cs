using System.Security.Cryptography;
using EventStore.TestSupport;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>Two processes read while a third writes, is killed by SIGKILL repeatedly, and is started again.</summary>
public sealed class FollowTests : IDisposable
{
    private static readonly int Rounds = LongRun.IsAskedFor ? 300 : 8;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(true, false), InlineData(false, false), InlineData(true, true), InlineData(false, true)]
    public async Task Readers_see_every_acknowledged_commit_whole_once_and_in_order_however_often_the_writer_is_killed(
        bool isDurable, bool compacts)
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

    private static async Task<(long End, string Checksum)> ReadAsync(IPersistenceEngine engine)
    {
        using var checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var after = 0L;
        for (var isEnd = false; !isEnd;)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(
                    EventFilter.Everything, new Checkpoint(after), Checkpoint.Max, ReadDirection.Forward, new PageLimit(1000, 1 << 20)));
            foreach (var recorded in page.Events.Span) Reader.Add(checksum, recorded);
            (after, isEnd) = (page.Position.Value, page.IsEnd);
        }

        return (after, Convert.ToHexString(checksum.GetCurrentHash()));
    }
}

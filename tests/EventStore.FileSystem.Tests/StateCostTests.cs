using System.Collections.Immutable;

namespace EventStore.FileSystem.Tests;

/// <summary>What a growing state of a consumer costs on a disk, with default options.</summary>
public sealed class StateCostTests : IDisposable
{
    private const int Events = 31_000;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory(Explicit = true), InlineData(false), InlineData(true)]
    public async Task A_state_that_grows_to_a_megabyte_writes_little_more_than_the_events(bool isConcurrent)
    {
        var filler = new string('x', 900);
        await using var store = await Wireup.Init()
            .UsingFileSystemPersistence(directory.Path, new FileSystemOptions { Durability = Durability.Fast })
            .UsingJsonSerialization(types => types.Register<Placed>("placed").Register<Known>("known"))
            .InitializeStorageEngine()
            .BuildAsync(TestContext.Current.CancellationToken);
        var projection = new Projection<Known>(
            new([]), (state, committed) => new(state.Ids.Add(((Placed)committed.Body).Id)));
        if (!isConcurrent) await AppendAsync();
        var before = BytesOfFiles();
        await using (var consumer = await store.Consumers.StartAsync("state", ConsumerSource.Everything, projection))
        {
            if (isConcurrent) await AppendAsync();
            await consumer.WaitUntilCaughtUpAsync(TestContext.Current.CancellationToken);
        }

        await using (var consumer = await store.Consumers.StartAsync("state", ConsumerSource.Everything, projection))
        {
            var status = await consumer.GetStatusAsync(TestContext.Current.CancellationToken);
            var own = BytesOfFiles() - (isConcurrent ? 0 : before);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"state {status.StateBytes:N0} bytes, files {BytesOfFiles():N0} bytes, of these after the events {own:N0}");
            Assert.Equal(Events, consumer.State.Ids.Count);
            Assert.InRange(status.StateBytes, 500_000, 2_000_000);
            Assert.InRange(BytesOfFiles(), 0, 200_000_000);
        }

        async Task AppendAsync()
        {
            for (var i = 0; i < Events; i += 10)
                await store.AppendAsync($"stream-{i % 7}", [.. Enumerable.Range(0, 10).Select(_ => new Placed(Guid.NewGuid(), filler))]);
        }
    }

    private long BytesOfFiles() =>
        new DirectoryInfo(directory.Path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);

    internal sealed record Placed(Guid Id, string Filler);

    internal sealed record Known(ImmutableList<Guid> Ids);
}

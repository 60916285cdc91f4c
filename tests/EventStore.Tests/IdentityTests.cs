using EventStore.Conformance;
using EventStore.Engines;

namespace EventStore.Tests;

/// <summary>A process that only reads, and keeps consumers elsewhere, is bound to the identity of the store or does not open.</summary>
public sealed class IdentityTests
{
    private const int Minute = 60_000;

    [Fact(Timeout = Minute)]
    public async Task A_reader_that_keeps_consumers_elsewhere_opens_only_a_store_that_has_its_identity()
    {
        await using var events = await OpenInMemoryAsync();
        await using var elsewhere = await OpenInMemoryAsync();
        var refused = await Assert.ThrowsAsync<StorageNotFoundException>(
            async () => await Wire(events).OpenReadOnly().KeepConsumersIn(elsewhere).BuildAsync());
        Assert.Contains("OpenReadOnly", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await elsewhere.ListDocumentsAsync("", "", 10));

        // One that keeps nothing is bound to nothing.
        await using (await Wire(events).OpenReadOnly().BuildAsync()) await (await Wire(events).BuildAsync()).DisposeAsync();
        await using (await Wire(events).OpenReadOnly().KeepConsumersIn(elsewhere).BuildAsync())
            Assert.Single(await events.ListDocumentsAsync("", "", 10));
    }

    [Fact(Timeout = Minute)]
    public async Task A_reader_that_waits_is_bound_to_the_identity_that_the_writer_creates_meanwhile()
    {
        await using var events = await OpenInMemoryAsync();
        await using var elsewhere = await OpenInMemoryAsync();
        var watched = new Watched(events);
        var building = Wire(watched).OpenReadOnly(TimeSpan.FromDays(1)).KeepConsumersIn(elsewhere).BuildAsync().AsTask();
        await Task.WhenAny(watched.Repeated, building);
        Assert.False(building.IsCompleted, "a store was built that is bound to no identity");
        await using (var writer = await Wire(events).BuildAsync()) await writer.AppendAsync("stream", "1");
        await using (var reader = await building)
        {
            await using var consumer = await reader.Consumers.StartAsync("name", ConsumerSource.Everything, (_, _) => default);
            await consumer.WaitForAsync(new Checkpoint(1));
        }

        await using var another = await OpenInMemoryAsync();
        await using (var writer = await Wire(another).BuildAsync()) await writer.AppendAsync("stream", "1");
        await using var other = await Wire(another).OpenReadOnly().KeepConsumersIn(elsewhere).BuildAsync();
        await Assert.ThrowsAsync<ConsumerChangedException>(
            async () => await other.Consumers.StartAsync("name", ConsumerSource.Everything, (_, _) => default));
    }

    private static async ValueTask<IPersistenceEngine> OpenInMemoryAsync()
    {
        var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        await engine.InitializeAsync();
        return engine;
    }

    private static Wireup Wire(IPersistenceEngine engine) =>
        Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"));

    // Shows when the identity is looked for a second time.
    private sealed class Watched(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private readonly TaskCompletionSource repeated = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int looks;

        public Task Repeated => repeated.Task;

        public override ValueTask<NamedDocument?> FindDocumentAsync(string name, CancellationToken cancellationToken = default)
        {
            if (name == "store/identity" && Interlocked.Increment(ref looks) > 1) repeated.TrySetResult();
            return base.FindDocumentAsync(name, cancellationToken);
        }
    }
}

using System.Text.Json;
using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>Missing, doubled and contradictory choices fail with a sentence that names the fix; what was built can be told.</summary>
public sealed class WireupTests
{
    private static readonly Func<Commit, CancellationToken, ValueTask> Nowhere = (_, _) => default;

    [Fact]
    public async Task No_persistence_is_an_error_that_names_the_choices()
    {
        var error = await FailAsync(Wireup.Init().UsingJsonSerialization(_ => { }));
        Assert.Contains("UsingInMemoryPersistence()", error.Message, StringComparison.Ordinal);
        Assert.Contains("scheme:address", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_serializer_is_an_error_that_names_the_choices() =>
        Assert.Contains("UsingJsonSerialization", (await FailAsync(Wireup.Init().UsingInMemoryPersistence())).Message, StringComparison.Ordinal);

    [Fact]
    public void A_second_choice_of_the_same_thing_names_the_first()
    {
        var error = Assert.Throws<WireupException>(() => Wireup.Init().UsingInMemoryPersistence().UsingPersistence("memory:", _ => { }));
        Assert.Contains("UsingPersistence was called after UsingInMemoryPersistence", error.Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(() => Sheet().UsingCustomSerialization(new Upper()));
        Assert.Throws<WireupException>(() => Sheet().UsingSynchronousDispatchScheduler().UsingAsynchronousDispatchScheduler());
        Assert.Throws<WireupException>(() => Sheet().DispatchTo(Nowhere).DispatchTo(Nowhere));
        Assert.Throws<WireupException>(() => Sheet().KeepSnapshots(1).KeepSnapshots(2));
        Assert.Throws<WireupException>(() => Sheet().InitializeStorageEngine().InitializeStorageEngine());
    }

    [Fact]
    public async Task Contradictions_of_dispatch_are_told_with_the_call_to_add_or_remove()
    {
        Assert.Contains("Add DispatchTo", (await FailAsync(Sheet().UsingSynchronousDispatchScheduler())).Message, StringComparison.Ordinal);
        Assert.Contains("has no scheduler", (await FailAsync(Sheet().DispatchTo(Nowhere))).Message, StringComparison.Ordinal);
        Assert.Contains("contradicts DispatchTo", (await FailAsync(Sheet().UsingSynchronousDispatchScheduler().DispatchTo(Nowhere).DoNotDispatchCommits())).Message, StringComparison.Ordinal);
        Assert.Contains("there is none", (await FailAsync(Sheet().Startup(DispatchStartup.Explicit))).Message, StringComparison.Ordinal);
        Assert.Contains("chosen twice", (await FailAsync(Sheet().Compress().Compress())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_name_property_value_and_limit()
    {
        var error = Assert.Throws<InvalidOptionException>(() => Sheet().UsingAsynchronousDispatchScheduler(options => options.Parallelism = 0));
        Assert.Equal("DispatchOptions.Parallelism is 0, but must be between 1 and 1024.", error.Message);
        Assert.Throws<InvalidOptionException>(() => Sheet().UsingAsynchronousDispatchScheduler(options => options.MaxRetryDelay = TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sheet().KeepSnapshots(0));
        Assert.Contains("has 5", Assert.Throws<WireupException>(() => new EncryptionKey("k", new byte[5])).Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(() => Sheet().EncryptWith(new EncryptionKey("k", new byte[16]), new EncryptionKey("k", new byte[32])));
    }

    [Fact]
    public async Task An_address_swaps_the_backend_and_an_unknown_scheme_names_the_known_ones()
    {
        foreach (var address in (string[])["memory:", "MEMORY:anything"])
        {
            await using var store = await Wireup.Init().UsingPersistence(address, _ => { }).UsingJsonSerialization(_ => { }).BuildAsync();
            Assert.Equal("in-memory", store.Describe().Engine.Name);
        }

        var unknown = await FailAsync(Wireup.Init().UsingPersistence("sqlite:x.db", engines => engines.AddInMemory()).UsingJsonSerialization(_ => { }));
        Assert.Contains("Known schemes: memory:", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("form 'scheme:rest'", (await FailAsync(Wireup.Init().UsingPersistence("nothing", _ => { }).UsingJsonSerialization(_ => { }))).Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(() => new EngineCatalogue().AddInMemory().AddInMemory());
    }

    [Fact]
    public async Task A_used_sheet_refuses_everything()
    {
        var sheet = Sheet();
        await using var store = await sheet.BuildAsync();
        Assert.Throws<WireupException>(() => sheet.KeepSnapshots(3));
        await FailAsync(sheet);
    }

    [Fact]
    public async Task Describe_tells_engine_hooks_in_order_serializer_transforms_and_dispatch()
    {
        await using var store = await Sheet().Compress(CompressionAlgorithm.Gzip).EncryptWith(new EncryptionKey("k", new byte[32]))
            .HookIntoPipelineUsing(new FirstHook(), new SecondHook()).UpconvertEventsUsing("old", "new", node => node)
            .UsingAsynchronousDispatchScheduler(options => options.Parallelism = 4).Startup(DispatchStartup.Explicit).DispatchTo(Nowhere).KeepSnapshots(2).BuildAsync();
        var description = store.Describe();
        Assert.Equal("System.Text.Json", description.Serializer);
        Assert.Equal(["gzip", "aes-gcm"], description.Transforms);
        Assert.Equal(["FirstHook", "SecondHook"], description.Hooks);
        Assert.Equal(["old"], description.Upconverters);
        Assert.Equal("Asynchronous, commit by commit, started Explicit, 4 at once", description.Dispatch);
        Assert.Equal(2, description.SnapshotsKept);
        Assert.Equal(Durability.Volatile, description.Engine.Durability.Level);
    }

    [Fact]
    public async Task Storage_is_made_only_where_the_sheet_says_so()
    {
        foreach (var mayCreate in (bool[])[true, false])
        {
            bool? told = null;
            var sheet = Wireup.Init().UsingPersistence("UsingTest", context => { told = context.MayCreateStorage; return new Disposable(); }).UsingJsonSerialization(_ => { });
            await using var store = await (mayCreate ? sheet.InitializeStorageEngine() : sheet).BuildAsync();
            Assert.Equal(mayCreate, told);
        }
    }

    [Fact]
    public async Task An_engine_that_the_store_made_is_disposed_with_it_and_one_handed_in_is_not()
    {
        var (owned, handedIn) = (new Disposable(), new Disposable());
        await (await Wireup.Init().UsingPersistence("UsingTest", _ => owned).UsingJsonSerialization(_ => { }).BuildAsync()).DisposeAsync();
        await (await Wireup.Init().UsingPersistence(handedIn).UsingJsonSerialization(_ => { }).BuildAsync()).DisposeAsync();
        Assert.True(owned.IsDisposed);
        Assert.False(handedIn.IsDisposed);

        var failing = new Disposable(failsToInitialize: true);
        await Assert.ThrowsAsync<StorageException>(async () => await Wireup.Init().UsingPersistence("UsingTest", _ => failing).UsingJsonSerialization(_ => { }).InitializeStorageEngine().BuildAsync());
        Assert.True(failing.IsDisposed);
    }

    private static Wireup Sheet() => Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(_ => { });

    private static async Task<WireupException> FailAsync(Wireup sheet) => await Assert.ThrowsAsync<WireupException>(async () => await sheet.BuildAsync());

    private sealed class FirstHook : IPipelineHook;

    private sealed class SecondHook : IPipelineHook;

    private sealed class Upper : IEventSerializer
    {
        public string Name => "upper";

        public string NameOf(Type type) => "x";

        public void Serialize(object value, System.Buffers.IBufferWriter<byte> output) => throw new NotSupportedException();

        public object Deserialize(string typeName, ReadOnlyMemory<byte> payload) => throw new JsonException();
    }

    private sealed class Disposable(bool failsToInitialize = false) : DelegatingEngine(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default))
    {
        public bool IsDisposed { get; private set; }

        public override ValueTask InitializeAsync(CancellationToken cancellationToken = default) =>
            failsToInitialize ? throw new StorageException("the schema is of an unknown version.") : base.InitializeAsync(cancellationToken);

        public override ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return base.DisposeAsync();
        }
    }
}

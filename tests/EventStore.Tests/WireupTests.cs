using System.Text.Json;
using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>Missing, repeated and contradictory choices fail with a message that names the fix; a built store can be described.</summary>
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
        Assert.Contains(
            "UsingJsonSerialization", (await FailAsync(Wireup.Init().UsingInMemoryPersistence())).Message, StringComparison.Ordinal);

    [Fact]
    public void A_second_choice_of_the_same_thing_names_the_first()
    {
        var error = Assert.Throws<WireupException>(() => Wireup.Init().UsingInMemoryPersistence().UsingPersistence("memory:", _ => { }));
        Assert.Contains("UsingPersistence was called after UsingInMemoryPersistence", error.Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(() => Wire().UsingCustomSerialization(new Upper()));
        Assert.Throws<WireupException>(() => Wire().UsingSynchronousDispatchScheduler().UsingAsynchronousDispatchScheduler());
        Assert.Throws<WireupException>(() => Wire().DispatchTo(Nowhere).DispatchTo(Nowhere));
        Assert.Throws<WireupException>(() => Wire().KeepSnapshots(1).KeepSnapshots(2));
        Assert.Throws<WireupException>(() => Wire().InitializeStorageEngine().InitializeStorageEngine());
    }

    [Fact]
    public async Task Contradictions_of_dispatch_are_reported_with_the_call_to_add_or_remove()
    {
        Assert.Contains("Add DispatchTo", (await FailAsync(Wire().UsingSynchronousDispatchScheduler())).Message, StringComparison.Ordinal);
        Assert.Contains("has no scheduler", (await FailAsync(Wire().DispatchTo(Nowhere))).Message, StringComparison.Ordinal);
        Assert.Contains(
            "contradicts DispatchTo",
            (await FailAsync(Wire().UsingSynchronousDispatchScheduler().DispatchTo(Nowhere).DoNotDispatchCommits())).Message,
            StringComparison.Ordinal);
        Assert.Contains("there is none", (await FailAsync(Wire().Startup(DispatchStartup.Explicit))).Message, StringComparison.Ordinal);
        Assert.Contains("chosen twice", (await FailAsync(Wire().Compress().Compress())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_name_property_value_and_limit()
    {
        var error = Assert.Throws<InvalidOptionException>(
            () => Wire().UsingAsynchronousDispatchScheduler(options => options.Parallelism = 0));
        Assert.Equal("DispatchOptions.Parallelism is 0, but must be between 1 and 1024.", error.Message);
        Assert.Throws<InvalidOptionException>(
            () => Wire().UsingAsynchronousDispatchScheduler(options => options.MaxRetryDelay = TimeSpan.Zero));
        Assert.Throws<InvalidOptionException>(() => Wire().KeepSnapshots(0));
        Assert.Contains(
            "has 5", Assert.Throws<WireupException>(() => new EncryptionKey("k", new byte[5])).Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(
            () => Wire().EncryptWith(new EncryptionKey("k", new byte[16]), new EncryptionKey("k", new byte[32])));
    }

    [Fact]
    public async Task An_address_selects_the_backend_and_an_unknown_scheme_is_reported_with_the_known_ones()
    {
        foreach (var address in (string[])["memory:", "MEMORY:"])
        {
            await using var store = await Wireup.Init().UsingPersistence(address, _ => { }).UsingJsonSerialization(_ => { }).BuildAsync();
            Assert.Equal("in-memory", store.Describe().Engine.Name);
        }

        var unknown = await FailAsync(
            Wireup.Init().UsingPersistence("sqlite:x.db", engines => engines.AddInMemory()).UsingJsonSerialization(_ => { }));
        Assert.Contains("Known schemes: memory:", unknown.Message, StringComparison.Ordinal);
        var malformed = await FailAsync(Wireup.Init().UsingPersistence("nothing", _ => { }).UsingJsonSerialization(_ => { }));
        Assert.Contains("form 'scheme:rest'", malformed.Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(() => new EngineCatalogue().AddInMemory().AddInMemory());
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task An_address_that_cannot_be_used_is_refused_alike_for_events_and_for_consumers(bool isForConsumers)
    {
        foreach (var address in (string[])["", " ", "nothing", "sqlite:x.db", "memory:x", ":", "C:\\data"])
        {
            var error = await FailAsync(Over(address));
            Assert.Contains("memory:", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("UsingPersistence(", error.Message, StringComparison.Ordinal);
        }

        await using var store = await Over("memory:").BuildAsync();
        Assert.Empty(await store.Consumers.ListAsync().ToListAsync());

        Wireup Over(string address) => isForConsumers
            ? Wireup.Init().UsingInMemoryPersistence().KeepConsumersIn(address, _ => { }).UsingJsonSerialization(_ => { })
            : Wireup.Init().UsingPersistence(address, _ => { }).UsingJsonSerialization(_ => { });
    }

    [Fact]
    public void Values_of_the_wireup_that_are_out_of_range_are_refused_by_one_exception_that_reads_well()
    {
        (string Message, Action Give)[] refused =
        [
            ("KeepSnapshots.newest is 0, but must be at least 1.", () => Wire().KeepSnapshots(0)),
            ("Compress.minBytes is -1, but must be 0 or more.", () => Wire().Compress(minBytes: -1)),
            ("OpenReadOnly.waitForStorage is -00:00:01, but must be 0 or longer.", () => Wire().OpenReadOnly(TimeSpan.FromSeconds(-1))),
            ("Startup.startup is 9, but must be one of Auto, Explicit.", () => Wire().Startup((DispatchStartup)9)),
            (
                "Compress.algorithm is 9, but must be one of Gzip, Brotli.",
                () => Wire().Compress((CompressionAlgorithm)9)),
            ("Options.Name is empty, but must be a name.", () => throw new InvalidOptionException("Options", "Name", "", "a name")),
            ("Options.Name is blank, but must be a name.", () => throw new InvalidOptionException("Options", "Name", " ", "a name")),
        ];
        foreach (var (message, give) in refused) Assert.Equal(message, Assert.Throws<InvalidOptionException>(give).Message);
    }

    [Fact]
    public async Task A_used_wireup_refuses_every_choice()
    {
        var wireup = Wire();
        await using var store = await wireup.BuildAsync();
        Assert.Throws<WireupException>(() => wireup.KeepSnapshots(3));
        await FailAsync(wireup);
    }

    [Fact]
    public async Task Describe_returns_engine_hooks_in_order_serializer_transforms_and_dispatch()
    {
        await using var store = await Wire().Compress(CompressionAlgorithm.Gzip).EncryptWith(new EncryptionKey("k", new byte[32]))
            .HookIntoPipelineUsing(new FirstHook(), new SecondHook()).UpconvertEventsUsing("old", "new", node => node)
            .UsingAsynchronousDispatchScheduler(options => options.Parallelism = 4).Startup(DispatchStartup.Explicit).DispatchTo(Nowhere)
                .KeepSnapshots(2).BuildAsync();
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
    public async Task Storage_is_created_only_where_the_wireup_allows_it()
    {
        foreach (var mayCreate in (bool[])[true, false])
        {
            bool? allowed = null;
            var wireup = Wireup.Init()
                .UsingPersistence("UsingTest", context => { allowed = context.MayCreateStorage; return new Disposable(); })
                    .UsingJsonSerialization(_ => { });
            await using var store = await (mayCreate ? wireup.InitializeStorageEngine() : wireup).BuildAsync();
            Assert.Equal(mayCreate, allowed);
        }
    }

    [Fact]
    public async Task An_engine_that_the_store_created_is_disposed_with_it_and_a_given_one_is_not()
    {
        var (owned, handedIn) = (new Disposable(), new Disposable());
        await (await Wireup.Init().UsingPersistence("UsingTest", _ => owned).UsingJsonSerialization(_ => { }).BuildAsync()).DisposeAsync();
        await (await Wireup.Init().UsingPersistence(handedIn).UsingJsonSerialization(_ => { }).BuildAsync()).DisposeAsync();
        Assert.True(owned.IsDisposed);
        Assert.False(handedIn.IsDisposed);

        var failing = new Disposable(failsToInitialize: true);
        var wireup = Wireup.Init().UsingPersistence("UsingTest", _ => failing).UsingJsonSerialization(_ => { }).InitializeStorageEngine();
        await Assert.ThrowsAsync<StorageException>(async () => await wireup.BuildAsync());
        Assert.True(failing.IsDisposed);
    }

    private static Wireup Wire() => Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(_ => { });

    private static async Task<WireupException> FailAsync(Wireup wireup) =>
        await Assert.ThrowsAsync<WireupException>(async () => await wireup.BuildAsync());

    private sealed class FirstHook : IPipelineHook;

    private sealed class SecondHook : IPipelineHook;

    private sealed class Upper : IEventSerializer
    {
        public string Name => "upper";

        public string NameOf(Type type) => "x";

        public void Serialize(object value, System.Buffers.IBufferWriter<byte> output) => throw new NotSupportedException();

        public object Deserialize(string typeName, ReadOnlyMemory<byte> payload) => throw new JsonException();
    }

    private sealed class Disposable(bool failsToInitialize = false) : DelegatingEngine(
        new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default))
    {
        public bool IsDisposed { get; private set; }

        public override ValueTask InitializeAsync(CancellationToken cancellationToken = default) =>
            failsToInitialize
                ? throw new StorageException("the schema is of an unknown version.")
                : base.InitializeAsync(cancellationToken);

        public override ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return base.DisposeAsync();
        }
    }
}

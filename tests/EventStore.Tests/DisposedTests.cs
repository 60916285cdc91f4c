using System.Reflection;

namespace EventStore.Tests;

/// <summary>After dispose every member of the store and of its parts throws <see cref="ObjectDisposedException"/> (G48).</summary>
public sealed class DisposedTests
{
    private static readonly StreamId Stream = "stream";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_member_of_the_store_and_its_parts_throws_after_dispose(bool isDispatchTracked)
    {
        var wireup = Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(types => types.Register<string>("text"));
        var store = await (isDispatchTracked ? wireup : wireup.DoNotDispatchCommits()).BuildAsync();
        await store.AppendAsync(Stream, "x");
        (Type Face, object Part)[] parts =
        [
            (typeof(IEventStore), store), (typeof(ISnapshots), store.Snapshots), (typeof(IDispatch), store.Dispatch),
            (typeof(IConsumers), store.Consumers), (typeof(IReadStreams), store.ReadStreams), (typeof(IImports), store.Imports),
            (typeof(IRetention), store.Retention),
        ];
        await store.DisposeAsync();

        var failures = new List<string>();
        foreach (var (face, part) in parts)
        {
            foreach (var method in face.GetMethods())
            {
                var called = method.IsGenericMethodDefinition ? method.MakeGenericMethod(typeof(string)) : method;
                var error = await Record.ExceptionAsync(() => CallAsync(called, part));
                if (error is not ObjectDisposedException) failures.Add($"{face.Name}.{method.Name}: {error?.GetType().Name ?? "no error"}");
            }
        }

        Assert.Empty(failures);
    }

    /// <summary>What is read page by page, with how many of its items are read before the store is closed.</summary>
    public static TheoryData<string> Reads { get; } =
    [
        "stream", "backward", "all", "heads", "category", "subscription", "links", "read streams", "joined", "undispatched",
        "consumers", "due",
    ];

    [Theory(Timeout = 60_000), MemberData(nameof(Reads))]
    public async Task A_running_read_throws_at_the_next_event_after_the_store_closed(string what)
    {
        var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(types => types.Register<string>("text"))
            .LeaveReadStreamsUnsigned().BuildAsync();
        foreach (var name in new[] { "1", "2", "3" })
        {
            for (var i = 0; i < 3; i++) await store.AppendAsync(new StreamId("default", "c", name), $"{i}");
            await store.ReadStreams.CreateAsync(name, EventPredicate.Bucket("default"));
            await (await store.Consumers.StartAsync(name, ConsumerSource.Everything, (_, _) => default)).DisposeAsync();
        }

        var read = ReadOf(store, what).GetAsyncEnumerator();
        Assert.True(await read.MoveNextAsync());
        await store.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await read.MoveNextAsync());
        Assert.False(await read.MoveNextAsync());
        await read.DisposeAsync();
    }

    private static IAsyncEnumerable<object> ReadOf(IEventStore store, string what)
    {
        StreamId[] streams = [new("default", "c", "1"), new("default", "c", "2")];
        return what switch
        {
            "stream" => store.ReadStreamAsync(streams[0]),
            "backward" => store.ReadStreamAsync(streams[0], new StreamRange { Direction = ReadDirection.Backward }),
            "all" => store.ReadAllAsync(),
            "heads" => store.ListStreamsAsync(),
            "category" => store.ListStreamsAsync("default", "c"),
            "subscription" => store.Consumers.SubscribeAsync(ConsumerSource.Everything),
            "links" => store.ReadStreams.ReadAsync("1").Select(link => (object)link),
            "read streams" => store.ReadStreams.ListAsync(),
            "joined" => store.ReadStreams.ReadJoinedAsync(streams),
            "undispatched" => store.Dispatch.GetUndispatchedAsync(),
            "consumers" => store.Consumers.ListAsync(),
            _ => store.Snapshots.ListStreamsDueAsync(null, 1),
        };
    }

    private static async Task CallAsync(MethodInfo method, object part)
    {
        var arguments = method.GetParameters().Select(parameter => ArgumentOf(parameter.ParameterType)).ToArray();
        var result = method.Invoke(part, BindingFlags.DoNotWrapExceptions, null, arguments, null);
        if (result is null) return;
        var type = result.GetType();
        if (type.GetMethod(nameof(ValueTask.AsTask)) is { } asTask) await (Task)asTask.Invoke(result, null)!;
        else if (result is IAsyncEnumerable<object> sequence) await sequence.GetAsyncEnumerator().MoveNextAsync();
        else if (result is IAsyncEnumerable<LinkedEvent> links) await links.GetAsyncEnumerator().MoveNextAsync();
    }

    private static object? ArgumentOf(Type type) =>
        type == typeof(StreamId) ? Stream
        : type == typeof(string) ? "name"
        : type == typeof(int) ? 1
        : type == typeof(long) ? 1L
        : type == typeof(Snapshot) ? new Snapshot(Stream, new Revision(1), "s")
        : type == typeof(EventQuery) ? new EventQuery()
        : type == typeof(EventPredicate) ? EventPredicate.Bucket("b")
        : type == typeof(ConsumerSource) ? ConsumerSource.Everything
        : type == typeof(Projection<string>) ? new Projection<string>("", (state, _) => state)
        : type == typeof(IReadOnlyCollection<EventMessage>) ? new[] { new EventMessage("x") }
        : type == typeof(IReadOnlyList<StreamId>) ? new[] { Stream }
        : type == typeof(IEnumerable<CommittedEvent>) ? Array.Empty<CommittedEvent>()
        : type == typeof(IEnumerable<Guid>) ? new[] { Guid.NewGuid() }
        : type == typeof(Func<CommittedEvent, CancellationToken, ValueTask>)
            ? new Func<CommittedEvent, CancellationToken, ValueTask>((_, _) => default)
        : type == typeof(Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask>)
            ? new Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask>((_, _) => default)
        : type.IsValueType && Nullable.GetUnderlyingType(type) is null ? Activator.CreateInstance(type)
        : null;
}

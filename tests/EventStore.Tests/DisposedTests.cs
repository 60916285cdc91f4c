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
            (typeof(IConsumers), store.Consumers), (typeof(IReadStreams), store.ReadStreams),
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

using System.Text.Json.Serialization;
using EventStore;

// Given an address and a name that no other store has, goes once through what an application does and prints what it got.
// The test writes Engines.cs beside it, with the backends whose packages it installs.
var (address, name) = (args[0], args[1]);

await using (var store = await OpenAsync(address, name))
{
    var first = await store.AppendAsync(
        "order-1", ExpectedRevision.NoStream, [new(new ItemAdded("coffee", 2)), new(new ItemAdded("cake", 1))]);
    Console.WriteLine($"committed to {first.LastRevision}");
    try
    {
        await store.AppendAsync("order-1", ExpectedRevision.NoStream, [new(new OrderPaid(1))]);
    }
    catch (ConcurrencyException conflict)
    {
        Console.WriteLine($"conflict at {conflict.Actual}, see {Path.GetFileName(conflict.HelpLink)}");
    }

    await store.AppendAsync("order-2", new OrderPaid(11.5m));
    await foreach (var read in store.ReadStreamAsync("order-1")) Console.WriteLine($"stream {read.Revision} {read.Body}");
    await foreach (var read in store.ReadAllAsync()) Console.WriteLine($"all {read.Stream} {read.Revision} {read.Body}");

    await store.Snapshots.SaveAsync(new Snapshot("order-1", new Revision(2), new OrderState(3)));
    Console.WriteLine($"snapshot {(await store.Snapshots.FindAsync("order-1"))!.State}");

    var items = new Decider<OrderState, int>(
        new OrderState(0),
        (count, _) => [new ItemAdded("tea", count)],
        (state, @event) => @event is ItemAdded added ? new OrderState(state.Items + added.Count) : state)
    {
        Snapshots = SnapshotPolicy.Every(2),
    };
    for (var count = 1; count <= 3; count++) await store.ExecuteAsync("order-3", items, count);
    Console.WriteLine($"decided {(await store.LoadAsync("order-3", items)).State}");
    await store.DeleteStreamAsync("order-3");

    var delivered = 0;
    await using (var consumer = await store.Consumers.StartAsync("counter", ConsumerSource.Everything, (_, _) => Count(ref delivered)))
        await consumer.WaitUntilCaughtUpAsync();
    Console.WriteLine($"consumer {delivered}");

    Console.WriteLine($"deleted {await store.DeleteStreamAsync("order-1")}");
    await foreach (var read in store.ReadAllAsync()) Console.WriteLine($"left {read.Stream} {read.Body}");
}

if (!address.StartsWith("memory:", StringComparison.Ordinal))
{
    await using var again = await OpenAsync(address, name);
    await foreach (var read in again.ReadAllAsync()) Console.WriteLine($"reopened {read.Stream} {read.Body}");
    await again.PurgeAllAsync();
}

static ValueTask Count(ref int counter)
{
    counter++;
    return default;
}

static ValueTask<IEventStore> OpenAsync(string address, string name) => Wireup.Init()
    .UsingPersistence(address, engines => Engines.Add(engines, name))
    .InitializeStorageEngine()
    .UsingJsonSerialization(Json.Default, types => types
        .Register<ItemAdded>("item-added")
        .Register<OrderPaid>("order-paid")
        .Register<OrderState>("order-state"))
    .BuildAsync();

internal sealed record ItemAdded(string Product, int Count);

internal sealed record OrderPaid(decimal Amount);

internal sealed record OrderState(int Items);

[JsonSerializable(typeof(ItemAdded))]
[JsonSerializable(typeof(OrderPaid))]
[JsonSerializable(typeof(OrderState))]
internal sealed partial class Json : JsonSerializerContext;

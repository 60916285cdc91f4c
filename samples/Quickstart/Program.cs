using EventStore;

// readme: quickstart
await using var store = await Wireup.Init()
    .UsingInMemoryPersistence()
    .UsingJsonSerialization(types => types.Register<ItemAdded>("item-added").Register<OrderPaid>("order-paid"))
    .BuildAsync();

var order = new StreamId("order", "42");
await store.AppendAsync(order, new ItemAdded("coffee", 2), new ItemAdded("cake", 1));
await store.AppendAsync(order, ExpectedRevision.Exactly(2), new OrderPaid(11.50m));

await foreach (var committed in store.ReadStreamAsync(order))
    Console.WriteLine($"{committed.Revision}: {committed.Body}");

record ItemAdded(string Product, int Count);
record OrderPaid(decimal Amount);
// readme: end

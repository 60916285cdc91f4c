using EventStore;

// readme: quickstart
await using var store = await Wireup.Init()
    .UsingInMemoryPersistence()
    .UsingJsonSerialization(types => types.Register<ItemAdded>("item-added").Register<OrderPaid>("order-paid"))
    .BuildAsync();

var order = store.CreateStream("order-42");
order.Add(new ItemAdded("coffee", 2));
order.Add(new ItemAdded("cake", 1));
await order.CommitChangesAsync();

var again = await store.OpenStreamAsync("order-42");
again.Add(new OrderPaid(11.50m));
await again.CommitChangesAsync();

await foreach (var committed in store.ReadStreamAsync("order-42"))
    Console.WriteLine($"{committed.Revision}: {committed.Body}");

record ItemAdded(string Product, int Count);
record OrderPaid(decimal Amount);
// readme: end

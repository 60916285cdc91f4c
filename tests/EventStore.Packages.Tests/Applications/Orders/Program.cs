using EventStore;

var builder = WebApplication.CreateBuilder(args);
await using var store = await Wireup.Init()
    .UsingSqlitePersistence("orders.db")
    .UsingJsonSerialization(types => types.Register<ItemAdded>("item-added"))
    .InitializeStorageEngine()
    .BuildAsync();

var app = builder.Build();
app.MapPost("/orders/{id}", async (string id, ItemAdded item) => (await store.AppendAsync(id, item)).LastRevision.Value);
app.MapGet("/orders/{id}", (string id) => store.ReadStreamAsync(id).Select(committed => (ItemAdded)committed.Body));
await app.RunAsync();

internal sealed record ItemAdded(string Product, int Count);

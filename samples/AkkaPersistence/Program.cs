using System.Text;
using Akka.Actor;
using Akka.Configuration;
using AkkaPersistence;
using EventStore;

await using var store = await Wireup.Init()
    .UsingFileSystemPersistence("artifacts/akka-persistence")
    .UsingJsonSerialization(_ => { })                          // Akka's serializers write the bodies
    .InitializeStorageEngine()
    .BuildAsync();

var config = ConfigurationFactory.ParseString("akka.loglevel = WARNING").WithFallback(EventStoreSetup.Plugins);
using var system = ActorSystem.Create("shop", BootstrapSetup.Create().WithConfig(config).And(new EventStoreSetup(store)));
var cart = system.ActorOf(Props.Create(() => new Cart("cart-42")));
foreach (var product in args.DefaultIfEmpty("coffee"))
    Console.WriteLine($"{await cart.Ask<int>(new AddProduct(product))}: {product}");
await system.Terminate();

var coffee = new EventQuery { Criteria = EventCriteria.Tagged("product:coffee") };
await foreach (var added in store.ReadAllAsync(coffee, EventDecoding.OnDemand))
    Console.WriteLine($"{added.Stream}, revision {added.Revision}: {Encoding.UTF8.GetString(added.Payload.Span)}");

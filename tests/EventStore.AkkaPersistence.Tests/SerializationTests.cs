using System.Text;
using Akka.Actor;
using Akka.Serialization;

namespace AkkaPersistence.Tests;

/// <summary>Events and snapshots are stored as Akka's serializers write them.</summary>
public sealed class SerializationTests
{
    private const string Config = """
        akka.actor {
          serializers.items = "AkkaPersistence.Tests.ItemSerializer, EventStore.AkkaPersistence.Tests"
          serialization-bindings { "AkkaPersistence.Tests.Item, EventStore.AkkaPersistence.Tests" = items }
        }
        """;

    [Theory]
    [InlineData("item-added-v1", "item-added-v1")]
    [InlineData("", "akka")]
    [InlineData("long", "akka")]
    public async Task A_manifest_is_the_type_of_the_event_where_it_can_be(string manifest, string eventType)
    {
        if (manifest == "long") manifest = new string('m', 257);
        await using var store = await TestSystem.StoreAsync();
        await using (var system = TestSystem.Over(store, Config))
        {
            await system.Journal.WriteAsync(JournalCalls.Write("a", 1, new Item(manifest)));
            await system.Snapshots.SaveAsync("a", 1, new Item(manifest), DateTime.UnixEpoch);
        }

        var stored = await store.ReadAllAsync(decoding: EventDecoding.OnDemand).ToListAsync();
        Assert.Equal([eventType, eventType], stored.Select(committed => committed.EventType));
        Assert.All(stored, committed => Assert.Equal("item", Encoding.UTF8.GetString(committed.Payload.Span)));
        await using var later = TestSystem.Over(store, Config);
        Assert.Equal(new Item(manifest), Assert.Single((await later.Journal.ReplayAsync("a")).Messages).Payload);
        Assert.Equal(new Item(manifest), (await later.Snapshots.LoadAsync("a"))?.Snapshot);
    }
}

/// <summary>An object with a serializer of its own, whose manifest it is.</summary>
internal sealed record Item(string Manifest);

/// <summary>Writes an <see cref="Item"/>.</summary>
internal sealed class ItemSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    public override int Identifier => 4711;

    public override string Manifest(object o) => ((Item)o).Manifest;

    public override byte[] ToBinary(object obj) => "item"u8.ToArray();

    public override object FromBinary(byte[] bytes, string manifest) => new Item(manifest);
}

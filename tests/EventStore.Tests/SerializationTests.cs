using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace EventStore.Tests;

[EventType("order-placed")]
public sealed record OrderPlaced(string Id, int Quantity);

public sealed record OrderShipped(string Id, DateTimeOffset At);

public sealed record OrderShippedV2(string Id, DateTimeOffset At, string Carrier);

public sealed record Unnamed(string Id);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(OrderPlaced))]
[JsonSerializable(typeof(OrderShipped))]
internal sealed partial class TestJson : JsonSerializerContext;

/// <summary>JSON, stable type names, payload transforms, upconverters and mappings, as an application uses them.</summary>
public sealed class SerializationTests
{
    private static readonly StreamId Stream = "stream";

    [Fact]
    public async Task Bodies_are_readable_json_and_are_read_back_as_their_types()
    {
        var engine = OpenInMemory();
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<OrderPlaced>())
            .BuildAsync();
        await store.AppendAsync(Stream, new OrderPlaced("1", 3));
        var committed = await SingleAsync(store);
        Assert.Equal("order-placed", committed.EventType);
        Assert.Equal("""{"id":"1","quantity":3}""", Encoding.UTF8.GetString(committed.Payload.Span));
        Assert.Equal(new OrderPlaced("1", 3), committed.Body);
    }

    [Fact]
    public async Task Generated_contracts_are_sufficient()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(
            TestJson.Default, types => types.Register<OrderPlaced>().Register<OrderShipped>("order-shipped")).BuildAsync();
        await store.AppendAsync(
            Stream, ExpectedRevision.NoStream, [new OrderPlaced("1", 3), new OrderShipped("1", DateTimeOffset.UnixEpoch)]);
        Assert.Equal(
            [new OrderPlaced("1", 3), new OrderShipped("1", DateTimeOffset.UnixEpoch)],
            (await store.OpenStreamAsync(Stream)).CommittedEvents.Select(committed => committed.Body));
    }

    [Fact]
    public async Task A_type_without_a_name_is_refused_before_anything_is_written_with_the_call_that_fixes_it()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(_ => { }).BuildAsync();
        var error = await Assert.ThrowsAsync<TypeNotRegisteredException>(async () => await store.AppendAsync(Stream, new Unnamed("x")));
        Assert.Contains("types.Register<Unnamed>(\"a-name\")", error.Message, StringComparison.Ordinal);
        Assert.Throws<TypeNotRegisteredException>(() => store.CreateStream(Stream).Add(new Unnamed("x")));
        Assert.Null(await store.FindHeadAsync(Stream));
    }

    [Fact]
    public async Task A_registered_name_takes_precedence_over_the_attribute_and_renamed_classes_still_read_their_old_names()
    {
        var types = new EventTypes().Register<OrderPlaced>("placed").Register<OrderPlaced>("order-placed-2019");
        Assert.Equal("placed", types.NameOf(typeof(OrderPlaced)));
        Assert.Equal(typeof(OrderPlaced), types.Find("order-placed-2019"));
        Assert.Null(types.Find("order-placed"));
        Assert.Throws<WireupException>(() => types.Register<OrderShipped>("placed"));
        Assert.Throws<WireupException>(() => types.Register<OrderShipped>());
        Assert.Equal("order-placed", new EventTypes().RegisterAttributed(typeof(OrderPlaced).Assembly).NameOf(typeof(OrderPlaced)));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task An_unknown_type_is_readable_as_json_and_never_a_crash()
    {
        var engine = OpenInMemory();
        await using (var writer = await Wireup.Init().UsingPersistence(engine)
            .UsingJsonSerialization(types => types.Register<OrderPlaced>())
                .BuildAsync())
            await writer.AppendAsync(Stream, new OrderPlaced("1", 3));
        await using var reader = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(_ => { }).BuildAsync();
        var unknown = Assert.IsType<UnknownEvent>((await SingleAsync(reader)).Body);
        Assert.Equal(3, unknown.ReadJson().GetProperty("quantity").GetInt32());
        Assert.Equal("order-placed", unknown.EventType);
    }

    [Fact]
    public async Task A_body_that_cannot_be_deserialized_fails_at_its_place_and_is_still_readable_as_bytes()
    {
        var engine = OpenInMemory();
        await engine.CommitAsync(
            [
                new CommitAttempt(
                    Stream, Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "order-placed", "{\"quantity\":\"secret"u8.ToArray())]),
            ]);
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<OrderPlaced>())
            .BuildAsync();
        var error = await Assert.ThrowsAsync<EventSerializationException>(() => SingleAsync(store));
        Assert.Contains("in stream 'default//stream' at revision 1", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.Equal(19, (await SingleAsync(store, EventDecoding.OnDemand)).Payload.Length);
    }

    [Fact]
    public async Task Compression_and_encryption_of_a_store_may_change()
    {
        var engine = OpenInMemory();
        EncryptionKey first = new("2025", RandomNumberGenerator.GetBytes(32)), second = new("2026", RandomNumberGenerator.GetBytes(16));
        Func<Wireup, Wireup>[] choices =
        [
            w => w,
            w => w.Compress(minBytes: 1),
            w => w.Compress(CompressionAlgorithm.Gzip, minBytes: 1).EncryptWith(first).AcceptPlaintextUntil(new Checkpoint(2)),
            w => w.EncryptWith(second, first).AcceptPlaintextUntil(new Checkpoint(2)),
            w => w.EncryptWith(second, first).AcceptPlaintextOf("order-placed"),
        ];
        for (var i = 0; i < choices.Length; i++)
        {
            await using var store = await choices[i](Json(engine)).BuildAsync();
            await store.AppendAsync(Stream, new OrderPlaced(new string('x', 500), i));
            if (i < 2) continue;
            Assert.Equal(
                Enumerable.Range(0, i + 1),
                (await store.OpenStreamAsync(Stream)).CommittedEvents.Select(committed => ((OrderPlaced)committed.Body).Quantity));
        }

        var stored = (
            await engine.ReadStreamAsync(
                new StreamRead(
                    Stream, new Revision(1), new Revision(9), ReadDirection.Forward, new PageLimit(9, 1 << 20)))).Events.ToArray();
        Assert.StartsWith("{", Encoding.UTF8.GetString(stored[0].Record.Body.Span), StringComparison.Ordinal);
        Assert.True(stored[1].Record.Body.Length < 100);
        Assert.All(
            stored[2..],
            recorded => Assert.DoesNotContain("quantity", Encoding.UTF8.GetString(recorded.Record.Body.Span), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_or_missing_key_is_reported_without_showing_the_key()
    {
        var engine = OpenInMemory();
        EncryptionKey right = new("k1", RandomNumberGenerator.GetBytes(32));
        EncryptionKey wrong = new("k1", RandomNumberGenerator.GetBytes(32));
        EncryptionKey other = new("k2", RandomNumberGenerator.GetBytes(32));
        await using (var store = await Json(engine).EncryptWith(right).BuildAsync())
            await store.AppendAsync(Stream, new OrderPlaced("1", 1));
        ValueTuple<Func<Wireup, Wireup>, string>[] cases =
        [
            (w => w.EncryptWith(wrong), "does not fit"), (w => w.EncryptWith(other), "'k1', which is not configured"),
            (w => w, "no transform of this name is configured"),
        ];
        foreach (var (wire, sentence) in cases)
        {
            await using var store = await wire(Json(engine)).BuildAsync();
            var error = await Assert.ThrowsAsync<PayloadTransformException>(() => SingleAsync(store));
            Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToBase64String(right.Key.Span), error.ToString(), StringComparison.Ordinal);
        }

        // Moved to another stream, the payload is refused: it is bound to its place.
        var stolen = (
            await engine.ReadStreamAsync(
                new StreamRead(
                    Stream, new Revision(1), new Revision(1), ReadDirection.Forward, new PageLimit(1, 1)))).Events.Span[0].Record;
        await engine.CommitAsync([new CommitAttempt("thief", Guid.NewGuid(), [stolen])]);
        await using var honest = await Json(engine).EncryptWith(right).BuildAsync();
        await Assert.ThrowsAsync<PayloadTransformException>(async () => await honest.OpenStreamAsync("thief"));
        Assert.Equal(new OrderPlaced("1", 1), (await honest.OpenStreamAsync(Stream)).CommittedEvents[0].Body);
    }

    [Fact]
    public async Task Old_events_are_converted_as_json_and_as_objects_in_a_chain()
    {
        var engine = OpenInMemory();
        await using (var old = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(
                types => types.Register<OrderShipped>("shipped-1").Register<OrderPlaced>()).BuildAsync())
            await old.AppendAsync(Stream, ExpectedRevision.Any, [new OrderShipped("1", DateTimeOffset.UnixEpoch), new OrderPlaced("1", 1)]);
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(
            types => types.Register<OrderShipped>("shipped-2").Register<OrderPlaced>())
            .UpconvertEventsUsing("shipped-1", "shipped-1b", node => { node["id"] = "one"; return node; })
            .UpconvertEventsUsing("shipped-1b", "shipped-2", node => { node["id"] += "!"; return node; })
            .UpconvertEventsUsing<OrderShipped, OrderShippedV2>(shipped => new(shipped.Id, shipped.At, "unknown")).BuildAsync();
        Assert.Equal(
            [new OrderShippedV2("one!", DateTimeOffset.UnixEpoch, "unknown"), new OrderPlaced("1", 1)],
            (await store.OpenStreamAsync(Stream)).CommittedEvents.Select(committed => committed.Body));

        await Assert.ThrowsAsync<WireupException>(
            async () => await Json(engine).UpconvertEventsUsing("a", "b", Same).UpconvertEventsUsing("b", "a", Same).BuildAsync());
        await Assert.ThrowsAsync<WireupException>(
            async () => await Json(engine).UpconvertEventsUsing("a", "b", Same).UpconvertEventsUsing("a", "c", Same).BuildAsync());

        static JsonNode Same(JsonNode node) => node;
    }

    [Fact]
    public async Task Mappings_copy_envelope_values_into_bodies_and_keep_the_rest()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(
            types => types.Register<JsonObject>("json"))
            .DefineEventMappings(
                map => map.Map(
                    EnvelopeValue.StreamRevision,
                    "meta.revision").Map(EnvelopeValue.Category, "meta.category").Map(EnvelopeValue.CommitId, "commitId")).BuildAsync();
        var result = await store.AppendAsync(Stream, new JsonObject { ["meta"] = new JsonObject { ["kept"] = true }, ["n"] = 0 });
        var body = (JsonObject)(await SingleAsync(store)).Body;
        Assert.Equal(
            $$$"""{"meta":{"kept":true,"revision":1,"category":""},"n":0,"commitId":"{{{result.CommitId}}}"}""", body.ToJsonString());
        Assert.Throws<WireupException>(() => new EventMappings().Map(EnvelopeValue.Bucket, "a..b"));
        Assert.Throws<WireupException>(() => new EventMappings().Map(EnvelopeValue.Bucket, "a").Map(EnvelopeValue.Category, "a"));
    }

    [Fact]
    public async Task Changes_of_the_caller_after_an_append_have_no_effect()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(
            types => types.Register<Basket>("basket")).BuildAsync();
        var body = new Basket([1]);
        var headers = new Dictionary<string, string> { ["a"] = "1" };
        var opened = store.CreateStream(Stream);
        opened.Add(new EventMessage(body, headers));
        body.Items.Add(2);
        headers["a"] = "2";
        await opened.CommitChangesAsync();
        body.Items.Add(3);
        var read = await SingleAsync(store);
        Assert.Equal([1], ((Basket)read.Body).Items);
        Assert.Equal("1", read.Headers["a"]);
        ((Basket)read.Body).Items.Add(4);
        Assert.Equal([1], ((Basket)(await SingleAsync(store)).Body).Items);
        await Assert.ThrowsAsync<InvalidNameException>(
            async () => await store.AppendAsync(Stream, new EventMessage(body, new Dictionary<string, string> { ["h"] = "\ud800" })));
    }

    [Fact]
    public async Task New_ids_are_unique_over_threads_and_sortable_by_time()
    {
        var ids = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 125_000).Select(_ => SequentialGuid.Next()).ToArray())));
        Assert.Equal(1_000_000, ids.SelectMany(batch => batch).Distinct().Count());
        Assert.All(ids[0][..1000], id => Assert.Equal((7, 8), (id.Version, id.Variant & 0xC)));
        var first = SequentialGuid.Next();
        await Task.Delay(5);
        Assert.True(string.CompareOrdinal(first.ToString(), SequentialGuid.Next().ToString()) < 0);
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private static Wireup Json(IPersistenceEngine engine) =>
        Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<OrderPlaced>());

    private static async Task<CommittedEvent> SingleAsync(IEventStore store, EventDecoding decoding = EventDecoding.Eager)
    {
        var all = new List<CommittedEvent>();
        await foreach (var committed in store.ReadStreamAsync(Stream, decoding: decoding)) all.Add(committed);
        return Assert.Single(all);
    }

    private sealed record Basket(List<int> Items);
}

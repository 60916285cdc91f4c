using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace EventStore.Tests;

/// <summary>Bodies are read as deep as the serializer allows, come back as they were, or are refused when they are written.</summary>
public sealed class BodyTests
{
    private const int Depth = 150;
    private static readonly StreamId Stream = "stream";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Conditions_mappings_and_upconverters_see_bodies_as_deep_as_the_serializer_allows()
    {
        var options = new JsonSerializerOptions(JsonSerializerOptions.Web) { MaxDepth = 200 };
        await using var store = await Wireup.Init().UsingInMemoryPersistence().LeaveReadStreamsUnsigned().UsingJsonSerialization(
            types => types.Register<JsonObject>("deep-2"), options)
            .UpconvertEventsUsing("deep-1", "deep-2", node => new JsonObject { ["n"] = 1, ["was"] = node.DeepClone() })
            .DefineEventMappings(map => map.Map(EnvelopeValue.StreamRevision, "meta.revision")).BuildAsync(Token);
        await store.AppendAsync(Stream, Nested(Depth));
        await store.AppendAsync(Stream, ExpectedRevision.Any, [EventMessage.OfBytes("deep-1", Utf8(Nested(Depth)))]);

        var pointer = string.Concat(Enumerable.Repeat("/x", Depth)) + "/end";
        var found = EventPredicate.Body(pointer, ValueComparison.Equal, true);
        await store.ReadStreams.CreateAsync("deep", found, Token);
        Assert.Equal(2, (await store.ReadStreams.ReadAsync("deep", cancellationToken: Token).ToListAsync(Token)).Count);
        Assert.Empty(await store.ReadAllAsync(new EventQuery { Condition = found.Negated() }, cancellationToken: Token).ToListAsync(Token));
        var bodies = (await store.OpenStreamAsync(Stream, cancellationToken: Token)).CommittedEvents.Select(each => (JsonObject)each.Body);
        Assert.Equal([1, 2], bodies.Select(body => body["meta"]!["revision"]!.GetValue<int>()));
    }

    [Fact]
    public async Task A_body_deeper_than_the_serializer_allows_is_refused_when_it_is_written()
    {
        await using var store = await OpenAsync();
        await store.AppendAsync(Stream, Nested(60));
        await Assert.ThrowsAsync<EventSerializationException>(async () => await store.AppendAsync(Stream, Nested(70)));
        Assert.Single((await store.OpenStreamAsync(Stream, cancellationToken: Token)).CommittedEvents);
    }

    [Theory]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":")]
    public async Task A_body_that_cannot_be_converted_is_an_error_with_stream_and_revision(string json)
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(
            types => types.Register<JsonObject>("new").Register<Order>("order"))
            .UpconvertEventsUsing("old", "new", node => { node["a"] = 3; return node; })
            .DefineEventMappings(map => map.Map(EnvelopeValue.StreamRevision, "revision")).BuildAsync(Token);
        foreach (var type in (string[])["old", "new"])
        {
            StreamId stream = type;
            await store.AppendAsync(
                stream, ExpectedRevision.Any, [EventMessage.OfBytes(type, Encoding.UTF8.GetBytes(json))], cancellationToken: Token);
            var error = await Assert.ThrowsAsync<EventSerializationException>(async () => await store.OpenStreamAsync(stream));
            Assert.Contains($"'default//{type}' at revision 1", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_mapping_is_applied_last_and_never_replaces_what_the_event_has_of_another_kind()
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register<JsonObject>("b"))
            .UpconvertEventsUsing("a", "b", node => new JsonObject { ["from"] = node["n"]!.DeepClone() })
            .DefineEventMappings(map => map.Map(EnvelopeValue.StreamRevision, "meta.revision").Map(EnvelopeValue.Bucket, "b"))
            .BuildAsync(Token);
        var cases = new (string Type, string Stored, string Read)[]
        {
            ("a", """{"n":7}""", """{"from":7,"meta":{"revision":1},"b":"default"}"""),
            ("b", """{"meta":"text","b":[1]}""", """{"meta":"text","b":[1]}"""),
            ("b", """{"meta":{"revision":"draft"},"b":5}""", """{"meta":{"revision":"draft"},"b":5}"""),
            ("b", """{"meta":{"revision":99},"b":"old"}""", """{"meta":{"revision":4},"b":"default"}"""),
            ("b", """{"meta":null,"b":null}""", """{"meta":{"revision":5},"b":"default"}"""),
        };
        foreach (var (type, stored, _) in cases)
            await store.AppendAsync(Stream, ExpectedRevision.Any, [EventMessage.OfBytes(type, Encoding.UTF8.GetBytes(stored))]);
        var opened = await store.OpenStreamAsync(Stream, cancellationToken: Token);
        Assert.Equal(cases.Select(one => one.Read), opened.CommittedEvents.Select(each => ((JsonObject)each.Body).ToJsonString()));

        // Bytes of another format have no place for a value.
        await store.AppendAsync("other", ExpectedRevision.Any, [EventMessage.OfBytes("opaque", "{binary"u8.ToArray())]);
        Assert.IsType<UnknownEvent>((await store.OpenStreamAsync("other", cancellationToken: Token)).CommittedEvents[0].Body);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Text_that_has_no_utf8_form_is_refused_when_it_is_written(int sample)
    {
        // Not among the data of the theory: attributes are stored as UTF-8.
        var text = ((string[])["half \ud83d of a pair", "\udc00", "ends with \ud83d"])[sample];
        var relaxed = new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        foreach (var options in (JsonSerializerOptions?[])[null, relaxed])
        {
            await using var store = await OpenAsync(options);
            object[] bodies = [text, new Order(text), new JsonObject { [text] = 1 }, new JsonObject { ["a"] = text }];
            foreach (var body in bodies)
            {
                var error = await Record.ExceptionAsync(async () => await store.AppendAsync(Stream, ExpectedRevision.Any, body));
                Assert.True(error is EventSerializationException, $"{body.GetType().Name} gave {error?.GetType().Name ?? "no error"}");
                Assert.Contains("surrogate pair", error!.Message, StringComparison.Ordinal);
            }

            Assert.Null(await store.FindHeadAsync(Stream, Token));
            object[] sound = ["é😀\ufffd<&>\u2028", new Order("😀"), "\ud83d\ude00 and \ud83d\ude00"];
            foreach (var body in sound) await store.AppendAsync(Stream, ExpectedRevision.Any, body);
            Assert.Equal(sound, (await store.OpenStreamAsync(Stream, cancellationToken: Token)).CommittedEvents.Select(each => each.Body));
        }
    }

    [Fact]
    public async Task Values_of_this_library_within_bodies_come_back_unchanged()
    {
        await using var store = await OpenAsync();
        var reference = new Reference(
            new StreamId("b/1", "c%", "i d/\u0001😀"), new Checkpoint(7), new Revision(long.MaxValue), new CommitSequence(3),
            ExpectedRevision.StreamExists, null, new Dictionary<Revision, StreamId> { [new Revision(1)] = "x" });
        await store.AppendAsync(Stream, reference);
        await store.Snapshots.SaveAsync(new Snapshot(Stream, new Revision(1), reference), Token);
        var read = (Reference)(await store.OpenStreamAsync(Stream, cancellationToken: Token)).CommittedEvents[0].Body;
        var saved = (await store.Snapshots.FindAsync<Reference>(Stream, cancellationToken: Token))!.State;
        Assert.All((Reference[])[read, saved], each =>
        {
            Assert.Equal(reference with { ByRevision = each.ByRevision }, each);
            Assert.Equal(reference.ByRevision, each.ByRevision);
        });
        await Assert.ThrowsAsync<EventSerializationException>(
            async () => await store.AppendAsync(Stream, reference with { Stream = default }));
    }

    [Theory]
    [InlineData(typeof(NoConstructor), "cannot be created from JSON")]
    [InlineData(typeof(PrivateSetter), "'number' of")]
    [InlineData(typeof(GetOnly), "'at' of")]
    [InlineData(typeof(GetOnlyList), "'items' of")]
    [InlineData(typeof(PublicField), "field 'Number'")]
    [InlineData(typeof(Within), "'number' of")]
    [InlineData(typeof(Pair), "field 'Item1'")]
    [InlineData(typeof(AbstractPart), "cannot be created from JSON")]
    public async Task A_type_that_cannot_be_read_back_is_refused_when_the_store_is_built_and_when_it_is_written(Type type, string reason)
    {
        var error = await Assert.ThrowsAsync<WireupException>(async () => await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register(type, "type")).BuildAsync(Token));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);

        await using var store = await Wireup.Init().UsingInMemoryPersistence().UsingJsonSerialization(_ => { }).BuildAsync(Token);
        var refused = await Assert.ThrowsAsync<EventSerializationException>(async () => await store.AppendAsync(Stream, new GetOnly()));
        Assert.Contains("read back", refused.Message, StringComparison.Ordinal);
        Assert.Null(await store.FindHeadAsync(Stream, Token));
    }

    [Theory]
    [InlineData(typeof(Computed))]
    [InlineData(typeof(Included))]
    [InlineData(typeof(Ignored))]
    [InlineData(typeof(Polymorphic))]
    [InlineData(typeof(Reference))]
    [InlineData(typeof(Dictionary<string, Order>))]
    [InlineData(typeof(int))]
    public async Task A_type_that_can_be_read_back_is_accepted(Type type)
    {
        await using var store = await Wireup.Init().UsingInMemoryPersistence()
            .UsingJsonSerialization(types => types.Register(type, "type")).BuildAsync(Token);
        Assert.NotNull(store);
    }

    [Fact]
    public void A_class_that_is_a_collection_is_not_registered()
    {
        var error = Assert.Throws<WireupException>(() => new EventTypes().Register<Basket>("basket"));
        Assert.Contains("as a property", error.Message, StringComparison.Ordinal);
        Assert.Throws<WireupException>(() => new EventTypes().Register(typeof(List<>), "list"));
        new EventTypes().Register<List<int>>("numbers").Register<int[]>("more").Register<JsonArray>("json");
    }

    [Fact]
    public async Task No_error_shows_a_part_of_a_body_or_the_name_of_a_key_in_it()
    {
        const string Secret = "bob@example.com";
        await using var store = await OpenAsync();
        string[] bodies = [$"{{\"lines\":{{\"{Secret}\":\"x\"}}}}", $"{{\"lines\":{{\"a\":1}},{Secret}", $"\"{Secret}\""];
        foreach (var body in bodies)
        {
            StreamId stream = Guid.NewGuid();
            await store.AppendAsync(stream, ExpectedRevision.Any, [EventMessage.OfBytes("lines", Encoding.UTF8.GetBytes(body))]);
            var error = await Assert.ThrowsAsync<EventSerializationException>(async () => await store.OpenStreamAsync(stream));
            Assert.DoesNotContain("bob", error.ToString(), StringComparison.Ordinal);
            Assert.Contains("JsonException", error.ToString(), StringComparison.Ordinal);
        }
    }

    private static ValueTask<IEventStore> OpenAsync(JsonSerializerOptions? options = null) => Wireup.Init().UsingInMemoryPersistence()
        .UsingJsonSerialization(types => types.Register<string>("text").Register<Order>("order").Register<JsonObject>("json")
            .Register<Reference>("reference").Register<Lines>("lines"), options).BuildAsync(Token);

    private static JsonObject Nested(int depth)
    {
        var node = new JsonObject { ["end"] = true };
        for (var i = 0; i < depth; i++) node = new JsonObject { ["x"] = node };
        return node;
    }

    private static byte[] Utf8(JsonNode node)
    {
        var output = new MemoryStream();
        using (var writer = new Utf8JsonWriter(output)) node.WriteTo(writer);
        return output.ToArray();
    }

    public sealed record Order(string Id);

    public sealed record Lines([property: JsonPropertyName("lines")] Dictionary<string, int> Quantities);

    public sealed record Reference(
        StreamId Stream,
        Checkpoint Checkpoint,
        Revision Revision,
        CommitSequence Sequence,
        ExpectedRevision Expected,
        StreamId? None,
        Dictionary<Revision, StreamId> ByRevision);

    public sealed class NoConstructor
    {
        public NoConstructor(string first) => First = first;

        public NoConstructor(string first, int second) => First = first + second;

        public string First { get; }
    }

    public sealed class PrivateSetter
    {
        public int Number { get; private set; }

        public void Count() => Number++;
    }

    [EventType("get-only")]
    public sealed class GetOnly
    {
        public DateTimeOffset At { get; } = TimeProvider.System.GetUtcNow();
    }

    public sealed class GetOnlyList
    {
        public List<int> Items { get; } = [];
    }

    public sealed class PublicField
    {
#pragma warning disable CA1051 // the mistake under test
        public int Number;
#pragma warning restore CA1051
    }

    public sealed record Within(List<PrivateSetter> Items);

    public sealed record Pair((int, int) Value);

    public abstract record Part;

    public sealed record AbstractPart(Part Part);

    public sealed record Computed(int Quantity, decimal Price) { public decimal Total => Quantity * Price; }

    public sealed class Included
    {
        [JsonInclude]
        public int Number { get; private set; }

        public void Count() => Number++;
    }

    public sealed class Ignored
    {
        [JsonIgnore]
        public DateTimeOffset At { get; } = TimeProvider.System.GetUtcNow();

        public int Number { get; init; }
    }

    public sealed record Polymorphic(Shape Shape);

    [JsonDerivedType(typeof(Circle), "circle")]
    public abstract record Shape;

    public sealed record Circle(int Radius) : Shape;

    public sealed class Basket : List<int>
    {
        public string Owner { get; init; } = "";
    }
}

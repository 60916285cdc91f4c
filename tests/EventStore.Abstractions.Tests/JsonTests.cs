using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStore.Abstractions.Tests;

/// <summary>
/// Values of the library are serialized and deserialized by System.Text.Json unchanged, by reflection and by generated contracts.
/// </summary>
public sealed partial class JsonTests
{
    private static readonly Place[] Places =
    [
        new(
            new StreamId("order", "42"),
            new Revision(7),
            new Checkpoint(long.MaxValue),
            new CommitSequence(0),
            ExpectedRevision.Any,
            new Dictionary<StreamId, Checkpoint>()),
        new(
            new StreamId("a/b%", "", "%2F/ é\u0301 🦊"), Revision.None, Checkpoint.Origin, new CommitSequence(3),
            ExpectedRevision.StreamExists,
            new Dictionary<StreamId, Checkpoint> { ["a"] = new(1), [new StreamId("x/y", "b")] = new(2) }),
        new(
            "id",
            new Revision(1),
            new Checkpoint(1),
            new CommitSequence(1),
            ExpectedRevision.NoStream,
            new Dictionary<StreamId, Checkpoint>()),
        new(
            "id",
            new Revision(1),
            new Checkpoint(1),
            new CommitSequence(1),
            ExpectedRevision.Exactly(5),
            new Dictionary<StreamId, Checkpoint>()),
    ];

    [Fact]
    public void Values_are_read_back_unchanged()
    {
        foreach (var place in Places)
        {
            var json = JsonSerializer.Serialize(place);
            Assert.Equivalent(place, JsonSerializer.Deserialize<Place>(json), strict: true);
            Assert.Equal(json, JsonSerializer.Serialize(place, Contracts.Default.Place));
            Assert.Equivalent(place, JsonSerializer.Deserialize(json, Contracts.Default.Place), strict: true);
        }
    }

    [Fact]
    public void Numbers_are_numbers_and_names_are_text() => Assert.Equal(
        """{"Stream":"default/order/42","Revision":7,"Checkpoint":9223372036854775807,"Sequence":0,"Expected":"any","Seen":{}}""",
        JsonSerializer.Serialize(Places[0]));

    [Fact]
    public void A_value_that_could_not_be_read_back_is_refused_when_it_is_written() =>
        Assert.Contains(
            "default(StreamId)",
            Assert.Throws<JsonException>(() => JsonSerializer.Serialize(default(StreamId))).Message,
            StringComparison.Ordinal);

    [Theory, InlineData("\"order/42\""), InlineData("\"/order/42\""), InlineData("\"b/c/\""), InlineData("\"a/b/c/d\""), InlineData("null")]
    public void A_text_that_is_no_stream_id_is_refused(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<StreamId>(json));

    [Theory, InlineData("-1"), InlineData("\"1\""), InlineData("1.5"), InlineData("null")]
    public void A_value_that_is_no_position_is_refused(string json)
    {
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Revision>(json));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Checkpoint>(json));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<ExpectedRevision>(json));
    }

    internal sealed record Place(
        StreamId Stream,
        Revision Revision,
        Checkpoint Checkpoint,
        CommitSequence Sequence,
        ExpectedRevision Expected,
        Dictionary<StreamId, Checkpoint> Seen);

    [JsonSerializable(typeof(Place))]
    private sealed partial class Contracts : JsonSerializerContext;
}

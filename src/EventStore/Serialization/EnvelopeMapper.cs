using System.Text.Json.Nodes;

namespace EventStore.Serialization;

/// <summary>Copies envelope values into the JSON body of an event, at the paths that the application chose.</summary>
internal sealed class EnvelopeMapper(EventMappings mappings)
{
    private readonly (string[] Path, EnvelopeValue Value)[] mappings =
        [.. mappings.Paths.Select(pair => (pair.Key.Split('.'), pair.Value))];

    public void Apply(in RecordedEvent recorded, JsonObject body)
    {
        foreach (var (path, value) in mappings) Set(body, path, ValueOf(recorded, value));
    }

    // What the event itself has at the place, or on the way to it, is not replaced by something of another kind.
    private static void Set(JsonObject body, string[] path, JsonNode value)
    {
        var target = body;
        foreach (var name in path.AsSpan(0, path.Length - 1))
        {
            if (target[name] is null) target[name] = new JsonObject();
            if (target[name] is not JsonObject next) return;
            target = next;
        }

        if (target[path[^1]] is not { } present || present.GetValueKind() == value.GetValueKind()) target[path[^1]] = value;
    }

    private static JsonValue ValueOf(in RecordedEvent recorded, EnvelopeValue value) => value switch
    {
        EnvelopeValue.EventId => JsonValue.Create(recorded.Record.EventId),
        EnvelopeValue.CommitId => JsonValue.Create(recorded.Commit.CommitId),
        EnvelopeValue.CommitSequence => JsonValue.Create(recorded.Commit.Sequence.Value),
        EnvelopeValue.CommitStamp => JsonValue.Create(recorded.Commit.Stamp),
        EnvelopeValue.StreamRevision => JsonValue.Create(recorded.Revision.Value),
        EnvelopeValue.Checkpoint => JsonValue.Create(recorded.Checkpoint.Value),
        EnvelopeValue.Bucket => JsonValue.Create(recorded.Commit.Stream.Bucket),
        EnvelopeValue.Category => JsonValue.Create(recorded.Commit.Stream.Category),
        _ => JsonValue.Create(recorded.Commit.Stream.Id),
    };
}

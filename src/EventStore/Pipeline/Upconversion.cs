using System.Text.Json;
using System.Text.Json.Nodes;

namespace EventStore.Pipeline;

/// <summary>Applies upconverters one after another until none fits.</summary>
internal sealed class Upconversion
{
    private readonly Dictionary<string, EventUpconverter> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<Type, EventUpconverter> byType = [];

    public Upconversion(IReadOnlyList<EventUpconverter> converters)
    {
        foreach (var converter in converters)
        {
            var added = converter.FromType is { } type ? byType.TryAdd(type, converter) : byName.TryAdd(converter.From, converter);
            if (!added)
                throw new WireupException($"Two upconverters convert '{converter.From}'. Remove one of them.");
        }

        foreach (var converter in byName.Values) RefuseCircle(converter, next => byName.GetValueOrDefault(next.To));
        foreach (var converter in byType.Values)
            RefuseCircle(converter, next => byType.Values.FirstOrDefault(other => other.From == next.To));
    }

    public bool HasJson => byName.Count > 0;

    public bool HasObjects => byType.Count > 0;

    public (string Type, ReadOnlyMemory<byte> Payload) ConvertJson(string type, ReadOnlyMemory<byte> payload)
    {
        if (!byName.TryGetValue(type, out var converter)) return (type, payload);
        var node = JsonNode.Parse(payload.Span) ?? throw new JsonException($"The stored JSON of an event of type '{type}' is null.");
        for (; converter is not null; converter = byName.GetValueOrDefault(type))
        {
            node = converter.ConvertJson!(node);
            type = converter.To;
        }

        var output = new System.Buffers.ArrayBufferWriter<byte>(payload.Length + 128);
        using (var writer = new Utf8JsonWriter(output)) node.WriteTo(writer);
        return (type, output.WrittenMemory);
    }

    public object ConvertObject(object body)
    {
        while (byType.TryGetValue(body.GetType(), out var converter)) body = converter.ConvertObject!(body);
        return body;
    }

    private static void RefuseCircle(EventUpconverter start, Func<EventUpconverter, EventUpconverter?> next)
    {
        var seen = new HashSet<EventUpconverter>();
        for (var at = start; at is not null; at = next(at))
        {
            if (!seen.Add(at))
                throw new WireupException($"The upconverters from '{start.From}' lead back to '{at.From}'. Remove one of them.");
        }
    }
}

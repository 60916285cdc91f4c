using System.Text.Json.Nodes;
using EventStore.Serialization;

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
                throw new WireupException($"Two upconverters convert '{Names.Printable(converter.From)}'. Remove one of them.");
        }

        foreach (var converter in byName.Values) RefuseCircle(converter, next => byName.GetValueOrDefault(next.To));
        foreach (var converter in byType.Values)
            RefuseCircle(converter, next => byType.Values.FirstOrDefault(other => other.From == next.To));
    }

    public bool HasObjects => byType.Count > 0;

    /// <summary>Whether JSON of a stored type is converted.</summary>
    public bool Converts(string type) => byName.ContainsKey(type);

    /// <summary>The names of types that are converted, each with the name that follows.</summary>
    /// <param name="serializer">Names the types of converters of objects, of which those without a name are left out.</param>
    public IEnumerable<KeyValuePair<string, string>> Steps(IEventSerializer serializer)
    {
        foreach (var converter in byName.Values) yield return new(converter.From, converter.To);
        foreach (var converter in byType.Values)
        {
            if (NameOf(converter.FromType!) is { } from && NameOf(converter.ToType!) is { } to) yield return new(from, to);
        }

        string? NameOf(Type type)
        {
            try
            {
                return serializer.NameOf(type);
            }
            catch (TypeNotRegisteredException)
            {
                return null;
            }
        }
    }

    public (string Type, JsonNode Node) Convert(string type, JsonNode node)
    {
        for (var converter = byName.GetValueOrDefault(type); converter is not null; converter = byName.GetValueOrDefault(type))
        {
            node = converter.ConvertJson!(node)
                ?? throw new BodyException($"the upconverter from '{Names.Printable(type)}' returned null. Return the converted JSON.");
            type = converter.To;
        }

        return (type, node);
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
                throw new WireupException(
                    $"The upconverters from '{Names.Printable(start.From)}' lead back to '{Names.Printable(at.From)}'. "
                    + "Remove one of them.");
        }
    }
}

using System.Text.Json.Nodes;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// Converts an old event into its present form while reading. Converters are applied one after another until none fits. Stored events are
/// not changed.
/// </summary>
public sealed class EventUpconverter
{
    private EventUpconverter(string from, string to) => (From, To) = (from, to);

    /// <summary>The stored type name or CLR type that it converts.</summary>
    public string From { get; }

    /// <summary>The type name or CLR type of the result.</summary>
    public string To { get; }

    /// <summary>The CLR type that it converts; null for a converter of JSON.</summary>
    public Type? FromType { get; private init; }

    /// <summary>The CLR type of the result; null for a converter of JSON.</summary>
    public Type? ToType { get; private init; }

    /// <summary>Converts an object; null for a converter of JSON.</summary>
    public Func<object, object>? ConvertObject { get; private init; }

    /// <summary>
    /// Converts JSON stored under the name <see cref="From"/> into that of <see cref="To"/>; null for a converter of objects.
    /// </summary>
    public Func<JsonNode, JsonNode>? ConvertJson { get; private init; }

    /// <summary>Converts objects of one type into those of another. The old type stays registered under its name.</summary>
    public static EventUpconverter OfObjects<TOld, TNew>(Func<TOld, TNew> convert) where TOld : notnull where TNew : notnull
    {
        ArgumentNullException.ThrowIfNull(convert);
        return new(typeof(TOld).ToString(), typeof(TNew).ToString())
        {
            FromType = typeof(TOld),
            ToType = typeof(TNew),
            ConvertObject = old => convert((TOld)old),
        };
    }

    /// <summary>Converts the JSON of one stored type name into that of another, so that the old class need not be kept.</summary>
    /// <exception cref="InvalidNameException">A name is empty, too long or ill-formed.</exception>
    public static EventUpconverter OfJson(string fromEventType, string toEventType, Func<JsonNode, JsonNode> convert)
    {
        EventRecord.RequireType(fromEventType);
        EventRecord.RequireType(toEventType);
        ArgumentNullException.ThrowIfNull(convert);
        return new(fromEventType, toEventType) { ConvertJson = convert };
    }
}

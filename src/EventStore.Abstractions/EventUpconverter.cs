using System.Text.Json.Nodes;

namespace EventStore;

/// <summary>Turns an old event into its present form while reading. Converters are applied one after another until none fits; nothing stored changes.</summary>
public sealed class EventUpconverter
{
    private EventUpconverter(string from, string to) => (From, To) = (from, to);

    /// <summary>What it converts: a stored type name, or a CLR type.</summary>
    public string From { get; }

    /// <summary>What it makes of it.</summary>
    public string To { get; }

    /// <summary>The CLR type it takes; null for one that works on JSON.</summary>
    public Type? FromType { get; private init; }

    /// <summary>Converts an object; null for one that works on JSON.</summary>
    public Func<object, object>? ConvertObject { get; private init; }

    /// <summary>Converts JSON stored under the name <see cref="From"/> into that of <see cref="To"/>; null for one that works on objects.</summary>
    public Func<JsonNode, JsonNode>? ConvertJson { get; private init; }

    /// <summary>Converts objects of one type into those of another. The old type stays registered under its name.</summary>
    public static EventUpconverter OfObjects<TOld, TNew>(Func<TOld, TNew> convert) where TOld : notnull where TNew : notnull
    {
        ArgumentNullException.ThrowIfNull(convert);
        return new(typeof(TOld).ToString(), typeof(TNew).ToString()) { FromType = typeof(TOld), ConvertObject = old => convert((TOld)old) };
    }

    /// <summary>Converts the JSON of one stored type name into that of another, so that the old class need not be kept.</summary>
    public static EventUpconverter OfJson(string fromEventType, string toEventType, Func<JsonNode, JsonNode> convert)
    {
        ArgumentException.ThrowIfNullOrEmpty(fromEventType);
        ArgumentException.ThrowIfNullOrEmpty(toEventType);
        ArgumentNullException.ThrowIfNull(convert);
        return new(fromEventType, toEventType) { ConvertJson = convert };
    }
}

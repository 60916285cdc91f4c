using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStore.Pipeline;

/// <summary>
/// Evaluates conditions on stored events. A body that cannot be read as JSON is an error where a value of it is needed. Left out, the event
/// would be missing without a trace.
/// </summary>
internal static class Conditions
{
    /// <summary>A condition as canonical JSON. Two conditions are equal if their texts are.</summary>
    public static string TextOf(EventPredicate condition) => JsonSerializer.Serialize(condition, ConditionJson.Default.EventPredicate);

    /// <exception cref="EventSerializationException">The body, or the headers, cannot be read.</exception>
    public static bool Hold(EventPredicate condition, in RecordedEvent recorded, EventCodec decoder)
    {
        JsonDocument? body = null;
        try
        {
            return Hold(condition, recorded, decoder, ref body);
        }
        finally
        {
            body?.Dispose();
        }
    }

    private static bool Hold(EventPredicate condition, in RecordedEvent recorded, EventCodec decoder, ref JsonDocument? body)
    {
        switch (condition)
        {
            case EventPredicate.OfTypes types:
                return types.Values.Contains(recorded.Record.EventType) || types.Values.Contains(decoder.TypeOf(recorded));
            case EventPredicate.InBucket bucket:
                return recorded.Commit.Stream.Bucket == bucket.Value;
            case EventPredicate.InCategory category:
                return recorded.Commit.Stream.Category == category.Value;
            case EventPredicate.OfStreamIds ids:
                return ids.Values.Contains(recorded.Commit.Stream.Id);
            case EventPredicate.Since since:
                return recorded.Commit.Stamp >= since.Value;
            case EventPredicate.HasHeader header:
                return IsIn(decoder.DecodeHeaders(recorded), header) || IsIn(decoder.DecodeCommitHeaders(recorded), header);
            case EventPredicate.BodyValue value:
                body ??= decoder.ParseBody(recorded);
                return Compare(Find(body.RootElement, value.Pointer), value);
            case EventPredicate.All all:
                foreach (var part in all.Values)
                {
                    if (!Hold(part, recorded, decoder, ref body)) return false;
                }

                return true;
            case EventPredicate.Any any:
                foreach (var part in any.Values)
                {
                    if (Hold(part, recorded, decoder, ref body)) return true;
                }

                return false;
            case EventPredicate.Not not:
                return !Hold(not.Value, recorded, decoder, ref body);
            default:
                throw new NotSupportedException($"The condition {condition.GetType().Name} is not known here.");
        }
    }

    private static bool IsIn(IReadOnlyDictionary<string, string> headers, EventPredicate.HasHeader header) =>
        headers.TryGetValue(header.Name, out var value) && value == header.Value;

    // JSON pointer, RFC 6901: "/a/0/b", with ~1 for a slash and ~0 for a tilde in a name.
    private static JsonElement? Find(JsonElement element, string pointer)
    {
        if (pointer.Length == 0) return element;
        foreach (var part in pointer.Split('/').Skip(1))
        {
            var name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var property)) element = property;
            else if (FindItem(element, name) is { } item) element = item;
            else return null;
        }

        return element;
    }

    private static JsonElement? FindItem(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Array
            && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && at < element.GetArrayLength() ? element[at] : null;

    private static bool Compare(JsonElement? found, EventPredicate.BodyValue value)
    {
        int? order = found is not { } element ? null : element.ValueKind switch
        {
            JsonValueKind.Number when value.Number is { } number && element.TryGetDecimal(out var actual) => actual.CompareTo(number),
            JsonValueKind.Number when value.Number is { } number => element.GetDouble().CompareTo((double)number),
            JsonValueKind.String when value.Text is { } text => CompareText(element, text),
            JsonValueKind.True or JsonValueKind.False when value.Flag is { } flag => element.GetBoolean().CompareTo(flag),
            JsonValueKind.Null when value is { Text: null, Number: null, Flag: null } => 0,
            _ => null,
        };
        return value.Comparison switch
        {
            ValueComparison.Equal => order == 0,
            ValueComparison.NotEqual => order != 0,
            ValueComparison.Less => order < 0,
            ValueComparison.LessOrEqual => order <= 0,
            ValueComparison.Greater => order > 0,
            _ => order >= 0,
        };
    }

    // A text with half of a surrogate pair in an escape cannot be compared.
    private static int? CompareText(JsonElement element, string text)
    {
        try
        {
            return StreamId.CompareCodePoints(element.GetString()!, text);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EventPredicate))]
internal sealed partial class ConditionJson : JsonSerializerContext;

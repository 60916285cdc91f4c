using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStore;

/// <summary>
/// Converts a position to a JSON number, or to digits as the name of a property. Public because generated JSON contracts name it.
/// </summary>
/// <typeparam name="T">The position.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract class PositionJsonConverter<T> : JsonConverter<T>
{
    private protected PositionJsonConverter()
    {
    }

    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => Make(reader.GetInt64());

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteNumberValue(ValueOf(value));
    }

    /// <inheritdoc/>
    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        long.TryParse(reader.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? Make(value)
            : throw new JsonException($"A {typeof(T).Name} as the name of a property consists of digits.");

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(ValueOf(value).ToString(CultureInfo.InvariantCulture));
    }

    private protected abstract T Create(long value);

    private protected abstract long ValueOf(T value);

    private T Make(long value) => value >= 0 ? Create(value) : throw new JsonException($"A {typeof(T).Name} is not negative.");
}

/// <summary>A revision as a JSON number.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class RevisionJsonConverter : PositionJsonConverter<Revision>
{
    private protected override Revision Create(long value) => new(value);

    private protected override long ValueOf(Revision value) => value.Value;
}

/// <summary>A checkpoint as a JSON number.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class CheckpointJsonConverter : PositionJsonConverter<Checkpoint>
{
    private protected override Checkpoint Create(long value) => new(value);

    private protected override long ValueOf(Checkpoint value) => value.Value;
}

/// <summary>A commit sequence as a JSON number.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class CommitSequenceJsonConverter : PositionJsonConverter<CommitSequence>
{
    private protected override CommitSequence Create(long value) => new(value);

    private protected override long ValueOf(CommitSequence value) => value.Value;
}

/// <summary>An expected revision: a JSON number if it is exact, otherwise <c>"any"</c> or <c>"stream-exists"</c>.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class ExpectedRevisionJsonConverter : JsonConverter<ExpectedRevision>
{
    private const string Any = "any";
    private const string StreamExists = "stream-exists";

    /// <inheritdoc/>
    public override ExpectedRevision Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.GetInt64() is >= 0 and var revision)
            return ExpectedRevision.Exactly(revision);
        return reader.TokenType != JsonTokenType.String ? throw Unknown() : reader.GetString() switch
        {
            Any => ExpectedRevision.Any,
            StreamExists => ExpectedRevision.StreamExists,
            _ => throw Unknown(),
        };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, ExpectedRevision value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        if (value.Exact is { } exact) writer.WriteNumberValue(exact.Value);
        else writer.WriteStringValue(value == ExpectedRevision.Any ? Any : StreamExists);
    }

    private static JsonException Unknown() =>
        new($"An expected revision is a number that is not negative, \"{Any}\" or \"{StreamExists}\".");
}

/// <summary>
/// The name of a stream as JSON text: bucket, category and id, separated by slashes. Within a part, <c>%2F</c> stands for a slash and
/// <c>%25</c> for a percent sign.
/// </summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class StreamIdJsonConverter : JsonConverter<StreamId>
{
    /// <inheritdoc/>
    public override StreamId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, StreamId value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(Format(value));
    }

    /// <inheritdoc/>
    public override StreamId ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, StreamId value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WritePropertyName(Format(value));
    }

    // The text of default(StreamId) could not be read again, so it is refused here.
    private static string Format(StreamId stream) => stream == default
        ? throw new JsonException(
            "default(StreamId) names no stream, so it has no JSON. Construct it with at least an id, or use a nullable StreamId.")
        : $"{Escape(stream.Bucket)}/{Escape(stream.Category)}/{Escape(stream.Id)}";

    private static StreamId Parse(string? text)
    {
        if (text?.Split('/') is not [var bucket, var category, var id])
            throw new JsonException(
                "The name of a stream is written as 'bucket/category/id', with %2F for a slash and %25 for a percent sign within a part.");
        try
        {
            return new StreamId(Unescape(bucket), Unescape(category), Unescape(id));
        }
        catch (InvalidNameException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    private static string Escape(string part) =>
        part.Replace("%", "%25", StringComparison.Ordinal).Replace("/", "%2F", StringComparison.Ordinal);

    private static string Unescape(string part) =>
        part.Replace("%2F", "/", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal);
}

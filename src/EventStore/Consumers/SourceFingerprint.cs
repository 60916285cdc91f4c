using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace EventStore.Consumers;

/// <summary>
/// Names a source by a fingerprint of all its parts. It is stored instead of them, because the values of a condition may be secret.
/// </summary>
internal static class SourceFingerprint
{
    private const int Bytes = 16;

    public static string Of(ConsumerSource source)
    {
        var filter = source.Condition is null ? source.Filter : EventFilter.Everything;
        var parts = new SourceParts(
            source.Stream is not null,
            source.ReadStream,
            [filter.Bucket, filter.Category, filter.Id],
            filter.EventTypes?.Order(StringComparer.Ordinal).ToArray(),
            filter.Since?.UtcTicks,
            source.Condition);
        var text = JsonSerializer.SerializeToUtf8Bytes(parts, SourceJson.Default.SourceParts);
        return Convert.ToHexStringLower(SHA256.HashData(text).AsSpan(0, Bytes));
    }
}

/// <summary>What distinguishes a source from another one.</summary>
internal sealed record SourceParts(
    bool IsStream, string? ReadStream, string?[] Names, string[]? Types, long? SinceTicks, EventPredicate? Condition);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, MaxDepth = 1024)]
[JsonSerializable(typeof(SourceParts))]
internal sealed partial class SourceJson : JsonSerializerContext;

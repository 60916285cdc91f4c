using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.Postgres;

/// <summary>
/// The number under which a category or a tag of a bucket is indexed, as the function <c>term</c> of the schema makes it. Two may share
/// one, so what is found by it is compared with the names.
/// </summary>
internal static class PostgresTerms
{
    // Categories are few, and each commit has one. Emptied when it is larger.
    private const int MaxKnownCategories = 4_096;
    private static readonly ConcurrentDictionary<(string, string), long> Categories = new();

    private const int MaxBytes = StreamId.MaxBucketBytes + 1 + EventTags.MaxBytes;

    public static long Of(string bucket, string name)
    {
        Span<byte> text = stackalloc byte[MaxBytes], hash = stackalloc byte[SHA256.HashSizeInBytes];
        var length = Encoding.UTF8.GetBytes(bucket, text);
        text[length++] = 0;
        length += Encoding.UTF8.GetBytes(name, text[length..]);
        SHA256.HashData(text[..length], hash);
        return BinaryPrimitives.ReadInt64BigEndian(hash);
    }

    /// <summary>The same for a category, remembered.</summary>
    public static long OfCategory(string bucket, string category)
    {
        if (Categories.TryGetValue((bucket, category), out var known)) return known;
        if (Categories.Count > MaxKnownCategories) Categories.Clear();
        return Categories[(bucket, category)] = Of(bucket, category);
    }

    /// <summary>Tags as the text of an array of texts; null for none.</summary>
    public static string? ToArray(IReadOnlyList<string> tags)
    {
        if (tags.Count == 0) return null;
        var text = new StringBuilder("{");
        for (var i = 0; i < tags.Count; i++)
        {
            var escaped = tags[i].Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            text.Append(i == 0 ? "\"" : ",\"").Append(escaped).Append('"');
        }

        return text.Append('}').ToString();
    }
}

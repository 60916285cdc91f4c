using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.Postgres;

/// <summary>
/// The number under which a category or a tag of a bucket is indexed, as the function <c>term</c> of the schema makes it. Two may share
/// one, so what is found by it is compared with the names.
/// </summary>
internal static class PostgresTerms
{
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

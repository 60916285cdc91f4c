using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace EventStore.Leases;

/// <summary>Reads the JSON of a ledger, which another process may have changed.</summary>
internal static class LedgerContent
{
    /// <summary>What to do about a ledger that cannot be used.</summary>
    public const string Advice = "Restore it from a backup of this store, or delete it: then everything is delivered again.";

    /// <summary>No number in a ledger is higher, so that sums of two never overflow.</summary>
    public const long MaxNumber = 1L << 61;

    /// <summary>Whether numbers are such as a store counts.</summary>
    public static bool AreCounts(params ReadOnlySpan<long> numbers) => !numbers.ContainsAnyExceptInRange(0, MaxNumber);

    /// <summary>Reads the content of a document.</summary>
    /// <exception cref="CorruptStorageException">It is not as this package writes it.</exception>
    public static T Read<T>(string document, ReadOnlyMemory<byte> content, JsonTypeInfo<T> type, Func<T, bool> isSound)
        where T : class
    {
        T? read;
        try
        {
            read = JsonSerializer.Deserialize(content.Span, type);
        }
        catch (JsonException)
        {
            // Its message can show what is in the document.
            read = null;
        }

        return read is not null && isSound(read) ? read : throw new CorruptStorageException(
            $"document '{Names.Printable(document)}'", "its content is not as this package writes it.", Advice);
    }
}

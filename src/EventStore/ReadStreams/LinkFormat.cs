using System.Buffers.Binary;

namespace EventStore.ReadStreams;

/// <summary>
/// The bytes of the documents that hold links: numbers of 8 bytes, little-endian, then the signature where there is a key.
/// </summary>
internal static class LinkFormat
{
    public static byte[] Write(string document, IReadOnlyList<long> numbers, ReadStreamSigner signer)
    {
        var length = numbers.Count * sizeof(long);
        var content = new byte[length + (signer.HasKey ? ReadStreamSigner.SignatureBytes : 0)];
        for (var i = 0; i < numbers.Count; i++) BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(i * sizeof(long)), numbers[i]);
        if (signer.HasKey) signer.Sign(document, content.AsSpan(0, length)).CopyTo(content.AsSpan(length));
        return content;
    }

    /// <summary>Reads a document whose last numbers are links, after some numbers before them.</summary>
    /// <exception cref="CorruptStorageException">Its signature does not fit, or its numbers make no sense.</exception>
    public static long[] Read(string document, ReadOnlySpan<byte> content, int before, ReadStreamSigner signer)
    {
        if (signer.HasKey)
        {
            var length = Math.Max(0, content.Length - ReadStreamSigner.SignatureBytes);
            if (!signer.Fits(document, content[..length], content[length..])) throw Corrupt(document, "its signature does not fit.");
            content = content[..length];
        }

        var count = content.Length / sizeof(long);
        if (content.Length % sizeof(long) != 0 || count < before || count > before + LinkStore.LinksPerPart)
            throw Corrupt(document, $"it has {content.Length} bytes of numbers.");

        var numbers = new long[count];
        for (var i = 0; i < count; i++)
        {
            numbers[i] = BinaryPrimitives.ReadInt64LittleEndian(content[(i * sizeof(long))..]);
            if (numbers[i] < 0 || (i > before && numbers[i] <= numbers[i - 1])) throw Corrupt(document, "its links are not in order.");
        }

        return numbers;
    }

    private static CorruptStorageException Corrupt(string document, string problem) =>
        new($"document '{document}'", problem, "Rebuild the read stream.");
}

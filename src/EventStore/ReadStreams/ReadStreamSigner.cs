using System.Security.Cryptography;
using System.Text;

namespace EventStore.ReadStreams;

/// <summary>
/// Signs what read streams store, with HMAC-SHA256 (RFC 2104). A signature is bound to the store and to the document, so that no other
/// document of this or another store fits.
/// </summary>
/// <param name="key">The key of the wireup; empty where nothing is signed by choice, null where nothing was chosen.</param>
/// <param name="storeId">The identity of the store.</param>
internal sealed class ReadStreamSigner(ReadOnlyMemory<byte>? key, Guid storeId)
{
    public const int SignatureBytes = HMACSHA256.HashSizeInBytes;

    /// <summary>Whether signatures prove anything: there is a key.</summary>
    public bool HasKey => key is { IsEmpty: false };

    /// <exception cref="ReadStreamException">The wireup has neither a key nor the choice to leave read streams unsigned.</exception>
    public void RequireChoice(string name)
    {
        if (key is null)
            throw new ReadStreamException(
                name,
                "was refused: the wireup has no key to sign read streams with.",
                "Add SignReadStreamsWith(key), or LeaveReadStreamsUnsigned() where no other program can write to the storage.");
    }

    public byte[] Sign(string document, ReadOnlySpan<byte> content)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.GetValueOrDefault().Span);
        hash.AppendData(Encoding.UTF8.GetBytes($"{storeId:N}\0{document}\0"));
        hash.AppendData(content);
        return hash.GetHashAndReset();
    }

    public bool Fits(string document, ReadOnlySpan<byte> content, ReadOnlySpan<byte> signature) =>
        CryptographicOperations.FixedTimeEquals(Sign(document, content), signature);
}

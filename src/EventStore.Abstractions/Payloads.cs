using EventStore.Engines;

namespace EventStore;

/// <summary>How payloads are compressed.</summary>
public enum CompressionAlgorithm
{
    /// <summary>gzip (RFC 1952).</summary>
    Gzip,

    /// <summary>Brotli (RFC 7932): smaller, at about the same cost for short payloads.</summary>
    Brotli,
}

/// <summary>A key for AES-GCM. Its id is stored with every payload that it encrypts, so that keys can be rotated.</summary>
public sealed class EncryptionKey
{
    /// <summary>Creates a key.</summary>
    /// <param name="id">Its id, stored unencrypted; 1 to 64 bytes in UTF-8. Never give two keys the same id.</param>
    /// <param name="key">16, 24 or 32 bytes; copied. Encrypt at most 2^32 payloads with one key (NIST SP 800-38D, 8.3).</param>
    /// <exception cref="InvalidNameException">The id is empty, too long or ill-formed.</exception>
    /// <exception cref="WireupException">The key has another length.</exception>
    public EncryptionKey(string id, ReadOnlySpan<byte> key)
    {
        Id = Names.Require(id, nameof(id), 64);
        if (key.Length is not (16 or 24 or 32))
            throw new WireupException(
                $"An encryption key has 16, 24 or 32 bytes, but '{Names.Printable(id)}' has {key.Length}. "
                + "Make one with RandomNumberGenerator.GetBytes(32).");
        Key = key.ToArray();
    }

    /// <summary>The id.</summary>
    public string Id { get; }

    /// <summary>The key itself. No message or log shows it.</summary>
    public ReadOnlyMemory<byte> Key { get; }

    /// <summary>The id only.</summary>
    public override string ToString() => Names.Printable(Id);
}

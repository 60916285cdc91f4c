using System.Security.Cryptography;

namespace EventStore.Serialization;

/// <summary>
/// AES-GCM with one key. The platform's object serves one caller at a time and is expensive to make, so idle ones are kept: one for each
/// processor at most.
/// </summary>
internal sealed class EncryptionCipher(EncryptionKey key)
{
    public const int NonceBytes = 12;
    public const int TagBytes = 16;
    private readonly AesGcm?[] idle = new AesGcm?[Environment.ProcessorCount];

    private ref AesGcm? Slot => ref idle[(uint)Thread.GetCurrentProcessorId() % (uint)idle.Length];

    /// <summary>Writes the ciphertext, as long as the payload, and the tag.</summary>
    public void Encrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> payload, Span<byte> ciphertext, Span<byte> tag, ReadOnlySpan<byte> bound)
    {
        var aes = Take();
        aes.Encrypt(nonce, payload, ciphertext, tag, bound);
        GiveBack(aes);
    }

    /// <summary>Writes the payload, as long as the ciphertext.</summary>
    /// <exception cref="AuthenticationTagMismatchException">Something is not as it was encrypted.</exception>
    public void Decrypt(
        ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> payload, ReadOnlySpan<byte> bound)
    {
        var aes = Take();
        try
        {
            aes.Decrypt(nonce, ciphertext, tag, payload, bound);
        }
        catch
        {
            aes.Dispose();
            throw;
        }

        GiveBack(aes);
    }

    private AesGcm Take() => Interlocked.Exchange(ref Slot, null) ?? new AesGcm(key.Key.Span, TagBytes);

    private void GiveBack(AesGcm aes)
    {
        if (Interlocked.CompareExchange(ref Slot, aes, null) is not null) aes.Dispose();
    }
}

using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.Serialization;

/// <summary>
/// Encrypts and authenticates each payload with AES-GCM (NIST SP 800-38D), bound to its place, so that it cannot be read at another one.
/// </summary>
/// <remarks>
/// Layout: one byte with the length of the key id, and the key id in UTF-8. Then come a random nonce of 12 bytes, a tag of 16, and the
/// ciphertext.
/// </remarks>
internal sealed class EncryptionTransform(EncryptionKey current, IReadOnlyDictionary<string, EncryptionKey> keys) : IPayloadTransform
{
    /// <summary>The id of the transform.</summary>
    public const string Name = "aes-gcm";

    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int NumberBytes = 48;
    private readonly byte[] currentId = Encoding.UTF8.GetBytes(current.Id);

    public string Id => Name;

    public bool TryApply(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
    {
        var start = 1 + currentId.Length;
        var whole = output.GetSpan(start + NonceBytes + TagBytes + payload.Length)[..(start + NonceBytes + TagBytes + payload.Length)];
        whole[0] = (byte)currentId.Length;
        currentId.CopyTo(whole[1..]);
        var nonce = whole.Slice(start, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(current.Key.Span, TagBytes);
        aes.Encrypt(nonce, payload, whole[(start + NonceBytes + TagBytes)..], whole.Slice(start + NonceBytes, TagBytes), Bind(context));
        output.Advance(whole.Length);
        return true;
    }

    public void Restore(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
    {
        var start = payload.IsEmpty ? 0 : 1 + payload[0];
        if (payload.Length < start + NonceBytes + TagBytes || start == 0)
            throw new PayloadTransformException(Id, "it is cut short.", "Verify the store.");

        var keyId = Encoding.UTF8.GetString(payload[1..start]);
        if (!keys.TryGetValue(keyId, out var key))
            throw new PayloadTransformException(
                Id,
                $"it was encrypted with the key '{Names.Printable(keyId)}', which is not configured.",
                "Add that key to EncryptWith, after the current one.");

        var ciphertext = payload[(start + NonceBytes + TagBytes)..];
        var plain = output.GetSpan(Math.Max(1, ciphertext.Length))[..ciphertext.Length];
        using var aes = new AesGcm(key.Key.Span, TagBytes);
        try
        {
            aes.Decrypt(payload.Slice(start, NonceBytes), ciphertext, payload.Slice(start + NonceBytes, TagBytes), plain, Bind(context));
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new PayloadTransformException(
                Id,
                $"the key '{Names.Printable(keyId)}' does not fit, or the payload was changed or moved to another place.",
                "Check the key; then verify the store.",
                error);
        }

        output.Advance(ciphertext.Length);
    }

    // The associated data: the numbers of the place, then its texts. Each text is preceded by its length, so that no two places are equal.
    private static ReadOnlySpan<byte> Bind(in PayloadContext context)
    {
        var bound = new ArrayBufferWriter<byte>(256);
        var numbers = bound.GetSpan(NumberBytes);
        context.StoreId.TryWriteBytes(numbers);
        context.Id.TryWriteBytes(numbers[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[32..], context.Position);
        BinaryPrimitives.WriteInt32LittleEndian(numbers[40..], context.SchemaVersion);
        BinaryPrimitives.WriteInt32LittleEndian(numbers[44..], (int)context.Kind);
        bound.Advance(NumberBytes);
        ReadOnlySpan<string> parts =
            [context.Stream.Bucket, context.Stream.Category, context.Stream.Id, context.Type, context.AppliedBefore];
        foreach (var part in parts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bound.GetSpan(4), Encoding.UTF8.GetByteCount(part));
            bound.Advance(4);
            Encoding.UTF8.GetBytes(part, bound);
        }

        return bound.WrittenSpan;
    }
}

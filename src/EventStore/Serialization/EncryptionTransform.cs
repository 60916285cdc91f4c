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
internal sealed class EncryptionTransform : IPayloadTransform
{
    /// <summary>The id of the transform.</summary>
    public const string Name = "aes-gcm";

    private const int NonceBytes = EncryptionCipher.NonceBytes;
    private const int TagBytes = EncryptionCipher.TagBytes;
    private const int NumberBytes = 48;
    private const int MaxBytesPerCharacter = 3;
    private const int UsualBoundBytes = 512;
    private readonly byte[] currentId;
    private readonly EncryptionCipher current;
    private readonly Dictionary<string, EncryptionCipher> earlier;

    /// <param name="current">The key for new payloads.</param>
    /// <param name="keys">All keys by their ids.</param>
    public EncryptionTransform(EncryptionKey current, IReadOnlyDictionary<string, EncryptionKey> keys)
    {
        (currentId, this.current) = (Encoding.UTF8.GetBytes(current.Id), new EncryptionCipher(current));
        earlier = keys.ToDictionary(key => key.Key, key => new EncryptionCipher(key.Value), StringComparer.Ordinal);
    }

    public string Id => Name;

    public bool TryApply(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
    {
        var start = 1 + currentId.Length;
        var whole = output.GetSpan(start + NonceBytes + TagBytes + payload.Length)[..(start + NonceBytes + TagBytes + payload.Length)];
        whole[0] = (byte)currentId.Length;
        currentId.CopyTo(whole[1..]);
        var nonce = whole.Slice(start, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        var bound = Bind(context, stackalloc byte[UsualBoundBytes]);
        current.Encrypt(nonce, payload, whole[(start + NonceBytes + TagBytes)..], whole.Slice(start + NonceBytes, TagBytes), bound);
        output.Advance(whole.Length);
        return true;
    }

    public void Restore(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
    {
        var start = payload.IsEmpty ? 0 : 1 + payload[0];
        if (payload.Length < start + NonceBytes + TagBytes || start == 0)
            throw new PayloadTransformException(Id, "it is cut short.", "Verify the store.");

        var keyId = payload[1..start];
        var cipher = keyId.SequenceEqual(currentId) ? current : FindEarlier(keyId);
        var ciphertext = payload[(start + NonceBytes + TagBytes)..];
        var plain = output.GetSpan(Math.Max(1, ciphertext.Length))[..ciphertext.Length];
        var bound = Bind(context, stackalloc byte[UsualBoundBytes]);
        try
        {
            cipher.Decrypt(payload.Slice(start, NonceBytes), ciphertext, payload.Slice(start + NonceBytes, TagBytes), plain, bound);
        }
        catch (AuthenticationTagMismatchException error)
        {
            throw new PayloadTransformException(
                Id,
                $"the key '{Names.Printable(Encoding.UTF8.GetString(keyId))}' does not fit, or the payload was changed or moved to another "
                + "place.",
                "Check the key; then verify the store.",
                error);
        }

        output.Advance(ciphertext.Length);
    }

    private EncryptionCipher FindEarlier(ReadOnlySpan<byte> id)
    {
        var keyId = Encoding.UTF8.GetString(id);
        return earlier.GetValueOrDefault(keyId) ?? throw new PayloadTransformException(
            Id,
            $"it was encrypted with the key '{Names.Printable(keyId)}', which is not configured.",
            "Add that key to EncryptWith, after the current one.");
    }

    // The associated data: the numbers of the place, then its texts. Each text is preceded by its length, so that no two places are equal.
    // The space is replaced where it might not suffice.
    private static ReadOnlySpan<byte> Bind(in PayloadContext context, Span<byte> space)
    {
        var stream = context.Stream;
        ReadOnlySpan<string> parts = [stream.Bucket, stream.Category, stream.Id, context.Type, context.AppliedBefore];
        var most = NumberBytes;
        foreach (var part in parts) most += sizeof(int) + (MaxBytesPerCharacter * part.Length);
        if (most > space.Length) space = new byte[most];
        context.StoreId.TryWriteBytes(space);
        context.Id.TryWriteBytes(space[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(space[32..], context.Position);
        BinaryPrimitives.WriteInt32LittleEndian(space[40..], context.SchemaVersion);
        BinaryPrimitives.WriteInt32LittleEndian(space[44..], (int)context.Kind);
        var written = NumberBytes;
        foreach (var part in parts)
        {
            var bytes = Encoding.UTF8.GetBytes(part, space[(written + sizeof(int))..]);
            BinaryPrimitives.WriteInt32LittleEndian(space[written..], bytes);
            written += sizeof(int) + bytes;
        }

        return space[..written];
    }
}

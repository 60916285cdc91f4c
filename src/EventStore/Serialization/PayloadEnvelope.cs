using System.Buffers;
using System.Collections.Specialized;
using System.Text;

namespace EventStore.Serialization;

/// <summary>
/// Applies the transforms to payloads, and restores them. A transformed payload begins with an envelope that names its transforms in the
/// order applied. Any other payload is stored unchanged. So plain JSON stays readable, and the transforms of a store may change.
/// </summary>
/// <remarks>
/// Envelope: the bytes C1 E5 53 01 (C1 begins no UTF-8 text), and one byte with the number of transforms. For each of them follow one byte
/// with the length of its id, and the id in ASCII. Then come the transformed bytes. A plain payload that happens to begin so gets an
/// envelope of no transforms.
/// </remarks>
internal sealed class PayloadEnvelope
{
    /// <summary>More transforms than this are neither applied nor restored.</summary>
    public const int MaxTransforms = 8;

    // What encryption adds to a payload, rounded up.
    private const int OverheadBytes = 128;

    private readonly IPayloadTransform[] applied;
    private readonly Dictionary<string, IPayloadTransform> known;
    private readonly PayloadProtection protection;
    private readonly long maxBytes = Array.MaxLength;

    /// <param name="applied">The transforms applied to new payloads, in this order.</param>
    /// <param name="readable">Further transforms, which earlier payloads may have.</param>
    /// <param name="protection">What is required of the payloads that are read.</param>
    public PayloadEnvelope(
        IEnumerable<IPayloadTransform> applied, IEnumerable<IPayloadTransform> readable, PayloadProtection protection)
    {
        this.protection = protection;
        this.applied = [.. applied];
        known = this.applied.Concat(readable).DistinctBy(transform => transform.Id).ToDictionary(
            transform => transform.Id, StringComparer.Ordinal);
        foreach (var id in known.Keys)
        {
            if (id.Length is < 1 or > 32 || !Ascii.IsValid(id))
                throw new WireupException($"A transform's id has 1 to 32 ASCII characters, but one is '{Names.Printable(id)}'.");
        }
    }

    private PayloadEnvelope(PayloadEnvelope original, long maxBytes) =>
        (applied, known, protection, this.maxBytes) = (original.applied, original.known, original.protection, maxBytes);

    private static ReadOnlySpan<byte> Magic => [0xC1, 0xE5, 0x53, 0x01];

    /// <summary>The same envelope for an engine: what it restores has at most the bytes that the engine stores.</summary>
    public PayloadEnvelope Within(EngineLimits limits) =>
        new(this, Math.Min(Array.MaxLength, Math.Max(limits.MaxCommitBytes, Math.Max(limits.MaxSnapshotBytes, limits.MaxDocumentBytes))));

    /// <summary>Whether a payload may be stored unchanged.</summary>
    public bool LeavesAlone(ReadOnlySpan<byte> payload) => applied.Length == 0 && !payload.StartsWith(Magic);

    /// <summary>Whether a stored payload is read unchanged, wherever it is stored.</summary>
    public bool IsReadUnchanged(ReadOnlySpan<byte> stored) => !protection.RequiresEncryption && !stored.StartsWith(Magic);

    /// <summary>Replaces what was written after a place by its transformed form.</summary>
    /// <exception cref="TooLargeException">The payload could not be restored within the limit.</exception>
    public void Write(int start, PayloadContext context, PayloadScratch scratch)
    {
        var current = scratch.Output.WrittenSpan[start..];
        if (current.Length > maxBytes) throw new TooLargeException("payload", current.Length, maxBytes, "bytes before it is transformed");
        context = context with { StoreId = protection.StoreId };
        var used = new BitVector32();
        var count = 0;
        for (var i = 0; i < applied.Length; i++)
        {
            if (!applied[i].TryApply(current, context, scratch.TakeSpare(current.Length + OverheadBytes))) continue;
            current = scratch.AcceptSpare();
            used[1 << i] = true;
            context = context with { AppliedBefore = count++ == 0 ? applied[i].Id : $"{context.AppliedBefore},{applied[i].Id}" };
        }

        if (count == 0)
        {
            if (!current.StartsWith(Magic)) return;
            scratch.TakeSpare(current.Length).Write(current);
            current = scratch.AcceptSpare();
        }

        scratch.Truncate(start);
        WriteHeader(used, count, scratch.Output);
        scratch.Output.Write(current);
    }

    /// <param name="stored">The payload as it is stored.</param>
    /// <param name="context">Its place.</param>
    /// <param name="checkpoint">The checkpoint of its event; the origin for a state.</param>
    /// <param name="eventType">The type name of its event; null for a state, whose type the place has.</param>
    /// <exception cref="PayloadTransformException">
    /// It was changed or moved, its key or transform is missing, or it is not encrypted where that is required.
    /// </exception>
    public ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> stored, PayloadContext context, Checkpoint checkpoint, string? eventType = null)
    {
        try
        {
            return Restore(stored, context, checkpoint, eventType);
        }
        catch (PayloadTransformException error)
        {
            throw error.At(PlaceOf(context, checkpoint));
        }
    }

    private static string PlaceOf(in PayloadContext context, Checkpoint checkpoint) => context.Kind switch
    {
        PayloadKind.EventBody => $"the body of event {context.Id} in stream '{context.Stream}' at checkpoint {checkpoint}",
        PayloadKind.EventHeaders => $"the headers of event {context.Id} in stream '{context.Stream}' at checkpoint {checkpoint}",
        PayloadKind.CommitHeaders => $"the headers of commit {context.Id} in stream '{context.Stream}' at checkpoint {checkpoint}",
        PayloadKind.Snapshot => $"the snapshot of stream '{context.Stream}' at revision {context.Position}",
        _ => $"the state of the consumer '{Names.Printable(context.Stream.Id)}' at checkpoint {context.Position}",
    };

    private ReadOnlyMemory<byte> Restore(ReadOnlyMemory<byte> stored, PayloadContext context, Checkpoint checkpoint, string? eventType)
    {
        var (ids, payload) = stored.Span.StartsWith(Magic) ? ReadHeader(stored[Magic.Length..]) : ([], stored);
        if ((ids.Count == 0 || ids[^1] != EncryptionTransform.Name) && !protection.AcceptsPlaintext(eventType ?? context.Type, checkpoint))
            throw new PayloadTransformException(
                EncryptionTransform.Name,
                "it is not encrypted, but EncryptWith(…) requires that.",
                "If it was stored before encryption was chosen, accept it with AcceptPlaintextUntil(…) or AcceptPlaintextOf(…). "
                + "Otherwise another program wrote to the storage.");
        context = context with { StoreId = protection.StoreId };
        for (var i = ids.Count - 1; i >= 0; i--)
        {
            if (!known.TryGetValue(ids[i], out var transform))
                throw new PayloadTransformException(
                    Names.Printable(ids[i]),
                    "no transform of this name is configured.",
                    "Add it to the wireup, as when the payload was written.");
            var output = new BoundedOutput(ids[i], Math.Max(256, payload.Length), maxBytes);
            Restore(transform, payload, context with { AppliedBefore = i == 0 ? "" : string.Join(',', ids[..i]) }, output);
            payload = output.Written;
        }

        return payload;
    }

    // A transform of the application may throw anything, and its text may quote what it restores.
    private static void Restore(
        IPayloadTransform transform, ReadOnlyMemory<byte> payload, in PayloadContext context, BoundedOutput output)
    {
        try
        {
            transform.Restore(payload.Span, context, output);
        }
        catch (Exception error) when (error is not (EventStoreException or OutOfMemoryException))
        {
            throw new PayloadTransformException(
                transform.Id, $"it failed with {error.GetType().Name}.", "Look at the transform; then verify the store.",
                BodyException.WithoutText(error));
        }
    }

    private void WriteHeader(BitVector32 used, int count, ArrayBufferWriter<byte> output)
    {
        output.Write(Magic);
        output.Write([(byte)count]);
        for (var i = 0; i < applied.Length; i++)
        {
            if (!used[1 << i]) continue;
            output.Write([(byte)applied[i].Id.Length]);
            Encoding.ASCII.GetBytes(applied[i].Id, output);
        }
    }

    private static (List<string> Ids, ReadOnlyMemory<byte> Payload) ReadHeader(ReadOnlyMemory<byte> rest)
    {
        var bytes = rest.Span;
        var ids = new List<string>();
        try
        {
            var position = 1;
            if (bytes[0] > MaxTransforms)
                throw new PayloadTransformException(
                    "envelope", $"it names {bytes[0]} transforms, and at most {MaxTransforms} are possible.", "Verify the store.");
            for (var i = 0; i < bytes[0]; i++)
            {
                var length = bytes[position];
                ids.Add(Encoding.ASCII.GetString(bytes.Slice(position + 1, length)));
                position += 1 + length;
            }

            return (ids, rest[position..]);
        }
        catch (Exception error) when (error is IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            throw new PayloadTransformException("envelope", "its envelope is cut short.", "Verify the store.", error);
        }
    }
}

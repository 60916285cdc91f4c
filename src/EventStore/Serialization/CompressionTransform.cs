using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;

namespace EventStore.Serialization;

/// <summary>
/// Compresses each payload by itself, so that any event can be read alone. Payloads that would not get smaller are stored unchanged.
/// </summary>
internal sealed class CompressionTransform(CompressionAlgorithm algorithm, CompressionLevel level, int minBytes) : IPayloadTransform
{
    // The trailer of gzip (RFC 1952, 2.3.1): a checksum, which the decompressor compares, and the length.
    private const int LengthBytes = 4;

    /// <summary>For states of consumers where no compression was chosen. Small ones stay readable.</summary>
    public static CompressionTransform OfStates { get; } = new(CompressionAlgorithm.Brotli, CompressionLevel.Fastest, 1024);

    /// <summary>A transform for reading, with any level.</summary>
    public static CompressionTransform Of(CompressionAlgorithm algorithm) => new(algorithm, CompressionLevel.Fastest, 0);

    public string Id => algorithm == CompressionAlgorithm.Brotli ? "br" : "gzip";

    public bool TryApply(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
    {
        if (payload.Length < minBytes) return false;
        using var compressed = new MemoryStream(payload.Length);
        using (var stream = OpenCompressor(compressed)) stream.Write(payload);
        if (compressed.Length >= payload.Length) return false;
        output.Write(compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        return true;
    }

    public void Restore(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output)
    {
        if (algorithm == CompressionAlgorithm.Brotli) RestoreBrotli(payload, output);
        else RestoreGzip(payload, output);
    }

    private void RestoreBrotli(ReadOnlySpan<byte> payload, IBufferWriter<byte> output)
    {
        var decoder = new BrotliDecoder();
        try
        {
            OperationStatus status;
            do
            {
                status = decoder.Decompress(payload, output.GetSpan(4096), out var consumed, out var written);
                output.Advance(written);
                payload = payload[consumed..];
            }
            while (status == OperationStatus.DestinationTooSmall);
            if (status != OperationStatus.Done || !payload.IsEmpty) throw Damaged();
        }
        finally
        {
            decoder.Dispose();
        }
    }

    private void RestoreGzip(ReadOnlySpan<byte> payload, IBufferWriter<byte> output)
    {
        if (payload.Length <= LengthBytes) throw Damaged();
        using var compressed = new MemoryStream(payload.ToArray(), writable: false);
        using var stream = new GZipStream(compressed, CompressionMode.Decompress);
        long restored = 0;
        try
        {
            for (int read; (read = stream.Read(output.GetSpan(4096))) > 0; restored += read) output.Advance(read);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException)
        {
            throw Damaged(error);
        }

        // The stream ends without an error where its bytes do.
        if ((uint)restored != BinaryPrimitives.ReadUInt32LittleEndian(payload[^LengthBytes..])) throw Damaged();
    }

    private PayloadTransformException Damaged(Exception? error = null) =>
        new(Id, "it is cut short, or not what the compressor wrote.", "Verify the store.", error);

    private Stream OpenCompressor(Stream output) => algorithm == CompressionAlgorithm.Brotli
        ? new BrotliStream(output, level, leaveOpen: true)
        : new GZipStream(output, level, leaveOpen: true);
}

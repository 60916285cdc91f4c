using System.Buffers;
using System.IO.Compression;

namespace EventStore.Serialization;

/// <summary>
/// Compresses each payload by itself, so that any event can be read alone. Payloads that would not get smaller are stored unchanged.
/// </summary>
internal sealed class CompressionTransform(CompressionAlgorithm algorithm, CompressionLevel level, int minBytes) : IPayloadTransform
{
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
        using var compressed = new MemoryStream(payload.ToArray(), writable: false);
        using Stream stream = algorithm == CompressionAlgorithm.Brotli
            ? new BrotliStream(compressed, CompressionMode.Decompress)
            : new GZipStream(compressed, CompressionMode.Decompress);
        try
        {
            for (int read; (read = stream.Read(output.GetSpan(4096))) > 0;) output.Advance(read);
        }
        catch (Exception error) when (error is InvalidDataException or InvalidOperationException)
        {
            throw new PayloadTransformException(Id, "it is not what the compressor wrote.", "Verify the store.", error);
        }
    }

    private Stream OpenCompressor(Stream output) => algorithm == CompressionAlgorithm.Brotli
        ? new BrotliStream(output, level, leaveOpen: true)
        : new GZipStream(output, level, leaveOpen: true);
}

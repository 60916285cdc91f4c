using System.Buffers;

namespace EventStore.Serialization;

/// <summary>What a transform restores, which may grow up to a limit: a few stored bytes could otherwise become gigabytes.</summary>
/// <param name="transform">The id of the transform, for the error.</param>
/// <param name="expectedBytes">How much space to begin with.</param>
/// <param name="maxBytes">The limit.</param>
internal sealed class BoundedOutput(string transform, int expectedBytes, long maxBytes) : IBufferWriter<byte>
{
    // A transform asks for more space than it will use, so the limit itself is checked where it says how much it used.
    private const int Slack = 64 << 10;

    private readonly ArrayBufferWriter<byte> output = new((int)Math.Clamp(maxBytes, 1, expectedBytes));

    public ReadOnlyMemory<byte> Written => output.WrittenMemory;

    public void Advance(int count)
    {
        output.Advance(count);
        RequireRoom(0);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        RequireRoom(sizeHint - Slack);
        return output.GetMemory(sizeHint);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        RequireRoom(sizeHint - Slack);
        return output.GetSpan(sizeHint);
    }

    private void RequireRoom(long more)
    {
        if (output.WrittenCount + Math.Max(0, more) > maxBytes)
            throw new PayloadTransformException(
                transform, $"it grows beyond {maxBytes} bytes, the limit of this engine.", "No store wrote it: verify the store.");
    }
}

using System.Buffers;

namespace EventStore.Serialization;

/// <summary>
/// Space in which payloads are serialized and transformed, reused by the next call on the same thread. A serializer or transform of the
/// application may come back here, so the space is removed while it is used.
/// </summary>
internal sealed class PayloadScratch
{
    private const int MaxIdleBytes = 1 << 20;
    private const int FirstBytes = 1024;

    [ThreadStatic]
    private static PayloadScratch? idle;

    // What a transform wrote last, and where the next one may write.
    private ArrayBufferWriter<byte> transformed = new(FirstBytes);
    private ArrayBufferWriter<byte> spare = new(FirstBytes);

    private PayloadScratch()
    {
    }

    /// <summary>What was written so far.</summary>
    public ArrayBufferWriter<byte> Output { get; } = new(FirstBytes);

    /// <summary>Empty space.</summary>
    public static PayloadScratch Take()
    {
        var taken = idle ?? new PayloadScratch();
        idle = null;
        taken.Output.ResetWrittenCount();
        return taken;
    }

    /// <summary>Gives the space back; nothing in it may be used any more. Without it, the space is left to the garbage collector.</summary>
    public void GiveBack()
    {
        if (Math.Max(Output.Capacity, Math.Max(transformed.Capacity, spare.Capacity)) <= MaxIdleBytes) idle = this;
    }

    /// <summary>Empty space for a transform, apart from the output and from what was accepted last.</summary>
    public ArrayBufferWriter<byte> TakeSpare(int expectedBytes)
    {
        if (spare.Capacity < expectedBytes) spare = new ArrayBufferWriter<byte>(expectedBytes);
        spare.ResetWrittenCount();
        return spare;
    }

    /// <summary>Keeps what was written into the spare space until the next but one is taken.</summary>
    public ReadOnlySpan<byte> AcceptSpare()
    {
        (transformed, spare) = (spare, transformed);
        return transformed.WrittenSpan;
    }

    /// <summary>Removes what the output has after a place.</summary>
    public void Truncate(int start)
    {
        Output.ResetWrittenCount();
        Output.Advance(start);
    }
}

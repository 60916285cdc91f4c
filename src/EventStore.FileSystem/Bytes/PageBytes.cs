namespace EventStore.FileSystem.Bytes;

/// <summary>
/// Keeps copies of the bytes that a page returns, close together in chunks. Chunks are small, and large values have an array of their
/// own, so that a caller that keeps one event keeps little else in memory.
/// </summary>
internal sealed class PageBytes
{
    private const int FirstChunkBytes = 1 << 10;
    private const int LargestChunkBytes = 8 << 10;
    private byte[] chunk = [];
    private int used;
    private int nextChunkBytes = FirstChunkBytes;

    public ReadOnlyMemory<byte> Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return default;
        if (bytes.Length > chunk.Length - used)
        {
            if (bytes.Length > nextChunkBytes / 4) return bytes.ToArray();
            chunk = GC.AllocateUninitializedArray<byte>(nextChunkBytes);
            nextChunkBytes = Math.Min(nextChunkBytes * 4, LargestChunkBytes);
            used = 0;
        }

        bytes.CopyTo(chunk.AsSpan(used));
        var kept = chunk.AsMemory(used, bytes.Length);
        used += bytes.Length;
        return kept;
    }
}

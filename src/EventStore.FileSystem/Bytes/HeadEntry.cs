namespace EventStore.FileSystem.Bytes;

/// <summary>What the index knows of a stream.</summary>
/// <param name="Start">The address of its first commit; 0 for a deleted stream.</param>
/// <param name="Revision">Its revision.</param>
/// <param name="Sequence">The number of its newest commit.</param>
internal readonly record struct HeadEntry(long Start, long Revision, long Sequence)
{
    public const int MaxValueLength = 3 * Varint.MaxLength;

    public bool Exists => Start > 0;

    /// <summary>Whether a value is that of a stream.</summary>
    public static bool IsPossible(ReadOnlySpan<byte> value) =>
        Varint.TryRead(value, 0, out var start, out var at) && start is > 0 and <= Format.MaxPosition
        && Varint.TryRead(value, at, out var revision, out at) && revision is > 0 and <= Format.MaxCheckpoint
        && Varint.TryRead(value, at, out var sequence, out at) && sequence is > 0 and <= Format.MaxCheckpoint && at == value.Length;

    public static HeadEntry Read(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return default;
        var offset = 0;
        return new HeadEntry(Varint.Read(value, ref offset), Varint.Read(value, ref offset), Varint.Read(value, ref offset));
    }

    public byte[] ToValue()
    {
        Span<byte> into = stackalloc byte[MaxValueLength];
        return into[..WriteValue(into)].ToArray();
    }

    /// <summary>Writes the value; returns its length, 0 for a stream that was deleted.</summary>
    public int WriteValue(Span<byte> into)
    {
        if (!Exists) return 0;
        var length = Varint.Write(into, Start);
        length += Varint.Write(into[length..], Revision);
        return length + Varint.Write(into[length..], Sequence);
    }
}

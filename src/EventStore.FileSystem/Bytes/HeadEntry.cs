namespace EventStore.FileSystem.Bytes;

/// <summary>What the index knows of a stream.</summary>
/// <param name="Start">The address of its first commit; 0 for a deleted stream.</param>
/// <param name="Revision">Its revision.</param>
/// <param name="Sequence">The number of its newest commit.</param>
/// <param name="Incarnation">The checkpoint of its first event, also where that was truncated.</param>
/// <param name="FirstRevision">The first revision that is not truncated; one above the revision where all are.</param>
/// <param name="IsSealed">Whether it takes no more commits.</param>
internal readonly record struct HeadEntry(
    long Start, long Revision, long Sequence, long Incarnation, long FirstRevision, bool IsSealed)
{
    public const int MaxValueLength = 5 * Varint.MaxLength;

    public bool Exists => Start > 0;

    public StreamState State => Exists
        ? new StreamState(new Checkpoint(Incarnation), new Revision(Revision), new Revision(FirstRevision), IsSealed)
        : default;

    /// <summary>Whether the numbers may be those of a stream.</summary>
    public bool IsSound => Start is > 0 and <= Format.MaxPosition && Revision is > 0 and <= Format.MaxCheckpoint
        && Sequence > 0 && Sequence <= Revision && Incarnation is > 0 and <= Format.MaxCheckpoint
        && FirstRevision > 0 && FirstRevision <= Revision + 1;

    /// <summary>Whether a value is that of a stream.</summary>
    public static bool IsPossible(ReadOnlySpan<byte> value)
    {
        Span<long> numbers = stackalloc long[5];
        var at = 0;
        foreach (ref var number in numbers)
        {
            if (!Varint.TryRead(value, at, out number, out at)) return false;
        }

        return at == value.Length && numbers[4] >= 0 && Of(numbers).IsSound;
    }

    public static HeadEntry Read(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return default;
        Span<long> numbers = stackalloc long[5];
        var offset = 0;
        foreach (ref var number in numbers) number = Varint.Read(value, ref offset);
        return Of(numbers);
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
        length += Varint.Write(into[length..], Sequence);
        length += Varint.Write(into[length..], Incarnation);
        return length + Varint.Write(into[length..], (FirstRevision << 1) | (IsSealed ? 1L : 0));
    }

    private static HeadEntry Of(ReadOnlySpan<long> numbers) =>
        new(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4] >> 1, (numbers[4] & 1) != 0);
}

using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>What a frame holds.</summary>
internal enum FrameKind : byte
{
    None = 0,
    Commit = 1,
    Seal = 2,
    StreamDelete = 3,
    Purge = 4,
    SnapshotSave = 5,
    SnapshotPrune = 6,
    DocumentPut = 7,
    DocumentDelete = 8,
    Gap = 9,
    Unit = 10,
    Shortened = 11,
    StreamState = 12,
    Hold = 13,
    Skip = 14,
}

/// <summary>The head of a frame as it is written: its place, what it holds, and how far the log was durable then.</summary>
/// <param name="Position">Its address in the log, cumulative over all segments.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Count">Events of commits, those that were in a gap, or checkpoints that were skipped; 0 otherwise.</param>
/// <param name="Checkpoint">The checkpoint of a commit's first event; otherwise the one that the next event gets.</param>
/// <param name="DurableEnd">Up to where the log was known durable when the frame was written.</param>
/// <param name="PreviousCrc">The checksum of the frame before it.</param>
/// <param name="Epoch">The opening of the store that wrote it.</param>
internal readonly record struct FrameHeader(
    long Position, FrameKind Kind, int Count, long Checkpoint, long DurableEnd, uint PreviousCrc, uint Epoch);

/// <summary>A whole frame as it was read. Its bytes belong to a reused window. <see cref="Format.SealFrame"/> writes it.</summary>
/// <param name="position">Its address.</param>
/// <param name="bytes">Its head and body.</param>
/// <param name="source">Where it was read; null for a frame of this process, which is as it should be.</param>
internal readonly ref struct Frame(long position, ReadOnlySpan<byte> bytes, IFrameSource? source = null)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;
    private readonly IFrameSource? source = source;

    public long Position { get; } = position;

    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>The checksum that the next frame continues from.</summary>
    public uint Chain => IsReplacement ? GapCodec.ChainOf(this) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);

    /// <summary>Where the next frame stands.</summary>
    public long End => Position + (IsReplacement ? GapCodec.SpanOf(this) : bytes.Length);

    public FrameKind Kind => (FrameKind)bytes[8];

    /// <summary>Whether it holds commits, whole or shortened.</summary>
    public bool HoldsCommits => Kind is FrameKind.Commit or FrameKind.Unit or FrameKind.Shortened;

    /// <summary>Whether it stands in the place of another frame, which was longer.</summary>
    public bool IsReplacement => Kind is FrameKind.Gap or FrameKind.Shortened;

    public int Count => BinaryPrimitives.ReadUInt16LittleEndian(bytes[10..]);

    public long Checkpoint => BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]);

    public uint PreviousCrc => BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);

    public long DurableEnd =>
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]) is var lag && lag == Format.NoEvidence ? 0 : Position - (lag * 8L);

    public uint Epoch => BinaryPrimitives.ReadUInt32LittleEndian(bytes[28..]);

    public ReadOnlySpan<byte> Body => bytes[Format.FrameHeaderLength..];

    /// <summary>The error for a frame with a right checksum whose content is impossible.</summary>
    public Exception Impossible() => source is null
        ? new InvalidOperationException($"The frame at address {Position} has an impossible content.")
        : source.Damaged(Position, "the content of a stored frame is impossible.");

    public FrameHeader ToHeader() => new(Position, Kind, Count, Checkpoint, DurableEnd, PreviousCrc, Epoch);
}

/// <summary>What frames are read from.</summary>
internal interface IFrameSource
{
    /// <summary>The error for damage at an address of the log.</summary>
    CorruptStorageException Damaged(long position, string problem);
}

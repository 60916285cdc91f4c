using System.Buffers.Binary;

namespace EventStore.FileSystem.Bytes;

/// <summary>
/// The formats of the store's identity, of a segment's head and of frames. All numbers are little-endian, frames begin at multiples of 8,
/// every checksum is a CRC-32C. docs/file-format.md describes them in prose.
/// </summary>
internal static class Format
{
    public const ushort Major = 2;
    public const ushort Minor = 0;

    public const int IdentityLength = 128;
    public const int SegmentHeaderLength = 4096;
    public const int FrameHeaderLength = 32;

    // Longer than any: a commit has 64 MiB of bodies and headers, and 65,535 events with their names.
    public const int MaxFrameLength = 1 << 27;

    // What no log reaches: so sums of two such numbers never overflow.
    public const long MaxPosition = 1L << 51;
    public const long MaxSegmentLength = 1L << 40;
    public const long MaxCheckpoint = AttemptRules.MaxNumber;

    private const ulong IdentityMagic = 0x31524F5453465345; // "ESFSTOR1"
    private const ulong SegmentMagic = 0x31474F4C53465345; // "ESFSLOG1"
    public const uint NoEvidence = uint.MaxValue;

    public static void WriteIdentity(Span<byte> into, StoreIdentity identity)
    {
        into[..IdentityLength].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(into, IdentityMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(into[8..], Major);
        BinaryPrimitives.WriteUInt16LittleEndian(into[10..], Minor);
        identity.Id.TryWriteBytes(into[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(into[32..], identity.CreatedTicks);
        BinaryPrimitives.WriteUInt32LittleEndian(into[40..], (uint)identity.Features);
        BinaryPrimitives.WriteUInt32LittleEndian(into[124..], Crc32C.Of(into[..124]));
    }

    /// <summary>Reads a store's identity; a null problem means it is sound.</summary>
    /// <exception cref="StorageFormatException">It is of an unknown format, or has features that this version does not know.</exception>
    public static StoreIdentity? ReadIdentity(ReadOnlySpan<byte> from, string place, out string? problem)
    {
        problem = ProblemOf(from, IdentityLength, IdentityMagic);
        if (problem is not null) return null;
        RequireKnown(from, place);
        var features = (StoreFeatures)BinaryPrimitives.ReadUInt32LittleEndian(from[40..]);
        RequireKnownFeatures((uint)features, (uint)StoreFeatures.HasLosses, place);
        return new StoreIdentity(new Guid(from.Slice(16, 16)), BinaryPrimitives.ReadInt64LittleEndian(from[32..]), features);
    }

    /// <summary>
    /// Refuses a file of another major format. Called once the header is known to be sound; its checksum is at the same place in every
    /// format.
    /// </summary>
    /// <exception cref="StorageFormatException">It is of another major format.</exception>
    public static void RequireKnown(ReadOnlySpan<byte> header, string place)
    {
        var (major, minor) = (BinaryPrimitives.ReadUInt16LittleEndian(header[8..]), BinaryPrimitives.ReadUInt16LittleEndian(header[10..]));
        if (major != Major) throw new StorageFormatException(place, $"format {major}.{minor}", $"format {Major}");
    }

    /// <summary>Refuses a file with features that this version does not know.</summary>
    /// <exception cref="StorageFormatException">It has unknown features.</exception>
    public static void RequireKnownFeatures(uint features, uint known, string place)
    {
        if ((features & ~known) != 0)
            throw new StorageFormatException(place, $"a format with the features {features:X}", $"the features {known:X} only");
    }

    public static void WriteSegmentHeader(Span<byte> into, in SegmentHeader header)
    {
        into[..SegmentHeaderLength].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(into, SegmentMagic);
        BinaryPrimitives.WriteUInt16LittleEndian(into[8..], Major);
        BinaryPrimitives.WriteUInt16LittleEndian(into[10..], Minor);
        header.StoreId.TryWriteBytes(into[16..]);
        BinaryPrimitives.WriteInt64LittleEndian(into[32..], header.Number);
        BinaryPrimitives.WriteInt64LittleEndian(into[40..], header.Base);
        BinaryPrimitives.WriteInt64LittleEndian(into[48..], header.FirstCheckpoint);
        BinaryPrimitives.WriteUInt32LittleEndian(into[56..], header.Chain);
        BinaryPrimitives.WriteUInt32LittleEndian(into[124..], Crc32C.Of(into[..124]));
    }

    public static SegmentHeader ReadSegmentHeader(ReadOnlySpan<byte> from, out string? problem)
    {
        problem = ProblemOf(from, SegmentHeaderLength, SegmentMagic);
        if (problem is null && from[128..SegmentHeaderLength].ContainsAnyExcept((byte)0))
            problem = "its header is followed by bytes that should be zero.";
        if (problem is not null) return default;
        var header = new SegmentHeader(
            new Guid(from.Slice(16, 16)),
            BinaryPrimitives.ReadInt64LittleEndian(from[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[40..]),
            BinaryPrimitives.ReadInt64LittleEndian(from[48..]),
            BinaryPrimitives.ReadUInt32LittleEndian(from[56..]));
        if (!ArePossible(header.Base, header.FirstCheckpoint)) problem = "its header has an impossible place.";
        return header;
    }

    /// <summary>Writes the part of a frame's header that does not depend on its place in the log.</summary>
    public static void WriteDraft(Span<byte> frame, FrameKind kind, int eventCount)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)frame.Length);
        frame[8] = (byte)kind;
        frame[9] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(frame[10..], (ushort)eventCount);
    }

    /// <summary>Completes the header of a frame whose body is written and padded; returns its checksum.</summary>
    public static uint SealFrame(Span<byte> frame, in FrameHeader header, ulong storeSeed)
    {
        WriteDraft(frame, header.Kind, header.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[12..], header.PreviousCrc);
        BinaryPrimitives.WriteInt64LittleEndian(frame[16..], header.Checkpoint);
        var lag = (header.Position - header.DurableEnd) / 8;
        BinaryPrimitives.WriteUInt32LittleEndian(frame[24..], lag >= NoEvidence ? NoEvidence : (uint)lag);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[28..], header.Epoch);
        var crc = FrameCrc(frame, header.Position, storeSeed);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], crc);
        return crc;
    }

    /// <summary>The length a frame claims; 0 where none was written.</summary>
    public static int FrameLength(ReadOnlySpan<byte> frame)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(frame);
        return length is >= FrameHeaderLength and <= MaxFrameLength && length % 8 == 0 ? (int)length : 0;
    }

    /// <summary>Whether the bytes are a whole frame of this store at this position.</summary>
    public static bool IsFrame(ReadOnlySpan<byte> frame, long position, ulong storeSeed) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]) == FrameCrc(frame, position, storeSeed)
        && ArePossible(position, BinaryPrimitives.ReadInt64LittleEndian(frame[16..]))
        && (frame[8] is not ((byte)FrameKind.Gap or (byte)FrameKind.Shortened) || GapCodec.IsSound(frame));

    /// <summary>Whether numbers read from a file can be an address of the log and a checkpoint.</summary>
    public static bool ArePossible(long position, long checkpoint) =>
        position is >= 0 and <= MaxPosition && checkpoint is >= 1 and <= MaxCheckpoint;

    /// <summary>
    /// The seed of a store's checksums, made of its id, so that a frame of another store is never taken for one of this store.
    /// </summary>
    public static ulong SeedOf(Guid storeId)
    {
        Span<byte> bytes = stackalloc byte[16];
        storeId.TryWriteBytes(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);
    }

    /// <summary>The beginning of a frame's checksum, to be continued with the frame from byte 8 on.</summary>
    public static uint BeginFrameCrc(long length, long position, ulong storeSeed) =>
        Crc32C.Of((ulong)length, Crc32C.Of((ulong)position, Crc32C.Of(storeSeed, 0)));

    private static uint FrameCrc(ReadOnlySpan<byte> frame, long position, ulong storeSeed) =>
        Crc32C.Of(frame[8..], BeginFrameCrc(frame.Length, position, storeSeed));

    private static string? ProblemOf(ReadOnlySpan<byte> from, int length, ulong magic)
    {
        if (from.Length < length) return "it is shorter than its header.";
        if (BinaryPrimitives.ReadUInt64LittleEndian(from) != magic) return "it does not begin as such a file does.";
        return Crc32C.Of(from[..124]) == BinaryPrimitives.ReadUInt32LittleEndian(from[124..])
            ? null
            : "the checksum of its header is wrong.";
    }
}

/// <summary>The head of a segment.</summary>
/// <param name="StoreId">The store it belongs to.</param>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Base">The log's address of its first byte.</param>
/// <param name="FirstCheckpoint">The checkpoint that its first event gets.</param>
/// <param name="Chain">The checksum of the last frame of the segment before it.</param>
internal readonly record struct SegmentHeader(Guid StoreId, long Number, long Base, long FirstCheckpoint, uint Chain);

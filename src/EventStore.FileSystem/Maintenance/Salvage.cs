using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Rewrites a damaged log, segment by segment. Whole frames stay where they are. Everything between two of them becomes a gap that
/// continues the chain and the checkpoints. Segments without damage are copied as they are.
/// </summary>
internal sealed class Salvage(
    IDisk source, IDisk target, Guid storeId, CancellationToken cancellationToken)
{
    // The gaps behind the end only keep checkpoints from being reused. A claim that needs more of them is damaged.
    private const long MostGapBytes = 16 << 20;

    private readonly ulong seed = Format.SeedOf(storeId);
    private readonly FileCopy copy = new(target);

    // Where the log continues: the checksum of the last frame, the checkpoint that the next event gets, the newest stamp.
    private uint chain;
    private long checkpoint = 1;
    private long stamp;

    // Whole frames that contradict those before them.
    private readonly HashSet<long> strange = [];

    public List<LostPart> LostParts { get; } = [];

    public LostStreams Streams { get; } = new();

    /// <summary>Where the log ends that was written; known once its last segment is.</summary>
    public long End { get; private set; }

    /// <param name="segment">The next segment.</param>
    /// <param name="next">The one after it; null for the last.</param>
    public void Save(DamagedSegment segment, DamagedSegment? next)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var before = (chain, checkpoint, stamp);
        var isWhole = segment.Header is { } header && header.Chain == chain && header.FirstCheckpoint == checkpoint;
        if (!isWhole)
            LostParts.Add(
                new LostPart(
                    PlaceOf(segment, segment.Base), segment.Problem ?? "the head of the segment does not continue the one before it.", 0,
                    new Checkpoint(checkpoint - 1), new Checkpoint(checkpoint - 1)));
        var lostParts = LostParts.Count;
        Walk(segment, next, null);
        var path = LogSegments.PathOf(segment.Number);
        if (isWhole && next is not null && LostParts.Count == lostParts && segment.IsReadable(storeId, cancellationToken))
        {
            using var original = source.Open(path, forWriting: false);
            copy.IfChanged(path, original.Length, original.Read, isGrowing: true, cancellationToken);
            return;
        }

        // Walk again, this time writing what is found.
        LostParts.RemoveRange(lostParts, LostParts.Count - lostParts);
        (chain, checkpoint, stamp) = before;
        using (var rewritten = target.Create(path + ".tmp"))
        {
            var head = new byte[Format.SegmentHeaderLength];
            Format.WriteSegmentHeader(head, new SegmentHeader(storeId, segment.Number, segment.Base, checkpoint, chain));
            rewritten.Write(head, 0);
            Walk(segment, next, new Writing(rewritten, segment.Base));
            rewritten.Sync();
        }

        target.Rename(path + ".tmp", path);
        target.SyncFolder(LogSegments.Folder);
    }

    private void Walk(DamagedSegment segment, DamagedSegment? next, Writing? writing)
    {
        var reader = new DamagedReader(segment, seed);
        var position = segment.Base + Format.SegmentHeaderLength;
        for (var at = segment.File is null ? segment.End : position; at < segment.End;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var continues = at == position;
            if (!reader.TryRead(at, checkpoint, checkpoint + MostLost(at - position), out var frame)
                || (continues && frame.PreviousCrc != chain)
                || !LeavesRoom(segment, next, position, frame)
                || !Belongs(frame, writing is null))
            {
                at = reader.After(at);
                continue;
            }

            if (!continues) Lose(segment, position, at, frame.Checkpoint, frame.PreviousCrc, writing);
            writing?.Write(frame);
            (chain, checkpoint, stamp) = (frame.Chain, frame.Checkpoint + frame.Count, Math.Max(stamp, CommitCodec.NewestStampOf(frame)));
            at = position = frame.End;
        }

        if (next is not null && position < segment.End)
        {
            var (into, first) = StartOf(next);
            if (first - checkpoint > MostLost(segment.End - position)) first = checkpoint; // no part has that many
            Lose(segment, position, segment.End, first, into, writing);
        }

        if (next is null) LoseEnd(segment, position, writing);
    }

    // How many checkpoints a lost part can have held: at most those of the row of gaps that takes its place.
    private static long MostLost(long bytes) =>
        bytes < GapCodec.MinSpanOfEvents ? 0 : (((bytes - GapCodec.MinSpanOfEvents) / Writing.GapBytes) + 1) * ushort.MaxValue;

    // Whether what is lost before a frame, and behind it, has room for a gap.
    private static bool LeavesRoom(DamagedSegment segment, DamagedSegment? next, long position, in Frame frame)
    {
        if (frame.Position > position && frame.Position - position < GapCodec.MinSpan) return false;
        return next is null || frame.End == segment.End || segment.End - frame.End >= GapCodec.MinSpan;
    }

    // The second walk decides as the first one did.
    private bool Belongs(in Frame frame, bool isFirstWalk)
    {
        if (!isFirstWalk) return !strange.Contains(frame.Position);
        if (Streams.TryFollow(frame)) return true;
        strange.Add(frame.Position);
        return false;
    }

    // Fills a missing part with a gap, or with several if more checkpoints are missing than one gap can hold.
    private void Lose(DamagedSegment segment, long from, long to, long nextCheckpoint, uint chainBehind, Writing? writing)
    {
        nextCheckpoint = Math.Max(nextCheckpoint, checkpoint);
        LostParts.Add(
            new LostPart(
                PlaceOf(segment, from), segment.File is null ? segment.Problem! : "stored frames are not whole here.", to - from,
                new Checkpoint(checkpoint - 1), new Checkpoint(nextCheckpoint - 1)));
        for (; nextCheckpoint - checkpoint > ushort.MaxValue; from += Writing.GapBytes, checkpoint += ushort.MaxValue)
            writing?.WriteGap(
                new FrameHeader(from, FrameKind.Gap, ushort.MaxValue, checkpoint, 0, chain, 0), Writing.GapBytes, chain, stamp, seed);
        writing?.WriteGap(
            new FrameHeader(from, FrameKind.Gap, (int)(nextCheckpoint - checkpoint), checkpoint, 0, chain, 0), to - from, chainBehind,
            stamp, seed);
        (chain, checkpoint) = (chainBehind, nextCheckpoint);
    }

    // Checkpoints and addresses of lost frames are not reused.
    private void LoseEnd(DamagedSegment segment, long position, Writing? writing)
    {
        var claims = CheckpointFile.ReadAll(source, storeId, out _);
        var end = claims.Select(claim => Math.Max(claim.DurableEnd, claim.Indexed.Position)).DefaultIfEmpty(0).Max() & ~7L;
        var next = claims.Select(claim => claim.Indexed.NextCheckpoint).DefaultIfEmpty(0).Max();
        if (end - position > Format.MaxSegmentLength) end = position; // no log loses as much
        var room = Math.Clamp(end - position, Writing.GapBytes, MostGapBytes);
        if (next - checkpoint > MostLost(room)) next = checkpoint; // no log has that many
        if (end > position || next > checkpoint)
        {
            end = Math.Max(end, position + (Writing.GapBytes * (2 + (Math.Max(0, next - checkpoint) / ushort.MaxValue))));
            Lose(segment, position, end, next, chain, writing);
            position = end;
        }

        writing?.EndAt(position);
        End = position;
    }

    // The checksum that a segment's first frame continues from, and its checkpoint.
    private (uint Chain, long Checkpoint) StartOf(DamagedSegment segment)
    {
        if (segment.Header is { } header) return (header.Chain, header.FirstCheckpoint);
        return new DamagedReader(segment, seed).TryRead(
            segment.Base + Format.SegmentHeaderLength, checkpoint, Format.MaxCheckpoint, out var first)
            ? (first.PreviousCrc, first.Checkpoint)
            : (chain, checkpoint);
    }

    private string PlaceOf(DamagedSegment segment, long at) =>
        $"{source.Root}/{LogSegments.PathOf(segment.Number)}, offset {at - segment.Base}";

    /// <summary>Writes frames and gaps where they belong.</summary>
    private sealed class Writing(IDiskFile file, long segmentBase)
    {
        /// <summary>Enough bytes for any gap.</summary>
        public const int GapBytes = 64;

        public void Write(in Frame frame)
        {
            file.Write(frame.Bytes, frame.Position - segmentBase);
            EndAt(frame.End);
        }

        public void WriteGap(in FrameHeader header, long span, uint chainBehind, long stampTicks, ulong storeSeed)
        {
            Span<byte> gap = stackalloc byte[GapBytes];
            var length = GapCodec.Write(gap, header, span, chainBehind, stampTicks, storeSeed);
            file.Write(gap[..length], header.Position - segmentBase);
            EndAt(header.Position + span);
        }

        public void EndAt(long position)
        {
            if (file.Length != position - segmentBase) file.SetLength(position - segmentBase);
        }
    }
}

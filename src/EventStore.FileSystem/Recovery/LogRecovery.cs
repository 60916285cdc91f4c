using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Recovery;

/// <summary>What opening found and did to the end of the log.</summary>
/// <param name="CutBytes">Bytes of a torn, never acknowledged end that were cut off.</param>
/// <param name="Quarantine">Where a copy of them is; null if there were none.</param>
internal sealed record RecoveryReport(long CutBytes, string? Quarantine);

/// <summary>
/// Finds the end of the log. A torn end that was never acknowledged is cut off, and a copy is kept. Damage anywhere else is refused,
/// never repaired in passing. The log itself shows which of the two it is: checkpoints and later frames say how far it was durable.
/// </summary>
internal sealed class LogRecovery(IDisk disk, LogSegments segments, IReadOnlyList<StoreCheckpoint> checkpoints)
{
    private const string Quarantine = "quarantine";
    private const string CopyAdvice =
        " If these files were copied while the store was open, create an empty file 'copied' beside 'store.esfs' and open it again.";


    private long evidence = checkpoints.Select(checkpoint => checkpoint.DurableEnd).DefaultIfEmpty(0).Max();
    private uint epoch = checkpoints.Select(checkpoint => checkpoint.Epoch).DefaultIfEmpty(0u).Max();

    /// <summary>Ends the recovery, which then has cut off nothing that was acknowledged.</summary>
    public CancellationToken Cancellation { get; init; }

    public RecoveryReport Report { get; private set; } = new(0, null);

    private bool IsCopy => CopyMarks.AreOn(disk);

    /// <summary>Whether the end was already known to be durable when the store was opened.</summary>
    public bool WasClean { get; private set; }

    /// <summary>Reads the heads of all segments, and makes the first one in a new store.</summary>
    public void FindSegments()
    {
        foreach (var leftover in disk.List(LogSegments.Folder).Where(name => name.EndsWith(".tmp", StringComparison.Ordinal)))
            disk.Delete($"{LogSegments.Folder}/{leftover}");
        if (!disk.List(LogSegments.Folder).Any(name => name.EndsWith(".seg", StringComparison.Ordinal))) CreateFirst();
        else unconnected = new SegmentFinder(segments).TakeAll();
    }

    /// <summary>Walks the tail of the log from a known point, passes on every frame, and returns where the log ends.</summary>
    public LogPoint ScanTail(LogPoint from, Action<Frame> apply, out bool endsSealed)
    {
        endsSealed = false;
        var scanner = new LogScanner(segments, from.Position, from.Chain) { Cancellation = Cancellation };
        var (next, stamp) = (from.NextCheckpoint, from.StampTicks);
        if (from.Position > EndOfFiles())
            throw Damage(LogSegments.PathOf(segments.All[^1].Number), "the log ends before the place up to which it was indexed.");
        while (scanner.TryNext(out var frame))
        {
            if (frame.Checkpoint != next)
                throw segments.Damaged(frame.Position, $"checkpoint {frame.Checkpoint} was found where {next} was expected.");
            next += frame.Count;
            epoch = Math.Max(epoch, frame.Epoch);
            endsSealed = frame.Kind == FrameKind.Seal;
            stamp = Math.Max(stamp, CommitCodec.NewestStampOf(frame));
            apply(frame);
        }

        var end = new LogPoint(scanner.Position, scanner.Chain, next, stamp);
        if (segments.Of(end.Position) != segments.All[^1])
            throw segments.Damaged(end.Position, "a segment that has a successor is not whole from here on.");
        if (end.Position == segments.All[^1].FirstFrame) endsSealed = false; // the seal was that of the segment before
        if (segments.IsPacked(segments.All[^1], out _))
        {
            // Only whole segments that have a successor are packed; without it, the log may end here in a copy only.
            if (end.Position != EndOfFiles()) throw segments.Damaged(end.Position, "a packed segment is not whole from here on.");
            if (!IsCopy)
                throw Damage(
                    LogSegments.PathOf(segments.All[^1].Number + 1),
                    "the segment is missing: the one before it is packed, which is done only once there is a successor.", CopyAdvice);
            endsSealed = true;
        }

        return end;
    }

    /// <summary>Cuts off a torn end, brings the accepted end to the medium, and opens the log for writing.</summary>
    public SegmentedLog OpenForWriting(LogPoint end, bool endsSealed, LogSettings settings)
    {
        var last = segments.All[^1];
        var isPacked = segments.IsPacked(last, out _);
        if (isPacked)
        {
            RefuseIfShort(end.Position);
            WasClean = true;
        }
        else
        {
            using var file = disk.Open(LogSegments.PathOf(last.Number), forWriting: true);
            CutTornEnd(file, last, end.Position);
            WasClean = evidence >= end.Position;
            if (!WasClean) RewriteTail(file, last, end.Position);
        }

        RemoveUnconnected();
        var log = new SegmentedLog(segments, settings, new LogStart(end, epoch + 1, endsSealed));
        if (isPacked) log.BeginSegment(); // only a marked copy ends with a packed segment
        CopyMarks.Remove(disk);
        return log;
    }

    private void RemoveUnconnected()
    {
        if (unconnected.Count == 0) return;
        foreach (var path in unconnected.Reverse()) disk.Delete(path);
        disk.SyncFolder(LogSegments.Folder);
    }

    /// <summary>Refuses a log that was durable beyond its end, and changes nothing.</summary>
    public void RefuseDamaged(LogPoint end)
    {
        var last = segments.All[^1];
        if (segments.IsPacked(last, out _))
        {
            RefuseIfShort(end.Position);
            return;
        }

        using var file = disk.Open(LogSegments.PathOf(last.Number), forWriting: false);
        FindTornEnd(file, last, end.Position);
    }

    private void CutTornEnd(IDiskFile file, Segment last, long end)
    {
        var torn = FindTornEnd(file, last, end);
        if (file.Length <= end - last.Base) return;
        if (torn > 0)
        {
            file.SetLength(end - last.Base + torn); // what was only taken ahead may be the space that the copy needs
            Report = new RecoveryReport(torn, KeepCopy(file, last, end, torn));
        }

        file.SetLength(end - last.Base);
        file.Sync();
    }

    // Returns how many bytes follow the end, without trailing zeros.
    private long FindTornEnd(IDiskFile file, Segment last, long end)
    {
        var start = end - last.Base;
        var torn = TornEnd.LengthWithoutZeros(file, start, Cancellation) - start;
        if (torn > 0 && !IsCopy) evidence = Math.Max(evidence, FindEvidence(file, last, end, torn));
        RefuseIfShort(end);
        return torn;
    }

    private void RefuseIfShort(long end)
    {
        if (end >= evidence) return;
        throw Damage(
            segments.Place(end), $"the log was durable up to address {evidence}, but is whole only up to {end}.", IsCopy ? "" : CopyAdvice);
    }

    // A whole frame beyond the end says how far the log was durable when it was written: if that is beyond the end, acknowledged data is
    // damaged.
    private long FindEvidence(IDiskFile file, Segment last, long end, long torn) =>
        new TornEnd(file, last.Base, end, torn).FindDurableEnd(segments.Seed, Cancellation)
        ?? throw segments.Damaged(end, "what follows looks like more frames than it has room for.");

    private string KeepCopy(IDiskFile file, Segment last, long end, long torn)
    {
        disk.CreateFolder(Quarantine);
        var path = string.Create(CultureInfo.InvariantCulture, $"{Quarantine}/{end:D16}-{epoch + 1}.torn");
        using var copy = disk.Create(path);
        TornEnd.Copy((file, end - last.Base), torn, copy, Cancellation);
        copy.Sync();
        disk.SyncFolder(Quarantine);
        return path;
    }

    // After a failed flush the page cache may show bytes that are not on the medium, and another flush would not write them.
    // Only writing them again does.
    private void RewriteTail(IDiskFile file, Segment last, long end)
    {
        var from = Math.Max(evidence, last.FirstFrame);
        var bytes = new byte[Math.Clamp(end - from, 0, 128 << 10)];
        for (var at = from; at < end;)
        {
            Cancellation.ThrowIfCancellationRequested();
            var part = bytes.AsSpan(0, (int)Math.Min(bytes.Length, end - at));
            if (file.Read(part, at - last.Base) != part.Length) throw segments.Damaged(at, "the file became shorter while it was read.");
            file.Write(part, at - last.Base);
            at += part.Length;
        }

        file.Sync();
        disk.SyncFolder(LogSegments.Folder);
    }

    private void CreateFirst()
    {
        if (checkpoints.Count > 0) throw Damage(LogSegments.Folder, "the log is missing, but a checkpoint says that there was one.");
        var temporary = $"{LogSegments.Folder}/first.seg.tmp";
        var first = new SegmentHeader(segments.StoreId, 1, 0, 1, 0);
        using (var file = disk.Create(temporary)) NextSegment.WriteHeader(file, first);
        disk.Rename(temporary, LogSegments.PathOf(1));
        disk.SyncFolder(LogSegments.Folder);
        segments.Add(new Segment(1, 0, 1, 0));
    }

    // Segments from an interrupted backup that do not continue the others. They are deleted once the end of the log is known to be sound.
    private IReadOnlyList<string> unconnected = [];

    private long EndOfFiles()
    {
        var last = segments.All[^1];
        using var file = segments.OpenFile(LogSegments.PathOf(last.Number));
        return last.Base + file.Length;
    }

    private CorruptStorageException Damage(string place, string problem, string moreAdvice = "") =>
        new($"{disk.Root}/{place}", problem, SegmentFile.Advice + moreAdvice);
}

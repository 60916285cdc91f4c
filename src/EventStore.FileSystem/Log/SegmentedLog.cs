using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Log;

/// <summary>
/// The writing end of the log. A batch of frames is written in one call. After a failed flush, or a failed write that could not be undone,
/// the log is faulted and never writes again. The page cache may then show bytes that are not on the medium.
/// </summary>
/// <remarks>
/// Callers hold the writer's gate; only <see cref="SyncNow"/>, <see cref="WrittenEnd"/>, <see cref="DurableEnd"/> and <see cref="Fault"/>
/// may be used by others.
/// </remarks>
internal sealed class SegmentedLog : IAsyncDisposable
{
    private readonly LogSegments segments;
    private readonly LogSettings settings;
    private readonly uint epoch;
    private readonly LogBatch seal = new();

    // Held while the active file is flushed or exchanged.
    private readonly Lock syncGate = new();
    private IDiskFile active;
    private Segment segment;
    private bool isClosed;

    // Where the log ends, as far as it is written. Touched by the writer only.
    private LogPoint written;
    private long allocatedEnd;
    private bool isSealed;
    private readonly NextSegment next;
    private readonly FlushBeside flushBeside;
    private readonly SpaceAhead space;
    private readonly PlaceCheck place;

    private long writtenEnd;
    private long durableEnd;

    public SegmentedLog(LogSegments segments, LogSettings settings, LogStart start)
    {
        (this.segments, this.settings, written, epoch, isSealed) = (segments, settings, start.End, start.Epoch, start.IsSealed);
        (writtenEnd, durableEnd) = (written.Position, written.Position);
        segment = segments.All[^1];
        active = segments.Disk.Open(LogSegments.PathOf(segment.Number), forWriting: true);
        allocatedEnd = segment.Base + active.Length;
        next = new NextSegment(segments.Disk, settings, Fault);
        flushBeside = new FlushBeside(settings, this, written.Position);
        (space, place) = (new SpaceAhead(segments.Disk, settings), new PlaceCheck(segments, settings));
    }

    /// <summary>Where the log ends, as far as it was written.</summary>
    public LogPoint End => written;

    /// <summary>Where the log ends, for readers.</summary>
    public long WrittenEnd => Volatile.Read(ref writtenEnd);

    /// <summary>Up to where the log is known to be on the medium.</summary>
    public long DurableEnd => Volatile.Read(ref durableEnd);

    /// <summary>Why nothing is written any more; null while there is no error.</summary>
    public LogFault Fault { get; } = new();

    /// <summary>The number of this opening of the store.</summary>
    public uint Epoch => epoch;

    public LogSegments Segments => segments;

    private string Root => segments.Disk.Root;

    /// <summary>Seals the segment and begins the next one when it is full, so that a batch never spans two segments.</summary>
    /// <exception cref="StorageException">The log is faulted.</exception>
    /// <exception cref="StorageUnavailableException">There is no space, or no file handle, for another segment.</exception>
    public void MakeRoom()
    {
        RefuseIfFaulted();
        if (isSealed || written.Position - segment.Base >= settings.SegmentSizeBytes) Roll();
    }

    /// <summary>Seals the segment and begins the next one, however long it is.</summary>
    public void BeginSegment()
    {
        RefuseIfFaulted();
        Roll();
    }

    /// <summary>Appends a batch of frames, and flushes it where the settings say so.</summary>
    /// <exception cref="StorageUnavailableException">There is no space; nothing of the batch is stored.</exception>
    /// <exception cref="BatchOutcomeUnknownException">The disk failed; the log is faulted.</exception>
    public void Append(LogBatch batch, long stampTicks)
    {
        var isChecked = place.IsDue();
        if (isChecked) RequireInPlace();
        var end = SealFrames(batch.Written, stampTicks);
        WriteFrames(batch.Written);
        if (settings.SyncsEachBatch) SyncActive();
        if (isChecked) RequireInPlace(isWritten: true);
        written = end;
        Volatile.Write(ref writtenEnd, written.Position);
        if (settings.SyncsEachBatch) Volatile.Write(ref durableEnd, written.Position);
        else flushBeside.Wrote(written.Position);
        if (written.Position - segment.Base >= settings.SegmentSizeBytes / 2) next.Prepare();
    }

    /// <summary>Flushes what is written. May run concurrently with the writer.</summary>
    public void SyncNow()
    {
        lock (syncGate)
        {
            var end = WrittenEnd;
            if (isClosed || Fault.Why is not null || end <= DurableEnd) return;
            SyncActive();
            Volatile.Write(ref durableEnd, end);
        }
    }

    /// <summary>Releases the space that was allocated ahead. Only for a clean close.</summary>
    public void Trim()
    {
        if (!isClosed && allocatedEnd > written.Position) CutToWritten();
    }

    public async ValueTask DisposeAsync()
    {
        await flushBeside.DisposeAsync().ConfigureAwait(false);
        await next.DisposeAsync().ConfigureAwait(false);
        lock (syncGate)
        {
            isClosed = true;
            active.Dispose();
        }
    }

    public void RefuseIfFaulted()
    {
        if (Fault.Why is { } why) throw LogErrors.Faulted(Root, why);
    }

    /// <summary>Checks, for the writer, that the paths still lead to the files that are open here; if not, the log is faulted.</summary>
    /// <param name="isWritten">Whether something was written that is not acknowledged yet.</param>
    /// <exception cref="StorageReplacedException">They lead elsewhere, or to nothing.</exception>
    /// <exception cref="BatchOutcomeUnknownException">The same, after something was written.</exception>
    public void RequireInPlace(bool isWritten = false)
    {
        if (place.Find(active, segment) is not { } error) return;
        Fault.Set(error);
        if (isWritten) throw LogErrors.WrittenElsewhere(Root, error);
        throw error;
    }

    // Links each frame to the one before it; returns where the log ends with them.
    private LogPoint SealFrames(Span<byte> frames, long stampTicks)
    {
        var (position, chain, checkpoint) = (written.Position, written.Chain, written.NextCheckpoint);
        for (var rest = frames; !rest.IsEmpty;)
        {
            var frame = rest[..Format.FrameLength(rest)];
            var draft = new Frame(position, frame);
            var header = new FrameHeader(position, draft.Kind, draft.Count, checkpoint, DurableEnd, chain, epoch);
            chain = Format.SealFrame(frame, header, segments.Seed);
            position += frame.Length;
            checkpoint += header.Count;
            rest = rest[frame.Length..];
        }

        return new LogPoint(position, chain, checkpoint, Math.Max(stampTicks, written.StampTicks));
    }

    private void WriteFrames(ReadOnlySpan<byte> frames)
    {
        var end = written.Position + frames.Length;
        try
        {
            if (settings.SyncsEachBatch && end > allocatedEnd) allocatedEnd = segment.Base + space.Take(active, end - segment.Base);
        }
        catch (DiskFullException error)
        {
            throw LogErrors.Short(Root, error);
        }
        catch (IOException error)
        {
            throw Break(error);
        }

        try
        {
            active.Write(frames, written.Position - segment.Base);
        }
        catch (DiskFullException error)
        {
            // Part of a batch may have reached the file. It must not come back after a crash, because its callers get an error that says
            // nothing was stored.
            CutToWritten();
            throw LogErrors.Short(Root, error);
        }
        catch (IOException error)
        {
            throw Break(error);
        }
    }

    private void CutToWritten() => Guarded(() =>
    {
        active.SetLength(written.Position - segment.Base);
        active.Sync();
        allocatedEnd = written.Position;
    });

    private void Roll()
    {
        RequireInPlace();
        var number = segment.Number + 1;
        try
        {
            using var file = next.Take();
            if (!isSealed) Seal();
            Publish(file, new SegmentHeader(segments.StoreId, number, written.Position, written.NextCheckpoint, written.Chain));
        }
        catch (DiskShortageException error)
        {
            throw LogErrors.Short(Root, error);
        }
        catch (IOException error)
        {
            throw Break(error);
        }
    }

    // The seal is durable before the next segment gets its name, so a segment with a successor is known to be whole.
    private void Seal()
    {
        seal.Clear();
        RecordCodec.WriteSeal(seal, written.NextCheckpoint);
        var end = SealFrames(seal.Written, written.StampTicks);
        WriteFrames(seal.Written);
        Guarded(() =>
        {
            if (allocatedEnd > end.Position) active.SetLength(end.Position - segment.Base);
            active.Sync();
        });
        written = end;
        Volatile.Write(ref writtenEnd, end.Position);
        Volatile.Write(ref durableEnd, end.Position);
        allocatedEnd = end.Position;
        isSealed = true;
    }

    private void Publish(IDiskFile appearing, SegmentHeader header)
    {
        NextSegment.WriteHeader(appearing, header);
        segments.Disk.Rename(NextSegment.TemporaryPath, LogSegments.PathOf(header.Number));
        segments.Disk.SyncFolder(LogSegments.Folder);
        var file = segments.Disk.Open(LogSegments.PathOf(header.Number), forWriting: true);
        var appeared = new Segment(header.Number, header.Base, header.FirstCheckpoint, header.Chain);
        lock (syncGate)
        {
            active.Dispose();
            active = file;
            segment = appeared;
            segments.Add(appeared);
            written = written with { Position = appeared.FirstFrame };
            Volatile.Write(ref writtenEnd, written.Position);
            Volatile.Write(ref durableEnd, written.Position);
            allocatedEnd = header.Base + file.Length;
            isSealed = false;
        }
    }

    private void SyncActive()
    {
        try
        {
            active.Sync();
        }
        catch (IOException error)
        {
            throw Break(error);
        }
    }

    private void Guarded(Action act)
    {
        try
        {
            act();
        }
        catch (IOException error)
        {
            throw Break(error);
        }
    }

    private BatchOutcomeUnknownException Break(IOException error)
    {
        Fault.Set(error);
        return LogErrors.Broken(Root, error);
    }
}

using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Maintenance;

/// <summary>
/// Reads everything stored and reports every damage with its place. Changes nothing, and runs concurrently with the writer.
/// </summary>
internal sealed class Verification(StoreView store, IProgress<VerificationProgress>? progress, CancellationToken cancellationToken)
{
    private const int ReportEveryEvents = 65_536;
    private const string IndexAdvice = "Close the store, delete its folder 'idx' and open it again: the index is rebuilt from the log.";
    private readonly List<Damage> damages = [];
    private readonly LogPoint end = store.End;
    private long commitsChecked;
    private long eventsChecked;
    private long eventsReported;

    public VerificationReport Run()
    {
        foreach (var segment in store.Segments.All)
        {
            if (segment.Base < end.Position) TryCheck(segment);
        }

        foreach (var run in store.Index.State.Runs)
        {
            foreach (var block in run.DamagedBlocks())
                damages.Add(
                    new Damage(
                        $"{store.Segments.Disk.Root}/{run.Path}, block {block}", "the checksum of the block is wrong.", IndexAdvice));
        }

        progress?.Report(new VerificationProgress(eventsChecked, eventsChecked));
        return new VerificationReport(commitsChecked, eventsChecked, damages);
    }

    // A damaged block of a packed segment throws.
    private void TryCheck(Segment segment)
    {
        try
        {
            Check(segment);
        }
        catch (CorruptStorageException error)
        {
            damages.Add(new Damage(error.Place, "the segment cannot be read on from here.", SegmentFile.Advice));
        }
    }

    private void Check(Segment segment)
    {
        var header = new byte[Format.SegmentHeaderLength];
        store.Segments.Read(segment, header, segment.Base);
        Format.ReadSegmentHeader(header, out var problem);
        if (problem is not null) Report(segment.Base, problem);

        var next = store.Segments.All.FirstOrDefault(other => other.Base > segment.Base);
        var until = Math.Min(next?.Base ?? long.MaxValue, end.Position);
        var scanner = new LogScanner(store.Segments, segment.FirstFrame, segment.Chain);
        var checkpoint = segment.FirstCheckpoint;
        while (scanner.TryNext(out var frame, until))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (frame.Checkpoint != checkpoint)
                Report(frame.Position, $"checkpoint {frame.Checkpoint} was found where {checkpoint} was expected.");
            checkpoint = frame.Checkpoint + frame.Count;
            if (!frame.HoldsCommits) continue;
            for (var commits = new FrameCommits(frame, store.Names); commits.TryNext(out var commit);) Check(commit);
        }

        if (scanner.Position < until) Report(scanner.Position, "a stored frame is not whole, or does not continue the one before it.");
    }

    private void Check(CommitReader commit)
    {
        var removed = store.RemovedOf(commit);
        if (removed == commit.EventCount) return;
        commit.SkipTo(removed);
        for (var i = removed; i < commit.EventCount; i++) commit.NextEvent(kept: null);
        var position = commit.Position;
        var head = store.Index.FindHead(commit.Stream);
        var found = store.Index.FindCommits(commit.Stream, head, commit.LastRevision, commit.LastRevision, 1);
        if (store.RemovedOf(commit) < commit.EventCount && (found.Count != 1 || found[0].Position != position))
        {
            var place = $"{store.Segments.Disk.Root}/{store.Segments.Place(position)}";
            damages.Add(new Damage(place, "the index does not lead to this commit.", IndexAdvice));
        }

        commitsChecked++;
        eventsChecked += commit.EventCount - removed;
        if (eventsChecked - eventsReported < ReportEveryEvents) return;
        eventsReported = eventsChecked;
        progress?.Report(new VerificationProgress(eventsChecked, null));
    }

    private void Report(long position, string problem) =>
        damages.Add(new Damage($"{store.Segments.Disk.Root}/{store.Segments.Place(position)}", problem, SegmentFile.Advice));
}

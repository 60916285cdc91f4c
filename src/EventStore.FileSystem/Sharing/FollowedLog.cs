using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Sharing;

/// <summary>
/// A log that another process writes, as far as this process has read it, and the index of that part. The index is the writer's own runs,
/// and the rest in memory. Used by one thread at a time; any thread may read the view it makes.
/// </summary>
internal sealed class FollowedLog
{
    private readonly IDisk disk;
    private readonly LogSegments followed;
    private LogFollower reading;

    private FollowedLog(IDisk disk, StoreView view, LogFollower follower, LiveMark? mark) =>
        (this.disk, followed, View, reading, Mark) = (disk, view.Segments, view, follower, mark);

    /// <summary>The part of the store that may be read.</summary>
    public StoreView View { get; private set; }

    /// <summary>The last mark that was followed; null if there was none.</summary>
    public LiveMark? Mark { get; private set; }

    /// <summary>
    /// Reads a store up to the mark that its writer published; without a mark, up to where recovery would accept the log.
    /// </summary>
    /// <param name="disk">The disk; nothing on it is changed.</param>
    /// <param name="identity">The store.</param>
    /// <param name="live">Reads the writer's marks.</param>
    /// <param name="how">How it is opened.</param>
    /// <exception cref="StorageNotFoundException">The store is still being created.</exception>
    /// <exception cref="CorruptStorageException">It is damaged.</exception>
    public static FollowedLog Open(IDisk disk, StoreIdentity identity, LiveReader live, in Following how)
    {
        // The mark of copied files may cover more than was copied.
        var mark = CopyMarks.AreOn(disk) ? null : live.Read();
        var (checkpoints, index) = LoadIndex(disk, identity.Id, how.Index, how.UsesRuns);
        var segments = new LogSegments(disk, identity.Id) { HasLosses = identity.Features.HasFlag(StoreFeatures.HasLosses) };
        try
        {
            new SegmentFinder(segments).TakeAll();
            if (segments.All.Count == 0)
            {
                if (checkpoints.Count == 0)
                    throw new StorageNotFoundException(
                        $"The store at '{disk.Root}' is still being created. Open it once its writer has opened it.");
                throw new CorruptStorageException(
                    $"{disk.Root}/{LogSegments.Folder}", "the log is missing, but a checkpoint says that there was one.",
                    SegmentFile.Advice);
            }

            var view = new StoreView(segments, index, index.Keeper.Indexed);
            var follower = mark is null
                ? ReadWithoutMark(disk, view, checkpoints, how.Cancellation)
                : ReadToMark(view, checkpoints, mark.Value, how.Cancellation);
            view.Publish(follower.Point);
            return new FollowedLog(disk, view, follower, mark);
        }
        catch
        {
            segments.Dispose();
            throw;
        }
    }

    /// <summary>Reads on to a mark; false if the log is no longer the one that was read, so that it has to be opened again.</summary>
    public bool TryFollow(in LiveMark mark)
    {
        var isOtherOpening = Mark?.Epoch != mark.Epoch;
        if (isOtherOpening && mark.End < View.End.Position) return false;
        if (isOtherOpening || Mark?.Replacements != mark.Replacements) followed.Renew();
        Mark = mark;
        View.Reach(Math.Max(mark.End, View.IndexedEnd));
        if (!reading.ReadTo(mark.End, Apply(View))) return false;
        View.Publish(reading.Point);
        return true;
    }

    /// <summary>
    /// Whether this log holds everything that was read of it up to a point, and not something else in its place.
    /// </summary>
    public bool Continues(in LogPoint read)
    {
        var end = View.End;
        if (end.Position <= read.Position) return end.NextCheckpoint == read.NextCheckpoint && end.Chain == read.Chain;
        var at = new LogReaders(followed).Take(end.Position).Settle(read.Position);
        return new LogScanner(followed, at, read.Chain).TryNext(out _);
    }

    /// <summary>Whether the paths lead to the files as far as they were read: the newest segment has not become shorter.</summary>
    public bool IsInPlace()
    {
        var newest = followed.All[^1];
        try
        {
            using var file = followed.OpenFile(LogSegments.PathOf(newest.Number));
            return newest.Base + file.Length >= View.End.Position;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Replaces what is held in memory by runs that the writer has written since; false while there are no newer ones.</summary>
    public bool TryTakeRuns(IndexSettings settings)
    {
        try
        {
            var checkpoints = CheckpointFile.ReadAll(disk, followed.StoreId, out var generation);
            if (checkpoints.Count == 0 || checkpoints[0].Indexed.Position <= View.Index.State.Active.From) return false;
            var index = IndexLoading.Load(disk, followed.StoreId, settings, checkpoints, generation, out var isComplete);
            if (!isComplete) return false;
            var renewed = new StoreView(followed, index, index.Keeper.Indexed);
            var follower = new LogFollower(followed, index.Keeper.Indexed);
            var end = View.End.Position;
            renewed.Reach(end);
            if (!follower.ReadTo(end, Apply(renewed))) return false;
            renewed.Publish(follower.Point);
            (View, reading) = (renewed, follower);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false; // The writer has written newer runs and deleted these.
        }
    }

    public void Dispose() => followed.Dispose();

    // A run is deleted once the newest checkpoint no longer names it: then that checkpoint is read.
    private static (IReadOnlyList<StoreCheckpoint> Checkpoints, StoreIndex Index) LoadIndex(
        IDisk disk, Guid storeId, IndexSettings settings, bool usesRuns)
    {
        for (var loaded = -1L; ;)
        {
            var checkpoints = CheckpointFile.ReadAll(disk, storeId, out var generation);
            var index = IndexLoading.Load(disk, storeId, settings, usesRuns ? checkpoints : [], generation, out var isComplete);
            if (isComplete || !usesRuns || generation == loaded) return (checkpoints, index);
            loaded = generation;
        }
    }

    private static Action<Frame> Apply(StoreView view) => frame => view.Index.Apply(frame, view.Names);

    private static LogFollower ReadWithoutMark(
        IDisk disk, StoreView view, IReadOnlyList<StoreCheckpoint> checkpoints, CancellationToken cancellationToken)
    {
        var recovery = new LogRecovery(disk, view.Segments, checkpoints) { Cancellation = cancellationToken };
        var end = recovery.ScanTail(view.Index.Keeper.Indexed, Apply(view), out _);
        recovery.RefuseDamaged(end);
        return new LogFollower(view.Segments, end);
    }

    // After a power loss the mark may cover less than is on the medium, as later frames say, or, where batches are not flushed, more than
    // is left. Where they are not flushed, every whole frame was written, and counts.
    private static LogFollower ReadToMark(
        StoreView view, IReadOnlyList<StoreCheckpoint> checkpoints, in LiveMark mark, CancellationToken cancellationToken)
    {
        var follower = new LogFollower(view.Segments, view.Index.Keeper.Indexed);
        var durableEnd = checkpoints.Select(checkpoint => checkpoint.DurableEnd).Append(mark.DurableEnd).Max();
        view.Reach(long.MaxValue);
        if (follower.ReadTo(Math.Max(mark.End, durableEnd), Apply(view), cancellationToken))
        {
            var end = mark.SyncsEachBatch ? follower.FindDurableEnd(cancellationToken) : long.MaxValue;
            follower.ReadTo(end, Apply(view), cancellationToken);
        }

        if (follower.Point.Position >= durableEnd) return follower;
        var place = $"{view.Segments.Disk.Root}/{view.Segments.Place(follower.Point.Position)}";
        throw new CorruptStorageException(
            place, $"the log was durable up to address {durableEnd}, but is whole only up to {follower.Point.Position}.",
            SegmentFile.Advice + " If the files were copied, leave out 'live.esfs'.");
    }
}

/// <summary>How a log is opened to be followed.</summary>
/// <param name="Index">How much of the index is held in memory.</param>
/// <param name="UsesRuns">Whether the runs on the disk are trusted; otherwise the whole index is built in memory.</param>
/// <param name="Cancellation">Ends the opening.</param>
internal readonly record struct Following(IndexSettings Index, bool UsesRuns, CancellationToken Cancellation);

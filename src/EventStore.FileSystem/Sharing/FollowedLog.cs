using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Sharing;

/// <summary>
/// A log that another process writes, as far as it was read here, and the index of that part: the writer's own runs, and the rest in memory. Used by
/// one thread at a time; what it makes is read by anybody.
/// </summary>
internal sealed class FollowedLog
{
    private readonly IDisk disk;
    private readonly LogSegments followed;
    private LogFollower reading;

    private FollowedLog(IDisk disk, StoreView view, LogFollower follower, LiveMark? mark) =>
        (this.disk, followed, View, reading, Mark) = (disk, view.Segments, view, follower, mark);

    /// <summary>What may be read.</summary>
    public StoreView View { get; private set; }

    /// <summary>What it followed last; null if there was nothing to follow.</summary>
    public LiveMark? Mark { get; private set; }

    /// <summary>Reads a store as it stands: up to what its writer told; where nobody told anything, up to where recovery would accept it.</summary>
    /// <param name="disk">The disk; nothing on it is changed.</param>
    /// <param name="identity">The store.</param>
    /// <param name="live">What its writer tells.</param>
    /// <param name="settings">How much of the index is held in memory.</param>
    /// <param name="usesRuns">Whether the runs on the disk are trusted; otherwise all of the index is made here.</param>
    /// <exception cref="StorageNotFoundException">The store is only being made.</exception>
    /// <exception cref="CorruptStorageException">It is damaged.</exception>
    public static FollowedLog Open(IDisk disk, StoreIdentity identity, LiveReader live, IndexSettings settings, bool usesRuns)
    {
        // Copied files may have been told more than was copied.
        var mark = CopyMarks.AreOn(disk) ? null : live.Read();
        var (checkpoints, index) = LoadIndex(disk, identity.Id, settings, usesRuns);
        var segments = new LogSegments(disk, identity.Id) { HasLosses = identity.Features.HasFlag(StoreFeatures.HasLosses) };
        try
        {
            new SegmentFinder(segments).TakeAll();
            if (segments.All.Count == 0)
            {
                if (checkpoints.Count == 0) throw new StorageNotFoundException($"The store at '{disk.Root}' is only being made. Open it once its writer has opened it.");
                throw new CorruptStorageException($"{disk.Root}/{LogSegments.Folder}", "the log is missing, but a checkpoint says that there was one.", SegmentFile.Advice);
            }

            var view = new StoreView(segments, index, index.Keeper.Indexed);
            var follower = mark is null ? ReadAlone(disk, view, checkpoints) : ReadTold(disk, view, checkpoints, mark.Value);
            view.Publish(follower.Point);
            return new FollowedLog(disk, view, follower, mark);
        }
        catch
        {
            segments.Dispose();
            throw;
        }
    }

    /// <summary>Reads on to what the writer told; false where the log is no longer what was read of it, so that it is to be opened anew.</summary>
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

    /// <summary>Takes over the runs that the writer has made since, in place of what is held in memory; false while there are no newer ones.</summary>
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
            return false; // The writer has made newer ones by now.
        }
    }

    public void Dispose() => followed.Dispose();

    // Runs vanish once a newer checkpoint no longer names them: then that one is read.
    private static (IReadOnlyList<StoreCheckpoint> Checkpoints, StoreIndex Index) LoadIndex(IDisk disk, Guid storeId, IndexSettings settings, bool usesRuns)
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

    private static LogFollower ReadAlone(IDisk disk, StoreView view, IReadOnlyList<StoreCheckpoint> checkpoints)
    {
        var recovery = new LogRecovery(disk, view.Segments, checkpoints);
        var end = recovery.ScanTail(view.Index.Keeper.Indexed, Apply(view), out _);
        recovery.RefuseDamaged(end);
        return new LogFollower(view.Segments, end);
    }

    // After a power loss the writer may have told less than is on the medium, which frames say, and where batches are not flushed, more than is left.
    // Where they are not flushed, what is whole was written, and counts.
    private static LogFollower ReadTold(IDisk disk, StoreView view, IReadOnlyList<StoreCheckpoint> checkpoints, in LiveMark mark)
    {
        var follower = new LogFollower(view.Segments, view.Index.Keeper.Indexed);
        var durableEnd = checkpoints.Select(checkpoint => checkpoint.DurableEnd).Append(mark.DurableEnd).Max();
        view.Reach(long.MaxValue);
        if (follower.ReadTo(Math.Max(mark.End, durableEnd), Apply(view))) follower.ReadTo(mark.SyncsEachBatch ? follower.FindDurableEnd() : long.MaxValue, Apply(view));
        if (follower.Point.Position >= durableEnd) return follower;
        var place = $"{disk.Root}/{view.Segments.Place(follower.Point.Position)}";
        throw new CorruptStorageException(place, $"the log was durable up to address {durableEnd}, but is whole only up to {follower.Point.Position}.", SegmentFile.Advice + " If the files were copied, leave out 'live.esfs'.");
    }
}

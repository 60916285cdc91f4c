using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// The simulator is worth as much as the bugs it finds: each of these must be found within a number of lives, by its own sign,
/// or the simulator has become blind to it.
/// </summary>
public sealed class SeededBugTests
{
    private const int MostLives = 5000;
    private const string NotOfTheEvents = "is not that of the stream's events";
    private const string NoneOfWhatWasDone = "stored is none of what was done";

    private static readonly Dictionary<string, Bug> Bugs = new()
    {
        ["nothing is flushed before it is acknowledged"] = new(
            disk => new NoFlushOf(disk, IsSegment), ViolationKind.Lost, NoneOfWhatWasDone, IsDurable: true),
        ["nothing is flushed at all"] = new(
            disk => new NoFlushOf(disk, _ => true), ViolationKind.Refused, "store.esfs: the file has another length"),
        ["a checkpoint is ahead of the log"] = new(
            disk => new NoFlushOf(disk, IsSegment), ViolationKind.Refused, "the log ends before the place up to which it was indexed",
            IsDurable: false),
        ["a segment appears before its head is flushed"] = new(
            disk => new NoFlushOf(disk, path => path.EndsWith(".seg.tmp", StringComparison.Ordinal)), ViolationKind.Refused,
            "it is shorter than its header"),
        ["the store's identity appears before it is flushed"] = new(
            disk => new NoFlushOf(disk, path => path.StartsWith("store", StringComparison.Ordinal)), ViolationKind.Refused,
            "store.esfs: it does not begin as such a file does"),
        ["the folder of the log is not flushed"] = new(disk => new NoFlushOfFolder(disk, "log"), ViolationKind.Lost, NoneOfWhatWasDone),
        ["the store's folder is not flushed"] = new(
            disk => new NoFlushOfFolder(disk, ""), ViolationKind.Refused, "store.esfs: the file is missing, but there is a log beside it"),
        ["a segment is not flushed before it is left"] = new(
            disk => new NoFlushOfSeals(disk), ViolationKind.Refused, "the segment ends at address"),
        ["no checksum is looked at"] = new(disk => new NoChecksums(disk), ViolationKind.Altered, NoneOfWhatWasDone),
        ["a failed flush is tried again and believed"] = new(
            disk => new FailedFlushIsTriedAgain(disk), ViolationKind.Lost, NoneOfWhatWasDone),
        ["a failed write is taken for done"] = new(disk => new FailedWriteIsTakenForDone(disk), ViolationKind.Lost, NoneOfWhatWasDone),
        ["the accepted end is not rewritten on opening"] = new(
            disk => new TailIsNotRewritten(disk), ViolationKind.Refused, "the log was durable up to address"),
        ["a torn end is not cut off"] = new(disk => new NothingIsCutOff(disk), ViolationKind.Altered, NoneOfWhatWasDone),
        ["the end of a write does not arrive"] = new(disk => new WritesAreCutShort(disk), ViolationKind.Lost, NoneOfWhatWasDone),
        ["a write goes to another place"] = new(disk => new WritesAreMisplaced(disk), ViolationKind.Lost, NoneOfWhatWasDone),
        ["a packed segment takes the other's place before it is flushed"] = new(
            disk => new NoFlushOf(disk, path => path == "log/packed.seg.tmp"), ViolationKind.Refused, "log/0000000"),
        ["compaction takes out what is alive"] = new(null, ViolationKind.FalseResult, NotOfTheEvents)
        {
            Operation = _ => Packing(
                (frame, _, _) => frame.HoldsCommits && frame.Position % 16 == 0 ? FrameFate.Removed : FrameFate.Kept, Flushed),
        },
        ["compaction takes out what was deleted before the deletion is flushed"] = new(
            null, ViolationKind.FalseResult, NotOfTheEvents, IsDurable: false)
        {
            Operation = _ => Packing(
                (frame, left, dead) => frame.HoldsCommits ? dead.FateOf(frame, left) : FrameFate.Kept, static _ => { }),
        },
        ["compaction shortens commits of streams that were not truncated"] = new(null, ViolationKind.FalseResult, NotOfTheEvents)
        {
            Operation = _ => Packing(ShortenByOne, Flushed),
        },
        ["compaction takes out a unit because of one of its streams"] = new(null, ViolationKind.FalseResult, NotOfTheEvents)
        {
            Operation = _ => Packing(
                (frame, left, dead) => frame.Kind == FrameKind.Unit && dead.FateOf(frame, left) == FrameFate.Shortened
                    ? FrameFate.Removed : FrameFate.Kept, Flushed),
        },
        ["compaction takes out that a stream was truncated or sealed"] = new(null, ViolationKind.Altered, NoneOfWhatWasDone)
        {
            Operation = _ => Packing(
                (frame, _, _) => frame.Kind == FrameKind.StreamState ? FrameFate.Removed : FrameFate.Kept, Flushed),
        },
        ["a file of a backup appears before it is flushed"] = new(null, ViolationKind.Refused, "the backup: ")
        {
            BackupDisk = disk => new NoFlushOf(disk, path => path.EndsWith(".seg.tmp", StringComparison.Ordinal)),
        },
        ["the folder of a backup's log is not flushed"] = new(null, ViolationKind.Refused, "the backup: ")
        {
            BackupDisk = disk => new NoFlushOfFolder(disk, "log"),
        },
    };

    private static readonly Dictionary<string, Func<IDisk, IDisk>> Negligence = new()
    {
        ["a run is not flushed before it is named"] = disk =>
            new NoFlushOf(disk, path => path.EndsWith(".run.tmp", StringComparison.Ordinal)),
        ["the folder of the runs is not flushed"] = disk => new NoFlushOfFolder(disk, "idx"),
        ["a checkpoint is not flushed before it appears"] = disk =>
            new NoFlushOf(disk, path => path.StartsWith("checkpoint", StringComparison.Ordinal)),
    };

    public static TheoryData<string> BugNames => [.. Bugs.Keys];

    public static TheoryData<string> NegligenceNames => [.. Negligence.Keys];

    [Theory, MemberData(nameof(BugNames))]
    public async Task The_simulator_finds(string name)
    {
        var bug = Bugs[name];
        var others = new SortedSet<ViolationKind>();
        for (var seed = 1; seed <= MostLives; seed++)
        {
            if (
                await LiveAsync(
                    new SimulatedLife(seed, new SeededBug(bug.Disk, bug.BackupDisk, bug.Operation), bug.IsDurable)) is not { } violation)
                continue;
            if (violation.Kind == bug.Kind && violation.Message.Contains(bug.Sign, StringComparison.Ordinal)) return;
            others.Add(violation.Kind);
        }

        Assert.Fail($"not found in {MostLives} lives; other violations there: {string.Join(", ", others)}");
    }

    /// <summary>The index and its checkpoints are derived from the log: lost parts are rebuilt.</summary>
    [Theory, MemberData(nameof(NegligenceNames))]
    public async Task It_does_no_harm_that(string name)
    {
        for (var seed = 1; seed <= MostLives / 5; seed++)
            Assert.Null(await LiveAsync(new SimulatedLife(seed, new SeededBug(Negligence[name]))));
    }

    private static bool IsSegment(string path) => path.EndsWith(".seg", StringComparison.Ordinal);

    private static async Task<Violation?> LiveAsync(SimulatedLife life)
    {
        try
        {
            await life.LiveAsync();
            return null;
        }
        catch (Violation violation)
        {
            return violation;
        }
    }

    // Packs all sealed segments by a wrong rule, or in a wrong order.
    private static Operation Packing(Func<Frame, LogBatch, DeadFrames, FrameFate> fateOf, Action<OpenStore> beforeSwap) => new(
        async engine => await ((FileSystemPersistenceEngine)engine).MaintainAsync((store, token) =>
        {
            var dead = new DeadFrames(store.View);
            foreach (var segment in store.Segments.Sealed)
                store.Packer.Pack(segment, (frame, left) => fateOf(frame, left, dead), () => beforeSwap(store), token);
            return true;
        }, CancellationToken.None));

    private static void Flushed(OpenStore store) => store.SyncNow();

    private static FrameFate ShortenByOne(Frame frame, LogBatch left, DeadFrames dead)
    {
        if (frame.Kind != FrameKind.Commit || frame.Count < 2) return FrameFate.Kept;
        ShortenedCodec.Write(left, frame, new NameCache(), [1]);
        return FrameFate.Shortened;
    }

    /// <summary>A bug and the sign of it.</summary>
    /// <param name="Disk">Puts it between the engine and the disk.</param>
    /// <param name="Kind">The promise that is broken.</param>
    /// <param name="Sign">What the violation says.</param>
    /// <param name="IsDurable">The stores in which it shows; null for all.</param>
    private sealed record Bug(Func<IDisk, IDisk>? Disk, ViolationKind Kind, string Sign, bool? IsDurable = null)
    {
        /// <summary>Puts it between backups and their disk.</summary>
        public Func<IDisk, IDisk>? BackupDisk { get; init; }

        /// <summary>An operation that is done wrongly.</summary>
        public Func<Random, Operation>? Operation { get; init; }
    }
}

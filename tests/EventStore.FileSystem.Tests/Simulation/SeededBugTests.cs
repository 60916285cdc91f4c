using EventStore.FileSystem.Disk;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>The simulator is worth as much as the bugs it finds: every one of these must be found, or the simulator has become blind to it.</summary>
public sealed class SeededBugTests
{
    private const int MostLives = 1500;

    private static readonly Dictionary<string, (bool IsDurable, Func<IDisk, IDisk> Seed)> Bugs = new()
    {
        ["nothing is flushed before it is acknowledged"] = (true, disk => new NoFlushOf(disk, path => path.EndsWith(".seg", StringComparison.Ordinal))),
        ["nothing is flushed at all"] = (true, disk => new NoFlushOf(disk, _ => true)),
        ["the head of a segment is not flushed before the segment appears"] = (true, disk => new NoFlushOf(disk, path => path.EndsWith(".seg.tmp", StringComparison.Ordinal))),
        ["the store's identity is not flushed before it appears"] = (true, disk => new NoFlushOf(disk, path => path.StartsWith("store", StringComparison.Ordinal))),
        ["the folder of the log is not flushed"] = (true, disk => new NoFlushOfFolder(disk, "log")),
        ["the store's folder is not flushed"] = (true, disk => new NoFlushOfFolder(disk, "")),
        ["a segment is not flushed before it is left"] = (false, disk => new NoFlushOfSeals(disk)),
        ["a checkpoint claims more than is flushed"] = (false, disk => new NoFlushOf(disk, path => path.EndsWith(".seg", StringComparison.Ordinal))),
        ["a failed flush is tried again and believed"] = (true, disk => new FailedFlushIsTriedAgain(disk)),
        ["a failed write is taken for done"] = (true, disk => new FailedWriteIsTakenForDone(disk)),
        ["the accepted end is not written anew on opening"] = (true, disk => new TailIsNotRewritten(disk)),
        ["a torn end is not cut off"] = (true, disk => new NothingIsCutOff(disk)),
        ["the end of a write does not arrive"] = (true, disk => new WritesAreCutShort(disk)),
        ["a write goes to another place"] = (true, disk => new WritesAreMisplaced(disk)),
    };

    public static TheoryData<string> Names => [.. Bugs.Keys];

    [Theory, MemberData(nameof(Names))]
    public async Task The_simulator_finds(string bug)
    {
        var (isDurable, seed) = Bugs[bug];
        for (var life = 1; life <= MostLives; life++)
        {
            if (await Record.ExceptionAsync(() => new SimulatedLife(life, seed).LiveAsync().AsTask()) is not null) return;
        }

        Assert.Fail($"not found in {MostLives} lives");
    }
}

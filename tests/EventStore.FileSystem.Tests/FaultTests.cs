using EventStore.FileSystem.Tests.Simulation;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// Runs one history repeatedly and fails each call to the disk once: typed errors, and a store that reopens whole and continues.
/// </summary>
public sealed class FaultTests
{
    private const int Length = 24;

    // How much of a failed write arrives is random, so each call fails several times.
    private const int Repetitions = 4;

    public static TheoryData<bool, string> Failures
    {
        get
        {
            var failures = new TheoryData<bool, string>();
            foreach (var isDurable in (bool[])[true, false])
            {
                foreach (var name in ByName.Keys) failures.Add(isDurable, name);
            }

            return failures;
        }
    }

    private static readonly Dictionary<string, DiskFailure> ByName = new()
    {
        ["a write fails"] = new(DiskCalls.Write, 0),
        ["a flush fails"] = new(DiskCalls.Sync | DiskCalls.SyncFolder, 0),
        ["a change of length or of an entry fails"] = new(DiskCalls.Space | DiskCalls.Entry, 0),
        ["the disk is full for a moment"] = new(DiskCalls.Write | DiskCalls.Space | DiskCalls.Entry, 0, IsFull: true),
        ["the disk is full until space is freed"] = new(DiskCalls.Write | DiskCalls.Space | DiskCalls.Entry, 0, IsFull: true, Lasts: true),
    };

    [Theory, MemberData(nameof(Failures))]
    public async Task Wherever_the_disk_fails_the_store_reopens_whole_and_continues(bool isDurable, string name)
    {
        var isReached = true;
        var calls = 0;
        for (var call = 0; isReached; call++)
        {
            for (var seed = 1; seed <= Repetitions; seed++)
            {
                try
                {
                    isReached = await FailAsync(new SimulatedLife(seed, durability: isDurable), ByName[name] with { After = call });
                }
                catch (Violation violation)
                {
                    Assert.Fail($"call {call}, repetition {seed}: {violation}");
                }
            }

            calls = call;
        }

        Assert.InRange(calls, 10, 1000);
    }

    // Returns whether the history reaches the call that fails.
    private static async Task<bool> FailAsync(SimulatedLife life, DiskFailure failure)
    {
        life.Disk.FailWith(failure);
        var (isOpened, isThrough) = (false, false);
        await life.WorkAsync(History());
        var isReached = life.Disk.FailedCalls > 0;
        Assert.True(isThrough || !isOpened || !failure.IsFull, $"call {failure.After}: a full disk made the engine stop permanently");
        life.Restart(losesPower: failure.After % 2 == 0);
        await life.CheckAsync();
        var isTaken = false;
        await life.WorkAsync(Afterwards());
        Assert.True(isTaken, $"call {failure.After}: reopened, the store takes no more");
        life.Restart(losesPower: false);
        await life.CheckAsync();
        return isReached;

        // Once space is freed, the same engine must continue.
        IEnumerable<Operation> History()
        {
            isOpened = true;
            var random = new Random(11);
            for (var i = 0; i < Length; i++) yield return Operations.Draw(random);
            if (failure.IsFull) life.Disk.Repair();
            yield return Operations.Commit(random);
            isThrough = true;
        }

        IEnumerable<Operation> Afterwards()
        {
            yield return Operations.Commit(new Random(12));
            isTaken = true;
        }
    }
}

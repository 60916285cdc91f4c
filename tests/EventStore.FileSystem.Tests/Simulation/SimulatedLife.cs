using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>What may happen to a store in a simulated life.</summary>
internal enum Misfortune
{
    PowerLoss,
    Kill,
    FailedFlush,
    FailedWrite,
    FailedEntry,
    FullDisk,
}

/// <summary>
/// A store's life, drawn from a seed: random operations, a misfortune at a random call, opening again (which may be interrupted too), and
/// a comparison of everything with what was acknowledged. Whatever breaks a promise is a <see cref="Violation"/>. Runs on one thread.
/// </summary>
internal sealed class SimulatedLife
{
    private readonly Random random;
    private readonly SimulatedDisk disk;
    private readonly IDisk seen;
    private readonly bool isDurable;
    private readonly StoreSettings settings;
    private readonly EngineContext context;
    private readonly DeferredWork beside;
    private readonly SimulatedBackup backup;
    private readonly Func<Random, Operation>? moreOperations;

    // What is stored for certain; the steps done since, in order; how many of these were acknowledged, and how many flushed by a clean
    // close.
    private readonly StoreContent stored = new();
    private readonly List<Action<StoreContent>> steps = [];
    private readonly Dictionary<ulong, (int First, int Last)> earlier = [];
    private int noted;
    private int acknowledged;
    private int flushed;

    /// <param name="seed">Decides everything.</param>
    /// <param name="bug">What is done wrong; null for a store without a bug.</param>
    /// <param name="durability">Whether the store flushes every batch; null to draw it too.</param>
    public SimulatedLife(int seed, SeededBug? bug = null, bool? durability = null)
    {
        random = new Random(seed);
        isDurable = random.Next(3) > 0;
        isDurable = durability ?? isDurable;
        disk = new SimulatedDisk(random, random.Next(4) == 0 ? 4096 : 512);
        seen = bug?.Disk?.Invoke(disk) ?? disk;
        moreOperations = bug?.Operation;
        beside = new DeferredWork(random);
        var index = new IndexSettings(random.Next(3, 30), random.Next(2000, 20_000), random.Next(2, 5));
        settings = new StoreSettings(
            new LogSettings(isDurable, random.Next(4200, 9000)) { InBackground = beside.Run, WaitFor = beside.WaitFor }, index,
            random.Next(0, 10))
        {
            Packing = new PackSettings(Compresses: random.Next(3) == 0, random.Next(PackedFormat.MinBlockLength, 3000)),
            NewStoreId = () => Operations.SequentialGuid(random),
        };
        context = new EngineContext(new SimulatedClock(random), NullLoggerFactory.Instance);
        backup = new SimulatedBackup(random, bug?.BackupDisk);
    }

    public SimulatedDisk Disk => disk;

    /// <exception cref="Violation">The store broke a promise.</exception>
    public async ValueTask LiveAsync()
    {
        try
        {
            for (var misfortunes = random.Next(1, 3); misfortunes > 0; misfortunes--)
            {
                var misfortune = (Misfortune)random.Next(6);
                Inject(misfortune);
                await WorkAsync(RandomOperations());
                await RestartAsync(misfortune);
            }

            await CheckAsync(ViolationKind.Unstable);
        }
        catch (CorruptStorageException error)
        {
            throw new Violation(ViolationKind.Refused, error.Message, error);
        }
        catch (Exception error) when (error is not Violation)
        {
            throw new Violation(ViolationKind.WrongError, error.GetType().Name, error);
        }
    }

    /// <summary>Opens the store, runs operations until one fails, and perhaps closes it.</summary>
    public async ValueTask WorkAsync(IEnumerable<Operation> operations)
    {
        var engine = Make(seen);
        try
        {
            await engine.InitializeAsync();
            foreach (var operation in operations)
            {
                if (!await TryAsync(engine, operation)) return;
                beside.Pass();
            }

            if (random.Next(2) == 0) return;
            beside.Close();
            await engine.DisposeAsync();
            if (disk.FailedCalls == 0) flushed = steps.Count;
        }
        catch (SimulatedCrash) when (disk.IsStopped || backup.IsStopped)
        {
            // It happened during an operation, which may be stored or not.
        }
        catch (StorageException error) when (disk.FailedCalls > 0 && error is not CorruptStorageException)
        {
            // It could not be opened, or not be closed.
        }
    }

    private IEnumerable<Operation> RandomOperations()
    {
        for (var rest = random.Next(1, 16); rest > 0; rest--)
        {
            if (random.Next(12) == 0) yield return backup.Take();
            else if (moreOperations is not null && random.Next(6) == 0) yield return moreOperations(random);
            else yield return Operations.Draw(random);
            if (disk.FailedCalls > 0 && random.Next(3) == 0) disk.Failure = null;
        }
    }

    private void Inject(Misfortune misfortune)
    {
        var after = random.Next(1, 60);
        switch (misfortune)
        {
            case Misfortune.FailedFlush: disk.Failure = new DiskFailure(DiskCalls.Sync, after / 3); break;
            case Misfortune.FailedWrite: disk.Failure = new DiskFailure(DiskCalls.Write | DiskCalls.Space, after / 2); break;
            case Misfortune.FailedEntry: disk.Failure = new DiskFailure(DiskCalls.Entry | DiskCalls.SyncFolder, after / 4); break;
            case Misfortune.FullDisk:
                var calls = DiskCalls.Write | DiskCalls.Space | DiskCalls.Entry;
                disk.Failure = new DiskFailure(calls, after / 2, IsFull: true, Lasts: random.Next(2) == 0);
                break;
            default: disk.StopAfter = after; break;
        }
    }

    // Returns whether the engine continues. A write refused for lack of space must never appear; one with an unknown outcome may.
    private async ValueTask<bool> TryAsync(FileSystemPersistenceEngine engine, Operation operation)
    {
        var (before, failedBefore) = (steps.Count, disk.FailedCalls);
        steps.AddRange(operation.Steps);
        try
        {
            await operation.DoAsync(engine);
            acknowledged = steps.Count;
            return true;
        }
        catch (StorageUnavailableException) when (disk.FailedCalls > failedBefore)
        {
            steps.RemoveRange(before, steps.Count - before);
            return true;
        }
        catch (StorageException error) when (
            disk.FailedCalls > 0 && error is not (StorageUnavailableException or BatchOutcomeUnknownException or CorruptStorageException))
        {
            steps.RemoveRange(before, steps.Count - before);
            return false;
        }
        catch (BatchOutcomeUnknownException) when (disk.FailedCalls > failedBefore)
        {
            disk.Failure = null;
            try
            {
                await Operations.Commit(random).DoAsync(engine);
            }
            catch (StorageException)
            {
                return false;
            }

            throw new Violation(ViolationKind.NotFaulted, "a commit is acknowledged after writing failed");
        }
    }

    // After a fault the machine may keep its deceptive cache, or lose power too. Recovery itself may be interrupted, and starts again.
    private async ValueTask RestartAsync(Misfortune misfortune)
    {
        Restart(losesPower: misfortune == Misfortune.PowerLoss || (misfortune != Misfortune.Kill && random.Next(2) == 0));
        while (random.Next(3) == 0)
        {
            disk.StopAfter = random.Next(0, 25);
            try
            {
                await Make(seen).InitializeAsync();
            }
            catch (SimulatedCrash) when (disk.IsStopped)
            {
            }

            Restart(losesPower: random.Next(2) == 0);
        }

        await CheckAsync();
    }

    /// <summary>The process ended, and perhaps the power went too.</summary>
    public void Restart(bool losesPower)
    {
        if (losesPower) disk.RestartMachine();
        else disk.RestartProcess();
        backup.Restart(losesPower, mayBeAhead: losesPower && !isDurable);
        beside.Restart();
        if (losesPower && !isDurable) acknowledged = Math.Min(acknowledged, flushed);
    }

    /// <summary>
    /// Opens the store and reads all of it: it must be what was done up to some point, not before the last acknowledgement.
    /// </summary>
    public async ValueTask CheckAsync(ViolationKind otherwise = ViolationKind.Altered)
    {
        var engine = await ReopenAsync(seen);
        var found = await StoreReader.ReadAsync(engine);
        var wanted = found.Fingerprint;
        var isLost = earlier.ContainsKey(wanted);
        for (var i = 0; ; i++)
        {
            if (i >= acknowledged && stored.Fingerprint == wanted) break;
            if (i == steps.Count)
                throw new Violation(
                    isLost ? ViolationKind.Lost : otherwise,
                    $"stored is none of what was done up to a point from step {acknowledged} to {steps.Count}, but {found}\nDone was "
                    + $"{stored}");
            isLost |= stored.Fingerprint == wanted;
            Note(stored.Fingerprint);
            steps[i](stored);
        }

        Note(wanted);

        steps.Clear();
        (acknowledged, flushed) = (0, 0);
        var report = await engine.VerifyAsync();
        Violation.Unless(report.IsSound, ViolationKind.Unsound, $"verification found {report.Damages[0]}");
        await Operations.Repeat(random).DoAsync(engine);
        await EndAsync(engine);
        if (backup.IsThere) await CheckBackupAsync();
    }

    private void Note(ulong state) => earlier[state] = (earlier.TryGetValue(state, out var known) ? known.First : ++noted, ++noted);

    private async ValueTask CheckBackupAsync()
    {
        var engine = await ReopenAsync(backup.Seen);
        await backup.CheckAsync(engine, earlier);
        await EndAsync(engine);
    }

    private async ValueTask EndAsync(FileSystemPersistenceEngine engine)
    {
        if (random.Next(2) == 0)
        {
            beside.Close();
            await engine.DisposeAsync();
        }

        Restart(losesPower: false);
    }

    private async ValueTask<FileSystemPersistenceEngine> ReopenAsync(IDisk from)
    {
        var engine = Make(from);
        try
        {
            await engine.InitializeAsync();
            return engine;
        }
        catch (StorageException error)
        {
            throw new Violation(ViolationKind.Refused, $"{(from == seen ? "" : "the backup: ")}{error.Message}", error);
        }
    }

    private FileSystemPersistenceEngine Make(IDisk over) => new(
        new StoreFiles(over, settings), new(isDurable ? Durability.Durable : Durability.Fast, "simulated", []), context);

    /// <summary>A clock that mostly moves forward.</summary>
    private sealed class SimulatedClock(Random random) : TimeProvider
    {
        private DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => now = now.AddMilliseconds(random.Next(-2, 20));
    }
}

using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// The backup of a simulated store, on another disk of the same machine, on which backups may fail too. Opened, it holds what was stored
/// when it was taken; if a later one was interrupted, that or more of what was stored since.
/// </summary>
internal sealed class SimulatedBackup(Random random, Func<IDisk, IDisk>? mutate)
{
    private SimulatedDisk disk = new(random);

    // What the newest one that was finished holds, and whether another was begun since.
    private ulong? newest;
    private bool isStruck;

    // The store may have lost, with the power, what the backup holds.
    private bool mayBeAhead;

    public IDisk Seen => mutate?.Invoke(disk) ?? disk;

    public bool IsStopped => disk.IsStopped;

    /// <summary>Whether there is something that must open.</summary>
    public bool IsThere => newest is not null;

    /// <summary>A backup, which perhaps fails. The store must not suffer from that.</summary>
    public Operation Take()
    {
        var (misfortune, after) = (random.Next(8), random.Next(40));
        return new Operation(async engine =>
        {
            isStruck = true;
            if (misfortune == 0) disk.StopAfter(after);
            else if (misfortune <= 2) disk.FailWith(new DiskFailure(DiskCalls.All, after, IsFull: misfortune == 2));
            var failed = disk.FailedCalls;
            try
            {
                await ((FileSystemPersistenceEngine)engine).MaintainAsync(
                    (store, token) => new Backup(store, Seen, null, token).Run(), CancellationToken.None);
                (newest, isStruck) = ((await StoreReader.ReadAsync(engine)).Fingerprint, false);
            }
            catch (StorageUnavailableException) when (disk.FailedCalls > failed)
            {
                // Tried again at some later time.
            }

            disk.RunOn();
            disk.Repair();
        });
    }

    public void Restart(bool losesPower, bool mayBeAhead)
    {
        if (losesPower) disk.RestartMachine();
        else disk.RestartProcess();
        this.mayBeAhead |= mayBeAhead;
        if (this.mayBeAhead && !IsThere) StartOver();
    }

    /// <param name="opened">The backup, opened as a store.</param>
    /// <param name="states">Every state of the store, and when it was first and last there: operations may restore an earlier
    /// state.</param>
    public async ValueTask CheckAsync(IPersistenceEngine opened, Dictionary<ulong, (int First, int Last)> states)
    {
        var found = await StoreReader.ReadAsync(opened);
        var isRight = isStruck
            ? mayBeAhead
                || (states.TryGetValue(found.Fingerprint, out var held) && held.Last >= states.GetValueOrDefault(newest!.Value).First)
            : found.Fingerprint == newest;
        Violation.Unless(isRight, ViolationKind.Altered, $"the backup is not what was stored, but {found}");
        var report = await opened.VerifyAsync();
        Violation.Unless(report.IsSound, ViolationKind.Unsound, $"verification of the backup found {report.Damages[0]}");
        (newest, isStruck) = (found.Fingerprint, false);
        if (mayBeAhead) StartOver();
    }

    private void StartOver() => (disk, newest, isStruck, mayBeAhead) = (new SimulatedDisk(random), null, false, false);
}

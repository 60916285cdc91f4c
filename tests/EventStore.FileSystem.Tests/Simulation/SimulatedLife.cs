using System.Text;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>What may happen to a store in a simulated life.</summary>
internal enum Misfortune
{
    PowerLoss,
    Kill,
    FailedFlush,
    FailedWrite,
}

/// <summary>
/// A store's life, drawn from a seed: random work, a misfortune at a random call, opening again (perhaps struck once more), and a comparison of
/// everything with what was acknowledged. A violation is an exception.
/// </summary>
internal sealed class SimulatedLife
{
    private readonly Random random;
    private readonly SimulatedDisk disk;
    private readonly IDisk seen;
    private readonly bool isDurable;
    private readonly StoreSettings settings;

    // What was done, in order; what is certain to be stored; what may be.
    private readonly List<Action<SimulatedContent>> done = [];
    private int certain;
    private bool survivesOnlyByChance;

    public SimulatedLife(int seed, bool isDurable, Func<IDisk, IDisk>? mutate = null)
    {
        (random, this.isDurable) = (new Random(seed), isDurable);
        disk = new SimulatedDisk(random);
        seen = mutate?.Invoke(disk) ?? disk;
        var index = new IndexSettings(random.Next(3, 30), random.Next(2000, 20_000), random.Next(2, 5), StoreOpening.InPlace);
        settings = new StoreSettings(new LogSettings(isDurable, random.Next(4200, 9000)), index, random.Next(0, 10));
    }

    public async Task LiveAsync(int misfortunes)
    {
        for (var i = 0; i < misfortunes; i++)
        {
            var misfortune = (Misfortune)random.Next(4);
            await WorkUntilAsync(misfortune);
            await RestartAsync(misfortune);
        }

        await using var engine = await OpenAsync();
        await CompareAsync(engine);
    }

    private async Task WorkUntilAsync(Misfortune misfortune)
    {
        FileSystemPersistenceEngine? engine = null;
        Strike(misfortune);
        try
        {
            engine = Make();
            await engine.InitializeAsync();
            var steps = random.Next(1, 40);
            for (var i = 0; i < steps; i++) await StepAsync(engine);
            if (random.Next(2) == 0) await engine.DisposeAsync();
        }
        catch (Exception error) when (error is SimulatedCrash or BatchOutcomeUnknownException or StorageUnavailableException)
        {
            // Met in the middle of something: that may be stored, or not.
        }
        catch (StorageException error) when (error is not CorruptStorageException && misfortune is Misfortune.FailedFlush or Misfortune.FailedWrite)
        {
            // The store takes no more writes.
        }
    }

    private void Strike(Misfortune misfortune)
    {
        var after = random.Next(1, 90);
        switch (misfortune)
        {
            case Misfortune.FailedFlush: disk.FailSyncAfter = after / 3; break;
            case Misfortune.FailedWrite: disk.FailWrite = (after / 2, random.Next(2) == 0 ? new IOException("the disk failed", 5) : new DiskFullException("simulated")); break;
            default: disk.StopAfter = after; break;
        }
    }

    // After a fault the machine may go on with its deceptive cache, or lose power too. Recovery itself may be struck down, and begins again.
    private async Task RestartAsync(Misfortune misfortune)
    {
        var losesPower = misfortune == Misfortune.PowerLoss || (misfortune != Misfortune.Kill && random.Next(2) == 0);
        Restart(losesPower);
        if (random.Next(3) == 0)
        {
            disk.StopAfter = random.Next(1, 25);
            try
            {
                await Make().InitializeAsync();
            }
            catch (Exception error) when (error is SimulatedCrash)
            {
            }

            Restart(losesPower: random.Next(2) == 0);
        }

        await using var engine = await OpenAsync();
        await CompareAsync(engine);
    }

    private void Restart(bool losesPower)
    {
        if (losesPower) disk.RestartMachine();
        else disk.RestartProcess();
        survivesOnlyByChance |= losesPower && !isDurable;
    }

    private FileSystemPersistenceEngine Make() =>
        new(seen, settings, new EngineDurability(DurabilityLevel.Durable, "simulated", []), null, EngineContext.Default);

    private async Task<FileSystemPersistenceEngine> OpenAsync()
    {
        var engine = Make();
        await engine.InitializeAsync();
        return engine;
    }

    private async Task StepAsync(FileSystemPersistenceEngine engine)
    {
        StreamId stream = $"stream-{random.Next(5)}";
        switch (random.Next(12))
        {
            case 0:
                done.Add(content => content.Delete(stream));
                await engine.DeleteStreamAsync(stream);
                break;
            case 1:
                await PutDocumentAsync(engine, $"document-{random.Next(3)}");
                break;
            case 2 when await engine.FindHeadAsync(stream) is { } head:
                done.Add(content => content.Snapshots[stream.Id] = Math.Max(content.Snapshots.GetValueOrDefault(stream.Id), head.Revision.Value));
                await engine.SaveSnapshotAsync(new SnapshotRecord(stream, head.Revision, 0, "state", new byte[random.Next(100)]));
                break;
            default:
                await CommitAsync(engine);
                break;
        }

        certain = done.Count;
    }

    private async Task PutDocumentAsync(FileSystemPersistenceEngine engine, string name)
    {
        var known = await engine.FindDocumentAsync(name);
        var text = random.Next().ToString(System.Globalization.CultureInfo.InvariantCulture);
        done.Add(content => content.Documents[name] = text);
        if (await engine.PutDocumentAsync(name, Encoding.UTF8.GetBytes(text), known?.Version ?? 0) is null) throw new InvalidOperationException("a document was not written");
    }

    private async Task CommitAsync(FileSystemPersistenceEngine engine)
    {
        var attempts = new CommitAttempt[random.Next(1, 4)];
        for (var i = 0; i < attempts.Length; i++)
        {
            StreamId stream = $"stream-{random.Next(5)}";
            EventRecord[] events = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes($"{random.Next()}-{new string('x', random.Next(300))}")))];
            attempts[i] = new CommitAttempt(stream, Guid.NewGuid(), ExpectedRevision.Any, default, events);
            done.Add(content => content.Append(stream, events));
        }

        var outcomes = await engine.CommitAsync(attempts);
        if (outcomes.Any(outcome => outcome.Kind != CommitOutcomeKind.Committed)) throw new InvalidOperationException("a commit was not stored");
        if ((await engine.CommitAsync([attempts[0]]))[0].Kind != CommitOutcomeKind.Duplicate) throw new InvalidOperationException("a duplicate was not found");
    }

    // What is stored must be what was done up to some point; in durable stores not before the last acknowledgement.
    private async Task CompareAsync(FileSystemPersistenceEngine engine)
    {
        var actual = await SimulatedContent.ReadAsync(engine);
        var least = survivesOnlyByChance ? 0 : certain;
        var content = new SimulatedContent();
        for (var i = 0; i <= done.Count; i++)
        {
            if (i >= least && content.ToString() == actual)
            {
                done.RemoveRange(i, done.Count - i);
                (certain, survivesOnlyByChance) = (i, false);
                var report = await engine.VerifyAsync();
                if (!report.IsSound) throw new InvalidOperationException($"verification found {report.Damages[0]}");
                return;
            }

            if (i < done.Count) done[i](content);
        }

        throw new InvalidOperationException($"stored is none of what was done up to a point from {least} to {done.Count}:\n{actual}");
    }
}

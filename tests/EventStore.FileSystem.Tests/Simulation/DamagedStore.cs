using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Recovery;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>A store that was closed.</summary>
public sealed class ClosedStore() : DamagedStore(isClosed: true);

/// <summary>A store whose process ended after its last commit.</summary>
public sealed class KilledStore() : DamagedStore(isClosed: false);

/// <summary>A store as it should be, and the check of one that was damaged.</summary>
public abstract class DamagedStore(bool isClosed) : IAsyncLifetime
{
    private static readonly StoreSettings Settings = new(new LogSettings(true, 5600), new IndexSettings(8, 1 << 20, 3), 3);

    private static readonly Func<Random, Operation>[] BeforeTheCrash =
        [
            Operations.Commit, Operations.Commit, Operations.PutDocument, Operations.SaveSnapshot, Operations.Commit,
            Operations.DeleteStream, Operations.Commit, Operations.Purge, Operations.Commit];

    private static readonly Func<Random, Operation>[] AfterTheCrash =
        [
            Operations.Unit, Operations.Unit, Operations.Truncate, Operations.Seal, Operations.Skip,
            Operations.Commit, Operations.DeleteDocument, Operations.Commit, Operations.SaveSnapshot, Operations.SaveSnapshot,
            Operations.PruneSnapshots, Operations.Commit, Operations.PutDocument, Operations.PutDocument, Operations.SaveSnapshot,
            Operations.SaveSnapshot, Operations.Commit];

    internal SimulatedDisk Disk { get; } = new(new Random(1));

    public ulong Fingerprint { get; private set; }

    /// <summary>Its content as text.</summary>
    public string Content { get; private set; } = "";

    // What it would hold without its last batch.
    private ulong withoutLast;

    /// <summary>Makes a store with operations of every kind and crashes, one of which left a torn end.</summary>
    public async ValueTask InitializeAsync()
    {
        var random = new Random(1);
        var engine = Open(Disk);
        await engine.InitializeAsync();
        foreach (var draw in BeforeTheCrash) await draw(random).DoAsync(engine);
        for (var calls = 0; !Disk.Paths.Any(path => path.StartsWith("quarantine/", StringComparison.Ordinal)); calls++)
        {
            Disk.StopAfter(calls % 16);
            await Record.ExceptionAsync(async () => await Operations.Commit(random).DoAsync(engine));
            Disk.RestartProcess();
            engine = Open(Disk);
            await engine.InitializeAsync();
        }

        foreach (var draw in AfterTheCrash)
        {
            withoutLast = (await StoreReader.ReadAsync(engine)).Fingerprint;
            await draw(random).DoAsync(engine);
        }

        var content = await StoreReader.ReadAsync(engine);
        (Fingerprint, Content) = (content.Fingerprint, content.ToString());
        if (isClosed) await engine.DisposeAsync();
        Disk.RestartProcess();
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return default;
    }

    /// <summary>Every byte of every file.</summary>
    public IEnumerable<(string Path, int At)> Bytes() =>
        Disk.Paths.SelectMany(path => Enumerable.Range(0, Disk.Content(path).Length).Select(at => (path, at)));

    internal FileSystemPersistenceEngine Open(SimulatedDisk disk) =>
        new(new StoreFiles(disk, Settings), new EngineDurability(Durability.Durable, "simulated", []), EngineContext.Default);

    /// <summary>
    /// The damaged store returns what it would return without the damage, or reports where the damage is. Of a store that was not closed
    /// the last batch may be taken for a torn end, as docs/file-format.md says, but nothing before it.
    /// </summary>
    internal async ValueTask CheckAsync(SimulatedDisk damaged, string path, string what)
    {
        await using var engine = Open(damaged);
        try
        {
            await engine.InitializeAsync();
            var found = await StoreReader.ReadAsync(engine);
            Assert.True(
                found.Fingerprint == Fingerprint || (!isClosed && found.Fingerprint == withoutLast), $"{what}: a wrong result: {found}");
            await Operations.Repeat(new Random(3)).DoAsync(engine);
        }
        catch (CorruptStorageException error)
        {
            Assert.True(
                error.Place.StartsWith($"{damaged.Root}/{path}", StringComparison.Ordinal),
                $"{what}: the place is said to be {error.Place}");
        }
        catch (Exception error) when (error is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {error}");
        }
    }
}

using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;
using EventStore.FileSystem.Store;
using EventStore.FileSystem.Tests.Simulation;

namespace EventStore.FileSystem.Tests;

/// <summary>A small store of several segments and runs, damaged in every way one at a time: refused with a place, or as if nothing had happened.</summary>
public sealed class DamageTests
{
    private static readonly StoreSettings Settings = new(new LogSettings(true, 4700), new IndexSettings(6, 1 << 20, 3, StoreOpening.InPlace), 3);

    [Fact]
    public async Task A_flipped_bit_anywhere_is_refused_with_its_place_or_changes_nothing()
    {
        var (disk, expected) = await MakeAsync();
        foreach (var path in disk.Paths.ToArray())
        {
            var length = disk.Content(path).Length;
            for (var at = 0; at < length; at += Step(path, at))
            {
                var damaged = disk.Copy();
                damaged.Content(path)[at] ^= (byte)(1 << (at % 8));
                await CheckAsync(damaged, expected, $"bit {at % 8} of byte {at} of {path}");
            }
        }
    }

    [Fact]
    public async Task A_file_cut_anywhere_is_refused_with_its_place_or_changes_nothing()
    {
        var (disk, expected) = await MakeAsync();
        foreach (var path in disk.Paths.ToArray())
        {
            var content = disk.Content(path);
            for (var length = 0; length < content.Length; length += Step(path, length))
            {
                var damaged = disk.Copy();
                damaged.Replace(path, content[..length]);
                await CheckAsync(damaged, expected, $"{path} cut to {length} bytes");
            }
        }
    }

    [Fact]
    public async Task A_missing_file_is_refused_with_its_place_or_changes_nothing()
    {
        var (disk, expected) = await MakeAsync();
        foreach (var path in disk.Paths.ToArray())
        {
            var damaged = disk.Copy();
            damaged.Replace(path, null);
            await CheckAsync(damaged, expected, $"{path} missing");
        }
    }

    [Fact]
    public async Task A_deleted_index_is_built_anew_and_answers_the_same()
    {
        var (disk, expected) = await MakeAsync();
        var bare = disk.Copy();
        foreach (var path in bare.Paths.Where(path => path.StartsWith("idx/", StringComparison.Ordinal)).ToArray()) bare.Replace(path, null);
        await using var engine = await OpenAsync(bare);
        Assert.Equal(expected, await SimulatedContent.ReadAsync(engine));
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Every_write_may_fail_and_the_store_reopens_whole_and_goes_on(bool isFull)
    {
        var writes = (await MakeAsync()).Disk.WriteCount;
        for (var write = 0; write < writes; write++)
        {
            var disk = new SimulatedDisk(new Random(write)) { FailWrite = (write, isFull ? new Disk.DiskFullException("simulated") : new IOException("the disk failed", 5)) };
            var engine = Make(disk);
            Assert.True(await Record.ExceptionAsync(async () => await FillAsync(engine)) is null or StorageException);
            await Record.ExceptionAsync(async () => await engine.DisposeAsync());
            disk.RestartProcess();
            await using var again = await OpenAsync(disk);
            await SimulatedContent.ReadAsync(again);
            Assert.True((await again.VerifyAsync()).IsSound);
            Assert.Equal(CommitOutcomeKind.Committed, (await again.CommitAsync([Attempt("afterwards")]))[0].Kind);
        }
    }

    // Every byte where each has a meaning of its own; within padding and blocks with one checksum, samples.
    private static int Step(string path, int at) => path.StartsWith("idx/", StringComparison.Ordinal) ? 41 : IsPadding(path, at) ? 61 : 1;

    private static bool IsPadding(string path, int at) => path.StartsWith("log/", StringComparison.Ordinal) && at is > 128 and < Format.SegmentHeaderLength - 64;

    private static async Task CheckAsync(SimulatedDisk damaged, string expected, string what)
    {
        var engine = Make(damaged);
        try
        {
            await engine.InitializeAsync();
            Assert.True(expected == await SimulatedContent.ReadAsync(engine), $"{what}: a wrong answer");
        }
        catch (CorruptStorageException error)
        {
            Assert.False(string.IsNullOrWhiteSpace(error.Place));
        }
        catch (Exception error) when (error is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {error}");
        }
        finally
        {
            await engine.DisposeAsync();
        }
    }

    private static async Task<(SimulatedDisk Disk, string Expected)> MakeAsync()
    {
        var disk = new SimulatedDisk(new Random(1));
        var engine = Make(disk);
        await FillAsync(engine);
        var expected = await SimulatedContent.ReadAsync(engine);
        await engine.DisposeAsync();
        return (disk, expected);
    }

    private static async Task FillAsync(FileSystemPersistenceEngine engine)
    {
        await engine.InitializeAsync();
        for (var i = 0; i < 14; i++)
        {
            await engine.CommitAsync([Attempt($"stream-{i % 4}")]);
            if (i == 8) await engine.DeleteStreamAsync("stream-1");
        }

        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", 1, 0, "state", new byte[30]));
        await engine.PutDocumentAsync("document", new byte[20], 0);
    }

    private static CommitAttempt Attempt(string stream) =>
        new(stream, Guid.NewGuid(), ExpectedRevision.Any, default, [new EventRecord(Guid.NewGuid(), "type", "a body"u8.ToArray())]);

    private static FileSystemPersistenceEngine Make(SimulatedDisk disk) =>
        new(disk, Settings, new EngineDurability(DurabilityLevel.Durable, "simulated", []), null, EngineContext.Default);

    private static async Task<FileSystemPersistenceEngine> OpenAsync(SimulatedDisk disk)
    {
        var engine = Make(disk);
        await engine.InitializeAsync();
        return engine;
    }
}

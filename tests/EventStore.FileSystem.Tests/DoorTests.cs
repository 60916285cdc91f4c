using System.Diagnostics;
using EventStore.FileSystem.Tests.Processes;

namespace EventStore.FileSystem.Tests;

/// <summary>The wireup verbs, the options, the lock of the one writer, stores of several names.</summary>
public sealed class DoorTests : IDisposable
{
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_second_writer_is_refused_with_the_process_of_the_first_until_that_closes()
    {
        await using var second = Make();
        await using (var first = Make())
        {
            await first.InitializeAsync();
            var refused = await Assert.ThrowsAsync<StorageException>(async () => await second.InitializeAsync());
            Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        }

        await second.InitializeAsync();
    }

    [Fact]
    public async Task Another_process_is_refused_while_one_writes_and_admitted_at_once_when_that_is_killed()
    {
        var order = new WriterOrder(directory.Path, IsDurable: true, Committers: 1, Seed: 1, MostWrites: int.MaxValue);
        using var owner = new WriterProcess(order);
        await owner.ReadUntilAsync("open");
        await using var engine = order.MakeEngine();
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync());
        Assert.Contains($"process {owner.Id}", refused.Message, StringComparison.Ordinal);
        await owner.KillAsync();
        await engine.InitializeAsync();
    }

    [Fact]
    public async Task Stores_of_two_names_share_a_directory_without_seeing_each_other()
    {
        await using var first = Make(new FileSystemOptions { Name = "first" });
        await using var second = Make(new FileSystemOptions { Name = "second" });
        await first.InitializeAsync();
        await second.InitializeAsync();
        await first.CommitAsync(
            [
                new CommitAttempt("stream", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", default)])
                {
                    Expected = ExpectedRevision.NoStream,
                },
            ]);
        Assert.Null(await second.FindHeadAsync("stream"));
        Assert.NotNull(await first.FindHeadAsync("stream"));
    }

    [Fact]
    public async Task What_is_no_directory_is_refused_with_what_it_is()
    {
        var file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "text");
        var pipe = Path.Combine(directory.Path, "pipe");
        if (OperatingSystem.IsLinux()) await Process.Start("mkfifo", pipe).WaitForExitAsync();
        (string Path, string Kind)[] places = OperatingSystem.IsLinux()
            ? [(file, "a file"), (pipe, "a named pipe"), ("/dev/null", "a device")]
            : [(file, "a file")];
        foreach (var (path, kind) in places)
        {
            var sound = new FileSystemStore(Path.Combine(directory.Path, "sound"));
            await (await Json(Wireup.Init().UsingFileSystemPersistence(sound).InitializeStorageEngine()).BuildAsync()).DisposeAsync();
            Func<Task>[] members =
            [
                () => Json(Wireup.Init().UsingFileSystemPersistence(path).InitializeStorageEngine()).BuildAsync().AsTask(),
                () => Json(Wireup.Init().UsingFileSystemPersistence(Path.Combine(path, "below"))).BuildAsync().AsTask(),
                () => Json(Wireup.Init().UsingPersistence($"file:{path}", engines => engines.AddFileSystem()).OpenReadOnly()).BuildAsync()
                    .AsTask(),
                () => sound.BackupAsync(path).AsTask(),
                () => sound.RepairAsync(path).AsTask(),
                () => new FileSystemStore(path).VerifyAsync().AsTask(),
            ];
            for (var i = 0; i < members.Length; i++)
            {
                var error = await Record.ExceptionAsync(members[i]);
                Assert.True(error?.GetType() == typeof(StorageException), $"member {i} of the list on {path} gave {error}");
                Assert.Contains($"'{path}' is {kind}", error.Message, StringComparison.Ordinal);
            }
        }

        static Wireup Json(Wireup wireup) => wireup.UsingJsonSerialization(types => types.Register<string>("text"));
    }

    [Theory, InlineData(""), InlineData("Upper"), InlineData("../out"), InlineData("a b"), InlineData("a\n")]
    public void A_name_that_is_not_a_plain_file_name_is_refused(string name) =>
        Assert.Throws<InvalidOptionException>(
            () => Wireup.Init().UsingFileSystemPersistence(directory.Path, new FileSystemOptions { Name = name }));

    [Fact]
    public void A_flush_interval_contradicts_durable() =>
        Assert.Throws<InvalidOptionException>(
            () =>
                Wireup.Init().UsingFileSystemPersistence(
                    directory.Path, new FileSystemOptions { FlushInterval = TimeSpan.FromSeconds(1) }));

    [Fact]
    public async Task An_address_selects_the_engine_and_stored_events_are_read_again()
    {
        for (var round = 0; round < 2; round++)
        {
            await using var store = await Wireup.Init()
                .UsingPersistence(
                    $"file:{directory.Path}",
                    engines =>
                        engines.AddFileSystem(
                            new FileSystemOptions { Durability = Durability.Fast, FlushInterval = TimeSpan.FromMilliseconds(5) }))
                .UsingJsonSerialization(types => types.Register<string>("text"))
                .InitializeStorageEngine()
                .BuildAsync();
            await store.AppendAsync("stream", $"round {round}");
        }

        await using var engine = Make();
        await engine.InitializeAsync();
        Assert.Equal(2, (await engine.FindHeadAsync("stream"))!.Revision.Value);
    }

    [Fact]
    public async Task A_missing_store_is_created_only_where_that_is_allowed()
    {
        await using var engine = FileSystemEngines.Over(
            directory.Path, new FileSystemOptions(), EngineContext.Default with { MayCreateStorage = false });
        await Assert.ThrowsAsync<StorageNotFoundException>(async () => await engine.InitializeAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
    }

    private IPersistenceEngine Make(FileSystemOptions? options = null) =>
        FileSystemEngines.Over(directory.Path, options ?? new FileSystemOptions(), EngineContext.Default);

    [Fact]
    public async Task The_row_of_the_readme_is_the_description()
    {
        await using var backend = new FileBackend();
        await using var engine = await backend.OpenAsync(EngineContext.Default);
        await engine.InitializeAsync();
        Assert.Contains(
            EventStore.Conformance.DescriptionTable.RowOf(engine.Description, "file"),
            await File.ReadAllLinesAsync(Path.Combine(RepositoryRoot.Path, "README.md")));
    }
}

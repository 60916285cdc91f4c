using System.Diagnostics;
using System.Runtime.Versioning;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Who gets access to the files of a store, what is refused in their place, and which addresses lead to them.</summary>
public sealed class AccessTests : IDisposable
{
    private const UnixFileMode OthersAll = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(FileSystemAccess.Owner), InlineData(FileSystemAccess.GroupReads)]
    [UnsupportedOSPlatform("windows")]
    public async Task Files_and_folders_are_created_for_the_owner_and_only_where_asked_for_the_group(FileSystemAccess access)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has other permissions.");
        var files = new FileSystemStore(
            Path.Combine(directory.Path, "data"), new FileSystemOptions { Access = access, SegmentSizeBytes = 64 << 10 });
        await using (var store = await Wire(files).InitializeStorageEngine().BuildAsync())
        {
            for (var i = 0; i < 200; i++) await store.AppendAsync("stream", new string('x', 1_000));
            await files.BackupAsync(Path.Combine(directory.Path, "backup"));
        }

        string[] stores = [Path.Combine(directory.Path, "data", "events"), Path.Combine(directory.Path, "backup", "events")];
        foreach (var path in stores.SelectMany(
            store => Directory.EnumerateFileSystemEntries(store, "*", SearchOption.AllDirectories).Append(store)))
        {
            var mode = File.GetUnixFileMode(path);
            Assert.True((mode & (OthersAll | UnixFileMode.GroupWrite)) == UnixFileMode.None, $"{path} has {mode}");
            Assert.True(mode.HasFlag(UnixFileMode.GroupRead) == (access == FileSystemAccess.GroupReads), $"{path} has {mode}");
            Assert.True(mode.HasFlag(UnixFileMode.UserRead | UnixFileMode.UserWrite), $"{path} has {mode}");
        }
    }

    [Theory, InlineData(OpenStore.LockFileName), InlineData(LiveFile.FileName)]
    public async Task A_link_in_the_place_of_a_file_is_refused_and_its_target_stays_as_it_is(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux refuses links.");
        await using (var store = await Wire(new FileSystemStore(directory.Path)).InitializeStorageEngine().BuildAsync())
            await store.AppendAsync("stream", "x");
        var target = Path.Combine(directory.Path, "precious");
        await File.WriteAllTextAsync(target, "precious");
        var link = Path.Combine(directory.Path, "events", name);
        File.Delete(link);
        File.CreateSymbolicLink(link, target);
        var error = await Record.ExceptionAsync(async () =>
        {
            await using var store = await Wire(new FileSystemStore(directory.Path)).BuildAsync();
            await store.AppendAsync("stream", "x");
        });
        if (name == OpenStore.LockFileName)
            Assert.Contains("is a link", Assert.IsType<StorageUnavailableException>(error).Message, StringComparison.Ordinal);
        else Assert.Null(error); // it is only not written
        Assert.Equal("precious", await File.ReadAllTextAsync(target));
    }

    [Fact]
    public async Task A_pipe_in_the_place_of_the_lock_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux refuses what is no regular file.");
        var folder = Directory.CreateDirectory(Path.Combine(directory.Path, "events")).FullName;
        using (var make = Process.Start("mkfifo", Path.Combine(folder, OpenStore.LockFileName))) await make.WaitForExitAsync();
        var error = await Assert.ThrowsAsync<StorageUnavailableException>(
            async () => await Wire(new FileSystemStore(directory.Path)).InitializeStorageEngine().BuildAsync());
        Assert.Contains("no regular file", error.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("file://data"), InlineData("file://localhost/data"), InlineData("file:////data"), InlineData("file:~/data")]
    public async Task An_address_that_would_lead_elsewhere_than_it_reads_is_refused(string address)
    {
        var error = await Assert.ThrowsAsync<WireupException>(async () => await WireAddress(address).BuildAsync());
        Assert.Contains(address, error.Message, StringComparison.Ordinal);
        Assert.Contains("Write", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_that_is_no_path_is_refused_when_it_is_given()
    {
        foreach (var address in (string[])["file:", "file: ", "file:a\0b"])
            await Assert.ThrowsAsync<WireupException>(async () => await WireAddress(address).BuildAsync());
        foreach (var path in (string[])["", " ", "a\0b"])
        {
            Assert.Throws<InvalidOptionException>(() => new FileSystemStore(path));
            Assert.Throws<InvalidOptionException>(() => Wireup.Init().UsingFileSystemPersistence(path));
        }
    }

    [Fact]
    public async Task An_address_with_three_slashes_is_the_directory_from_the_root()
    {
        await using (var store = await WireAddress("file://" + directory.Path).InitializeStorageEngine().BuildAsync())
            await store.AppendAsync("stream", "x");
        Assert.True(Directory.Exists(Path.Combine(directory.Path, "events")));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_refused_with_the_way_to_read_it()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "Needs a folder that cannot be written to.");
        var error = await Assert.ThrowsAsync<StorageUnavailableException>(
            async () => await WireAddress("file:/proc/eventstore").InitializeStorageEngine().BuildAsync());
        Assert.Contains("cannot be opened for writing", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("InitializeStorageEngine", error.Message, StringComparison.Ordinal);
    }

    private static Wireup Wire(FileSystemStore files) => Wireup.Init()
        .UsingFileSystemPersistence(files)
        .UsingJsonSerialization(types => types.Register<string>("text"));

    private static Wireup WireAddress(string address) => Wireup.Init()
        .UsingPersistence(address, engines => engines.AddFileSystem())
        .UsingJsonSerialization(types => types.Register<string>("text"));
}

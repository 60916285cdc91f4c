using System.Diagnostics;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests;

/// <summary>Links and pipes in the place of each file and folder of a store, a backup and a repaired store.</summary>
public sealed class LinkTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);
    private readonly TestDirectory directory = new();

    private string Data => Path.Combine(directory.Path, "data");

    private string Copy => Path.Combine(directory.Path, "copy");

    private string Outside => Path.Combine(directory.Path, "outside");

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_link_in_the_place_of_anything_in_a_store_never_leads_a_writer_out_of_it()
    {
        await RequireLinuxAndFillAsync();
        foreach (var name in Entries(Data)) await LeadsNowhereAsync(Data, name, UseAsync);
    }

    [Fact]
    public async Task A_link_in_the_place_of_anything_in_a_backup_never_leads_the_next_one_out_of_it()
    {
        await RequireLinuxAndFillAsync();
        await Store().BackupAsync(Copy);
        await UseAsync();
        foreach (var name in Entries(Copy)) await LeadsNowhereAsync(Copy, name, async () => await Store().BackupAsync(Copy));
    }

    [Theory, InlineData("log"), InlineData("idx")]
    public async Task A_link_in_the_place_of_a_folder_never_leads_a_repair_out_of_its_target(string folder)
    {
        await RequireLinuxAndFillAsync();
        Directory.CreateDirectory(Path.Combine(Copy, "events", folder));
        await LeadsNowhereAsync(Copy, Path.Combine("events", folder), async () => await Store().RepairAsync(Copy));
    }

    [Fact]
    public async Task A_backup_into_a_link_to_the_store_itself_is_refused()
    {
        await RequireLinuxAndFillAsync();
        Directory.CreateDirectory(Copy);
        Directory.CreateSymbolicLink(Path.Combine(Copy, "events"), Path.Combine(Data, "events"));
        var before = Content(Path.Combine(Data, "events", "log"));
        await Assert.ThrowsAnyAsync<StorageException>(async () => await Store().BackupAsync(Copy));
        await Assert.ThrowsAnyAsync<StorageException>(async () => await Store().RepairAsync(Copy));
        Assert.Equal(before, Content(Path.Combine(Data, "events", "log")));
        Assert.True((await Store().VerifyAsync()).IsSound);
    }

    [Theory]
    [InlineData(LiveFile.FileName, true)]
    [InlineData("store.esfs", true)]
    [InlineData("checkpoint-", true)]
    [InlineData("checkpoint-", false)]
    [InlineData("log", false)]
    [InlineData("log", true)]
    [InlineData("idx", false)]
    public async Task A_pipe_in_the_place_of_a_file_that_is_read_keeps_no_caller_waiting(string beginning, bool isReadOnly)
    {
        await RequireLinuxAndFillAsync();
        var name = Entries(Data).First(
            name => name.StartsWith(Path.Combine("events", beginning), StringComparison.Ordinal) && File.Exists(Path.Combine(Data, name)));
        File.Delete(Path.Combine(Data, name));
        using (var make = Process.Start("mkfifo", Path.Combine(Data, name))) await make.WaitForExitAsync();
        var reading = Task.Run(() => UseAsync(isReadOnly));
        var error = await Record.ExceptionAsync(() => reading.WaitAsync(Longest));
        Assert.True(error is null or StorageException, $"{error}");
    }

    private async Task LeadsNowhereAsync(string root, string name, Func<Task> act)
    {
        var kept = Path.Combine(directory.Path, "kept");
        CopyAll(root, kept);
        Directory.CreateDirectory(Outside);
        var (path, target) = (Path.Combine(root, name), Path.Combine(Outside, "target"));
        Directory.Move(path, target);
        File.CreateSymbolicLink(path, target);
        await File.WriteAllTextAsync(Path.Combine(Directory.Exists(target) ? target : Outside, "unrelated.tmp"), "precious");
        var before = Content(Outside);
        var error = await Record.ExceptionAsync(act);
        Assert.True(error is null or StorageException, $"{name}: {error}");
        Assert.Equal(before, Content(Outside));
        Directory.Delete(Outside, recursive: true);
        Directory.Delete(root, recursive: true);
        Directory.Move(kept, root);
    }

    private async Task RequireLinuxAndFillAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux refuses links and pipes.");
        await using var engine = await SmallStore.OpenAsync(Disk(), SmallStore.Small());
        await SmallStore.FillAsync(engine, 200);
    }

    private async Task UseAsync(bool isReadOnly)
    {
        if (!isReadOnly)
        {
            await UseAsync();
            return;
        }

        await using var engine = await SmallStore.OpenReaderAsync(Disk(), SmallStore.Small());
        Assert.NotEmpty(await SmallStore.ReadAllAsync(engine));
    }

    private async Task UseAsync()
    {
        await using var engine = await SmallStore.OpenAsync(Disk(), SmallStore.Small());
        await SmallStore.FillAsync(engine, 150);
        await engine.DeleteStreamAsync("stream-3", StreamExpectation.Any);
        await CompactionTests.CompactAsync(engine);
        Assert.NotEmpty(await SmallStore.ReadAllAsync(engine));
    }

    private FileDisk Disk() => new(Path.Combine(Data, "events"));

    private FileSystemStore Store() => new(Data);

    // Everything below a folder but the folder of the store itself.
    private static string[] Entries(string root) =>
    [
        .. Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(root, path)).Where(name => name != "events").Order(StringComparer.Ordinal),
    ];

    private static string Content(string folder) => string.Join(
        '\n', Entries(folder).Select(name => File.Exists(Path.Combine(folder, name))
            ? $"{name} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, name))))}"
            : name));

    private static void CopyAll(string from, string to)
    {
        foreach (var name in Entries(from).Where(name => Directory.Exists(Path.Combine(from, name))))
            Directory.CreateDirectory(Path.Combine(to, name));
        Directory.CreateDirectory(Path.Combine(to, "events"));
        foreach (var name in Entries(from).Where(name => File.Exists(Path.Combine(from, name))))
            File.Copy(Path.Combine(from, name), Path.Combine(to, name));
    }
}

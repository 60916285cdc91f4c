using System.ComponentModel;
using System.Diagnostics;

namespace EventStore.Newcomer;

/// <summary>The copy of a store's files by the command of the page, while the store is written.</summary>
public sealed class CopyTests(Machine machine)
{
    internal const string Page = "docs/how-to/files.md";

    [Fact]
    public async Task A_copy_by_the_command_of_the_page_holds_what_was_acknowledged()
    {
        Assert.SkipUnless(HasRsync(), "rsync is not installed. On Debian: apt-get install rsync");
        var folder = machine.MakeFolder("copy");
        var files = Path.Combine(folder, "data", "events");
        var command = Assert.Single(Block.On(Page, "sh"));
        var token = TestContext.Current.CancellationToken;
        await using var store = await OpenAsync(Path.Combine(folder, "data"));
        await store.AppendAsync("order-42", new Added(1), cancellationToken: token);
        await machine.RunAsync(folder, command);

        // The next commit leaves size and time of the log as they are: as if it came within the second of the copy.
        var log = Directory.GetFiles(Path.Combine(files, "log"), "*.seg");
        var times = log.Select(File.GetLastWriteTimeUtc).ToList();
        await store.AppendAsync("order-42", new Added(2), cancellationToken: token);
        foreach (var (file, time) in log.Zip(times)) File.SetLastWriteTimeUtc(file, time);
        await machine.RunAsync(folder, command);

        await using var copy = await OpenAsync(Path.Combine(folder, "backup"));
        var bodies = await copy.ReadStreamAsync("order-42", cancellationToken: token)
            .Select(committed => committed.Body).ToListAsync(token);
        Assert.Equal([new Added(1), new Added(2)], bodies);
    }

    private static async Task<IEventStore> OpenAsync(string folder) => await Wireup.Init()
        .UsingFileSystemPersistence(folder)
        .UsingJsonSerialization(types => types.Register<Added>("added"))
        .InitializeStorageEngine()
        .BuildAsync(TestContext.Current.CancellationToken);

    private static bool HasRsync()
    {
        try
        {
            using var tried = Process.Start(
                new ProcessStartInfo("rsync", "--version") { RedirectStandardOutput = true, UseShellExecute = false });
            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    internal sealed record Added(int Number);
}

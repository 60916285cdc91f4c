using System.ComponentModel;
using System.Diagnostics;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Tests.Processes;

namespace EventStore.FileSystem.Tests;

/// <summary>A store on a disk of its own that has only a little space.</summary>
public sealed class SmallDiskTests : IDisposable
{
    private const int DiskBytes = 24 << 20;
    private readonly TestDirectory directory = new();
    private string? mounted;

    private string Ballast => Path.Combine(mounted!, "ballast");

    private DriveInfo Drive => new(mounted!);

    public void Dispose()
    {
        if (mounted is not null) Run("umount", "--lazy", mounted);
        directory.Dispose();
    }

    [Theory, InlineData("tmpfs"), InlineData("ext4")]
    public async Task Commits_go_on_until_the_space_is_used_and_again_once_there_is_some(string kind)
    {
        Mount(kind);
        await File.WriteAllBytesAsync(Ballast, new byte[4 << 20]);
        var options = new FileSystemOptions();
        await using var store = await Wireup.Init()
            .UsingFileSystemPersistence(mounted!, options)
            .UsingJsonSerialization(types => types.Register<string>("text"))
            .InitializeStorageEngine()
            .BuildAsync();
        var (stored, body) = (0, new string('x', 8_000));
        StorageUnavailableException? full = null;
        while (full is null)
        {
            try
            {
                await store.AppendAsync("stream", body);
                stored++;
            }
            catch (StorageUnavailableException error)
            {
                full = error;
            }
        }

        Assert.Contains("No space is left", full.Message, StringComparison.Ordinal);
        Assert.InRange(Drive.AvailableFreeSpace, 0, 256 << 10);
        Assert.InRange(stored, (DiskBytes - (8 << 20)) / 9_000, int.MaxValue);
        Assert.Equal(stored, await store.ReadStreamAsync("stream").CountAsync());
        for (var again = 0; again < 20; again++)
            await Assert.ThrowsAsync<StorageUnavailableException>(async () => await store.AppendAsync("stream", body));
        File.Delete(Ballast);
        Assert.Equal(stored + 1, (await store.AppendAsync("stream", body)).LastRevision.Value);
        Assert.True((await store.VerifyAsync()).IsSound);
    }

    [Theory, InlineData("tmpfs"), InlineData("ext4")]
    public async Task After_a_kill_a_full_disk_keeps_the_store_from_nothing_but_writing(string kind)
    {
        Mount(kind);
        var order = new WriterOrder(Path.Combine(mounted!, "events"), IsDurable: true, Committers: 4, Seed: 1, MostWrites: 300);
        var acknowledgements = new Acknowledgements();
        using (var writer = new WriterProcess(order))
        {
            await writer.ReadUntilAsync("closing");
            await writer.KillAsync();
            acknowledgements.Add(writer.Lines);
        }

        Fill();
        await using var engine = order.MakeEngine();
        await engine.InitializeAsync();
        await acknowledgements.CheckAsync(engine);
        Fill();
        await Assert.ThrowsAsync<StorageUnavailableException>(async () =>
        {
            for (var i = 0; i < 1_000; i++) await engine.CommitAsync([SmallStore.Attempt("stream", "body", events: 20)]);
        });
        File.Delete(Ballast);
        await SmallStore.FillAsync(engine, 100);
        await SmallStore.ReadConsistentAsync(engine);
    }

    private void Fill()
    {
        using var ballast = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        foreach (var bytes in (int[])[64 << 10, 1 << 10, 1])
        {
            try
            {
                for (var piece = new byte[bytes]; ;) ballast.Write(piece);
            }
            catch (IOException)
            {
                // Full, for pieces of this size.
            }
        }
    }

    private void Mount(string kind)
    {
        var place = Directory.CreateDirectory(Path.Combine(directory.Path, "disk")).FullName;
        var image = Path.Combine(directory.Path, "image");
        var isMounted = kind == "tmpfs"
            ? Run("mount", "-t", "tmpfs", "-o", $"size={DiskBytes}", "tmpfs", place)
            : Run("truncate", "-s", $"{DiskBytes + (8 << 20)}", image) && Run("mkfs.ext4", "-q", "-m", "0", image)
                && Run("mount", "-o", "loop", image, place);
        Assert.SkipUnless(isMounted, $"A small disk of the kind {kind} can only be mounted on Linux, by root.");
        mounted = place;
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}

using System.ComponentModel;
using System.Diagnostics;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests;

/// <summary>The commands of docs/how-to/files.md, carried out as they are written there.</summary>
public sealed class RsyncTests : IDisposable
{
    private readonly TestDirectory place = new();

    public RsyncTests()
    {
        Store = Directory.CreateDirectory(Path.Combine(place.Path, "data", "events")).FullName;
        Copy = Directory.CreateDirectory(Path.Combine(place.Path, "backup", "events")).FullName;
    }

    private string Store { get; }

    private string Copy { get; }

    public void Dispose() => place.Dispose();

    [Fact]
    public async Task Each_copy_by_rsync_under_load_opens_as_a_prefix()
    {
        SkipWithoutRsync();
        await using var engine = await SmallStore.OpenAsync(new FileDisk(Store), SmallStore.Small(compresses: true));
        await using var load = new Load(engine);
        for (var round = 0; round < 8; round++)
        {
            await SmallStore.FillAsync(engine, 50, streams: 1, prefix: "gone");
            await load.WaitForMoreAsync(300);
            await engine.DeleteStreamAsync("gone-0", StreamExpectation.Any);
            if (round % 2 == 1) await CompactionTests.CompactAsync(engine);
            var acknowledged = load.Acknowledged;
            await CarryOutAsync();
            await StoreCopy.CheckAsync(Copy, acknowledged, engine, acknowledged.Count);
        }
    }

    // Space is taken ahead, so the file keeps its size; and tools may compare whole seconds of its time.
    [Fact]
    public async Task A_commit_in_the_second_of_the_last_copy_is_in_the_next_one()
    {
        SkipWithoutRsync();
        await using var engine = await SmallStore.OpenAsync(new FileDisk(Store), SmallStore.Small(segmentBytes: 1 << 20));
        await SmallStore.FillAsync(engine, 10);
        await CarryOutAsync();
        var segment = Path.Combine(Store, LogSegments.PathOf(1));
        var (size, time) = (new FileInfo(segment).Length, File.GetLastWriteTimeUtc(segment));
        await engine.CommitAsync([SmallStore.Attempt("late", "late")]);
        File.SetLastWriteTimeUtc(segment, time);
        Assert.Equal(size, new FileInfo(segment).Length);
        await CarryOutAsync();
        await using var copied = await SmallStore.OpenAsync(new FileDisk(Copy), SmallStore.Small());
        Assert.Equal(await SmallStore.ReadAllAsync(engine), await SmallStore.ReadConsistentAsync(copied));
    }

    // The block of the page with the command.
    private async Task CarryOutAsync()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, "docs", "how-to", "files.md"));
        var block = page.Split("```sh\n").Skip(1).Select(rest => rest.Split("\n```")[0])
            .Single(lines => lines.Contains("rsync", StringComparison.Ordinal));
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", block])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            WorkingDirectory = place.Path,
        })!;
        var output = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();
        Assert.True(shell.ExitCode == 0, output);
    }

    private static void SkipWithoutRsync()
    {
        try
        {
            using var tried = Process.Start(
                new ProcessStartInfo("rsync", "--version") { RedirectStandardOutput = true, UseShellExecute = false });
        }
        catch (Win32Exception)
        {
            Assert.Skip("rsync, which copies the files of a running store here, is not installed. On Debian: apt-get install rsync");
        }
    }
}

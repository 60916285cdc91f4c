using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests;

/// <summary>The next segment is made in the background; the writer does not wait for it and never gets a half-made one.</summary>
public sealed class SegmentTests : IDisposable
{
    private readonly TestDirectory directory = new();
    private readonly List<Action> asked = [];
    private readonly FileDisk disk;
    private readonly LogSettings settings;

    public SegmentTests()
    {
        disk = new FileDisk(directory.Path);
        disk.CreateFolder(LogSegments.Folder);
        settings = new LogSettings(SyncsEachBatch: false, 1 << 20)
        {
            InBackground = work =>
            {
                asked.Add(work);
                return Task.CompletedTask;
            },
        };
    }

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_segment_made_ahead_is_taken_once_and_a_missing_one_is_made_at_once()
    {
        await using var next = new NextSegment(disk, settings, new LogFault());
        next.Prepare();
        next.Prepare();
        Assert.Single(asked)();
        Assert.True(disk.Exists(NextSegment.TemporaryPath));
        using (next.Take()) disk.Rename(NextSegment.TemporaryPath, LogSegments.PathOf(1));

        using (next.Take()) Assert.True(disk.Exists(NextSegment.TemporaryPath));
    }

    [Fact]
    public async Task Work_that_runs_too_late_makes_nothing()
    {
        await using var next = new NextSegment(disk, settings, new LogFault());
        next.Prepare();
        using (next.Take()) disk.Rename(NextSegment.TemporaryPath, LogSegments.PathOf(1));
        asked[0]();
        Assert.False(disk.Exists(NextSegment.TemporaryPath));
    }

    [Fact]
    public async Task A_segment_made_ahead_and_not_needed_is_deleted_on_close()
    {
        var next = new NextSegment(disk, settings, new LogFault());
        next.Prepare();
        asked[0]();
        await next.DisposeAsync();
        Assert.False(disk.Exists(NextSegment.TemporaryPath));
    }
}

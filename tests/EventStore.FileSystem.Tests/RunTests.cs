using System.Globalization;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Tests;

/// <summary>A run of many blocks and several levels holds what was put into it.</summary>
public sealed class RunTests : IDisposable
{
    private const int Entries = 60_000;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void A_run_of_many_blocks_finds_every_entry_and_walks_all_in_order()
    {
        var disk = new FileDisk(directory.Path);
        disk.CreateFolder(RunFormat.Folder);
        var writer = new RunWriter(disk, 7, 1, Entries);
        for (var i = 0; i < Entries; i++) writer.Add(KeyOf(i), Varint.Of(i));
        writer.Finish(1, 0, 100);

        using var run = RunFile.Open(disk, new BlockCache(64), 7, 1, 0, 0, 100);
        Assert.Empty(run.DamagedBlocks());
        Assert.True(run.Height >= 1);
        var cursor = run.OpenCursor();
        for (var i = 0; i < Entries; i += 97)
        {
            Assert.True(run.MayHold(RunFormat.HashOf(KeyOf(i))));
            Assert.True(cursor.Seek(KeyOf(i)) && cursor.Key.SequenceEqual(KeyOf(i)));
            Assert.Equal(i, Varint.Read(cursor.Value));
        }

        var count = 0;
        for (var isThere = cursor.Seek([]); isThere; isThere = cursor.Next()) Assert.Equal(count++, Varint.Read(cursor.Value));
        Assert.Equal(Entries, count);
        Assert.False(cursor.Seek([IndexKeys.Checkpoint]));
        Assert.InRange(Enumerable.Range(Entries, 10_000).Count(i => run.MayHold(RunFormat.HashOf(KeyOf(i)))), 0, 300);
    }

    [Fact]
    public async Task A_writer_that_is_two_parts_ahead_of_the_index_waits_and_then_goes_on()
    {
        const int Commits = 2_000, PartCommits = 200;
        using var hold = new ManualResetEventSlim();
        var settings = SmallStore.Small(segmentBytes: 64 << 20, inBackground: work => Task.Run(() =>
        {
            hold.Wait();
            work();
        }));
        await using var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), settings);
        var stored = 0;
        var filling = Task.Run(async () =>
        {
            for (; stored < Commits; Volatile.Write(ref stored, stored + 1)) await engine.CommitAsync([SmallStore.Attempt($"stream-{stored % 10}", $"{stored}")]);
        });
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref stored) >= (3 * PartCommits) - 1, TimeSpan.FromSeconds(60)));
        Assert.NotSame(filling, await Task.WhenAny(filling, Task.Delay(300)));
        Assert.InRange(Volatile.Read(ref stored), (3 * PartCommits) - 1, 3 * PartCommits);

        hold.Set();
        await filling;
        Assert.Equal(Commits, (await SmallStore.ReadAllAsync(engine)).Count);
    }

    private static byte[] KeyOf(int i) => IndexKeys.OfStream("stream-" + i.ToString("D8", CultureInfo.InvariantCulture));
}

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

    private static byte[] KeyOf(int i) => IndexKeys.OfStream("stream-" + i.ToString("D8", CultureInfo.InvariantCulture));
}

using System.Globalization;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;

namespace EventStore.FileSystem.Tests;

/// <summary>A run of many blocks and several levels holds every entry that was added.</summary>
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
        var runs = new RunFolder(disk, Guid.NewGuid(), cacheSlots: 64);
        using var run = runs.Write(level: 0, from: 0, to: 100, Entries, writer =>
        {
            for (var i = 0; i < Entries; i++) writer.Add(KeyOf(i), ValueOf(i));
        });
        Assert.Empty(run.DamagedBlocks());
        Assert.True(run.Height >= 1);
        var cursor = run.OpenCursor();
        for (var i = 0; i < Entries; i += 97)
        {
            Assert.True(run.MayHold(RunFormat.HashOf(KeyOf(i))));
            Assert.True(cursor.Seek(KeyOf(i)) && cursor.Key.SequenceEqual(KeyOf(i)));
            Assert.Equal(i + 1, HeadEntry.Read(cursor.Value).Start);
        }

        var count = 0;
        for (var isThere = cursor.Seek([]); isThere; isThere = cursor.Next()) Assert.Equal(++count, HeadEntry.Read(cursor.Value).Start);
        Assert.Equal(Entries, count);
        Assert.False(cursor.Seek([IndexKeys.Checkpoint]));
        Assert.InRange(Enumerable.Range(Entries, 10_000).Count(i => run.MayHold(RunFormat.HashOf(KeyOf(i)))), 0, 300);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_run_whose_blocks_do_not_lead_on_is_damaged(bool isRoot)
    {
        var disk = new FileDisk(directory.Path);
        disk.CreateFolder(RunFormat.Folder);
        var runs = new RunFolder(disk, Guid.NewGuid(), cacheSlots: 64);
        using var run = runs.Write(level: 0, from: 0, to: 100, Entries, writer =>
        {
            for (var i = 0; i < Entries; i++) writer.Add(KeyOf(i), ValueOf(i));
        });
        var block = new byte[RunFormat.BlockLength];
        var changed = isRoot ? run.Root : 5;
        using (var file = disk.Open(run.Path, forWriting: true))
        {
            if (isRoot) RunFormat.SetEntriesEnd(block, 2 + RunFormat.WriteEntry(block.AsSpan(2), [], 0, Varint.Of(0)));
            else file.Read(block, 2 * RunFormat.BlockLength);
            RunFormat.SealBlock(block, runs.Seed ^ (ulong)run.Id, changed);
            file.Write(block, changed * RunFormat.BlockLength);
        }

        var cursor = run.OpenCursor();
        Assert.Throws<IndexDamageException>(() => isRoot ? cursor.Seek(KeyOf(Entries - 1)) : Walk(cursor));

        static bool Walk(RunCursor cursor)
        {
            for (var isThere = cursor.Seek([]); isThere;) isThere = cursor.Next();
            return true;
        }
    }

    [Theory]
    [InlineData(StreamId.MaxBucketBytes, StreamId.MaxBucketBytes, StreamId.MaxIdBytes, true)]
    [InlineData(StreamId.MaxBucketBytes + 1, 5, 5, false)]
    [InlineData(5, StreamId.MaxBucketBytes + 1, 5, false)]
    [InlineData(5, 5, StreamId.MaxIdBytes + 1, false)]
    [InlineData(5, 0, 5, true)]
    [InlineData(0, 5, 5, false)]
    [InlineData(5, 5, 0, false)]
    public void A_name_that_no_stream_has_is_no_key(int bucket, int category, int id, bool isKey)
    {
        var key = new byte[2 * IndexKeys.MaxStreamLength];
        var length = IndexKeys.WriteStream(key, NameOf(bucket), NameOf(category), NameOf(id));
        Assert.Equal(isKey, IndexKeys.IsStream(key.AsSpan(0, length)));

        static byte[] NameOf(int bytes) => [.. Enumerable.Repeat((byte)'x', bytes)];
    }

    [Fact]
    public void A_filter_of_more_keys_than_it_has_room_for_is_damaged()
    {
        var foot = new byte[RunFormat.BlockLength];
        foreach (var (keys, isSound) in (ReadOnlySpan<(long, bool)>)[(51, true), (512, false)])
        {
            RunFormat.WriteFoot(foot, new RunFoot(1, 0, 100, Leaves: 1, Root: 0, Height: 0, FilterStart: 1, FilterCells: 1, keys));
            Assert.Equal(isSound, RunFormat.ReadFoot(foot, blocks: 3) is not null);
        }
    }

    [Fact]
    public async Task A_writer_two_parts_ahead_of_the_index_waits_and_then_continues()
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
            for (; stored < Commits; Volatile.Write(ref stored, stored + 1))
                await engine.CommitAsync([SmallStore.Attempt($"stream-{stored % 10}", $"{stored}")]);
        });
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref stored) >= (3 * PartCommits) - 1, TimeSpan.FromSeconds(60)));
        Assert.NotSame(filling, await Task.WhenAny(filling, Task.Delay(300)));
        Assert.InRange(Volatile.Read(ref stored), (3 * PartCommits) - 1, 3 * PartCommits);

        hold.Set();
        await filling;
        Assert.Equal(Commits, (await SmallStore.ReadAllAsync(engine)).Count);
    }

    [Fact]
    public async Task Damage_found_by_a_merge_rebuilds_the_index_while_the_store_is_written_to()
    {
        var settings = SmallStore.Small(segmentBytes: 64 << 20);
        await using (var engine = await SmallStore.OpenAsync(new FileDisk(directory.Path), settings))
        {
            await FillAsync(engine, 300);
            Assert.True(SpinWait.SpinUntil(() => Runs().Length > 0, TimeSpan.FromSeconds(60)));
            FlipByteOf(Runs()[0]);
            await FillAsync(engine, 1_500);
            await IndexesOnAsync(engine);
            await IsWholeAsync(engine, 2_300);
        }

        await using var again = await SmallStore.OpenAsync(new FileDisk(directory.Path), settings);
        await IsWholeAsync(again, 2_300);
    }

    [Fact]
    public async Task Damage_found_by_a_merge_during_opening_rebuilds_the_index()
    {
        var settings = SmallStore.Small(segmentBytes: 64 << 20);
        Dictionary<string, byte[]> old;
        await using (
            var engine = await SmallStore.OpenAsync(
                new FileDisk(directory.Path), settings with { Index = settings.Index with { MergeCount = 1_000 } }))
        {
            await SmallStore.FillAsync(engine, 1_500);
            old = Directory.GetFiles(directory.Path, "checkpoint-*").ToDictionary(path => path, File.ReadAllBytes);
            await SmallStore.FillAsync(engine, 1_500);
        }

        // As if the last checkpoints had not been written, so that much is left to be indexed when it is opened.
        foreach (var path in Directory.GetFiles(directory.Path, "checkpoint-*")) File.Delete(path);
        foreach (var (path, content) in old) await File.WriteAllBytesAsync(path, content);
        FlipByteOf(Runs()[0]);
        await using var again = await SmallStore.OpenAsync(new FileDisk(directory.Path), settings);
        await IsWholeAsync(again, 3_000);
    }

    private async Task IndexesOnAsync(IPersistenceEngine engine)
    {
        var newest = Runs()[^1];
        await FillAsync(engine, 500);
        Assert.True(SpinWait.SpinUntil(() => Runs()[^1] != newest, TimeSpan.FromSeconds(20)), "nothing is written to the index any more");
    }

    // Ascending ids are not looked up in older runs, so that only a merge reads their first blocks.
    private static async Task FillAsync(IPersistenceEngine engine, int commits)
    {
        for (var i = 0; i < commits; i++)
        {
            var recorded = new EventRecord(SequentialGuid.Next(), "type", new byte[100]);
            await engine.CommitAsync([new CommitAttempt($"stream-{i % 10}", SequentialGuid.Next(), [recorded])]);
        }
    }

    private static async Task IsWholeAsync(IPersistenceEngine engine, int commits)
    {
        Assert.Equal(commits, (await SmallStore.ReadAllAsync(engine)).Select(stored => stored.CommitId).Distinct().Count());
        var verified = await engine.VerifyAsync();
        Assert.True(verified.IsSound, string.Join('\n', verified.Damages));
    }

    private string[] Runs() =>
        [.. Directory.GetFiles(Path.Combine(directory.Path, RunFormat.Folder), "*.run").Order(StringComparer.Ordinal)];

    private static void FlipByteOf(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        file.Position = 100;
        var old = file.ReadByte();
        file.Position = 100;
        file.WriteByte((byte)(old ^ 1));
    }

    private static byte[] ValueOf(int i) => new HeadEntry(i + 1, 1, 1, 1, 1, IsSealed: false).ToValue();

    private static byte[] KeyOf(int i) => IndexKeys.OfStream("stream-" + i.ToString("D8", CultureInfo.InvariantCulture));
}

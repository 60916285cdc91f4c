using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Compaction frees the space of removed data, and changes nothing else.</summary>
public sealed class CompactionTests : IDisposable
{
    private readonly TestDirectory directory = new();

    private FileDisk Disk => new(directory.Path);

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public async Task Deleted_data_is_removed_from_the_disk_and_everything_else_is_unchanged(bool compresses)
    {
        var settings = SmallStore.Small(compresses: compresses);
        var engine = await SmallStore.OpenAsync(Disk, settings);
        await SmallStore.FillAsync(engine, 300, prefix: "kept");
        await SmallStore.FillAsync(engine, 300, prefix: "secret");
        await SmallStore.FillAsync(engine, 60, prefix: "kept");
        for (var i = 0; i < 10; i++) await engine.DeleteStreamAsync($"secret-{i}", StreamExpectation.Any);
        var before = await SmallStore.ReadConsistentAsync(engine);
        var sizeBefore = LogBytes();

        var report = await CompactAsync(engine);

        Assert.InRange(report.BytesFreed, 1, sizeBefore);
        Assert.Equal(300, report.RecordsRemoved);
        Assert.Equal(before, await SmallStore.ReadConsistentAsync(engine));
        Assert.DoesNotContain(
            Directory.EnumerateFiles(directory.Path, "*.seg", SearchOption.AllDirectories), path => Holds(path, "secret 1"));
        await engine.DisposeAsync();
        Assert.True(LogBytes() < sizeBefore * 3 / 4, $"{sizeBefore} bytes became {LogBytes()}");

        Directory.Delete(Path.Combine(directory.Path, "idx"), recursive: true);
        await using var again = await SmallStore.OpenAsync(Disk, settings);
        Assert.Equal(before, await SmallStore.ReadConsistentAsync(again));
        var repeated = await again.CommitAsync(
            [
                new CommitAttempt("kept-0", before[0].CommitId, [new EventRecord(Guid.NewGuid(), "type", default)])]);
        Assert.Equal(CommitOutcomeKind.Duplicate, repeated[0].Kind);
        Assert.Equal(0, (await CompactAsync(again)).RecordsRemoved);
    }

    [Fact]
    public async Task Checkpoints_and_stamps_continue_although_the_newest_events_were_deleted_and_compacted()
    {
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(engine, 100);
        var last = (await SmallStore.ReadAllAsync(engine))[^1];
        await engine.PurgeAllAsync();
        await CompactAsync(engine);
        Assert.Empty(await SmallStore.ReadConsistentAsync(engine));
        await engine.DisposeAsync();
        Directory.Delete(Path.Combine(directory.Path, "idx"), recursive: true);

        await using var again = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        var page = await again.ReadAllAsync(
            new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, new PageLimit(10, 1 << 20)));
        Assert.Equal(last.Checkpoint, page.Position.Value);
        await SmallStore.FillAsync(again, 1);
        var next = Assert.Single(await SmallStore.ReadConsistentAsync(again));
        Assert.Equal((last.Checkpoint + 1, 1), (next.Checkpoint, next.Revision));
        Assert.True(next.Stamp >= last.Stamp);
    }

    [Fact]
    public async Task Replaced_documents_and_snapshots_are_removed_and_the_newest_stay()
    {
        await using var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(engine, 20);
        long version = 0;
        for (var i = 0; i < 200; i++)
        {
            version = (await engine.PutDocumentAsync("position", new byte[200 + i], version))!.Value;
            await engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(1), 0, "state", new byte[300 + i]));
        }

        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(2), 0, "state", new byte[7]));
        await engine.PruneSnapshotsAsync("stream-1", 1);
        var report = await CompactAsync(engine);
        Assert.Equal(199 + 200, report.RecordsRemoved);
        Assert.Equal(399, (await engine.FindDocumentAsync("position"))!.Content.Length);
        Assert.Equal(version, (await engine.FindDocumentAsync("position"))!.Version);
        Assert.Equal(7, (await engine.FindSnapshotAsync("stream-1", Revision.Max))!.Payload.Length);
        await SmallStore.ReadConsistentAsync(engine);
    }

    [Fact]
    public async Task Readers_and_writers_continue_while_compaction_runs_repeatedly()
    {
        await using var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small(isDurable: false, compresses: true));
        await SmallStore.FillAsync(engine, 200, prefix: "kept");
        var kept = await SmallStore.ReadAllAsync(engine);
        const int Rounds = 20;
        using var ending = new CancellationTokenSource();
        using var begun = new SemaphoreSlim(0);
        var changing = Task.Run(async () =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                await begun.WaitAsync(TestContext.Current.CancellationToken); // changes run beside each compaction
                await SmallStore.FillAsync(engine, 40, streams: 4, prefix: "passing");
                for (var i = 0; i < 4; i++) await engine.DeleteStreamAsync($"passing-{i}", StreamExpectation.Any);
            }
        });
        var reading = Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                Assert.Equal(
                    kept,
                    (await SmallStore.ReadAllAsync(engine)).Where(stored => stored.Stream.Id.StartsWith("kept", StringComparison.Ordinal)));
                var backward = (await SmallStore.ReadAllAsync(engine, ReadDirection.Backward)).Where(
                    stored => stored.Stream.Id.StartsWith("kept", StringComparison.Ordinal));
                Assert.Equal(kept, backward.Reverse());
            }
        });

        for (var round = 0; round < Rounds; round++)
        {
            begun.Release();
            await CompactAsync(engine);
        }

        await ending.CancelAsync();
        await Task.WhenAll(changing, reading);
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Fact]
    public async Task A_reader_reads_a_segment_again_once_it_was_compacted()
    {
        await using var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(engine, 100);
        await engine.DeleteStreamAsync("stream-1", StreamExpectation.Any);
        var before = await engine.MaintainAsync((store, _) => KindsOf(store), CancellationToken.None);
        Assert.Equal(100, before.Count(found => found.Kind == FrameKind.Commit));
        var resumed = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, new PageLimit(7, 1 << 20)));
        await CompactAsync(engine);

        var after = await engine.MaintainAsync(
            (store, _) => before.ConvertAll(found => (found.Position, store.View.Look(found.Position, static frame => frame.Kind))),
            CancellationToken.None);
        Assert.Equal(10, after.Count(found => found.Item2 == FrameKind.Gap));
        Assert.Equal(90, after.Count(found => found.Item2 == FrameKind.Commit));
        var rest = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, resumed.Position, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1000, 1 << 20)));
        var all = await SmallStore.ReadConsistentAsync(engine);
        Assert.Equal(all.Skip(7).Select(stored => stored.Checkpoint), rest.Events.ToArray().Select(recorded => recorded.Checkpoint.Value));
    }

    [Fact]
    public async Task A_damaged_segment_is_refused_and_left_unchanged()
    {
        await using var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(engine, 300);
        await engine.DeleteStreamAsync("stream-1", StreamExpectation.Any);
        var path = Path.Combine(directory.Path, "log", "00000002.seg");
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[^200] ^= 1;
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) RandomAccess.Write(file, bytes, 0);
        var error = await Assert.ThrowsAsync<CorruptStorageException>(() => CompactAsync(engine));
        Assert.Contains("00000002.seg", error.Place, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(path));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(directory.Path, "log"), "*.tmp"));
    }

    [Fact]
    public async Task Closing_the_store_ends_it()
    {
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(engine, 50);
        var entered = new TaskCompletionSource();
        var work = engine.MaintainAsync((_, token) =>
        {
            entered.SetResult();
            token.WaitHandle.WaitOne();
            token.ThrowIfCancellationRequested();
            return 0;
        }, CancellationToken.None);
        await entered.Task;
        await engine.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => work);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => CompactAsync(engine));
    }

    internal static Task<CompactionReport> CompactAsync(FileSystemPersistenceEngine engine) =>
        engine.MaintainAsync((store, token) => new Compaction(store, null, token).Run(), CancellationToken.None);

    // Reads every commit often enough for it to be cached.
    private static List<(long Position, FrameKind Kind)> KindsOf(OpenStore store)
    {
        var found = new List<(long Position, FrameKind Kind)>();
        var scanner = new LogScanner(store.Segments, LogPoint.Origin.Position, LogPoint.Origin.Chain);
        while (scanner.TryNext(out var frame, store.End.Position))
        {
            if (frame.Kind != FrameKind.Commit) continue;
            var position = frame.Position;
            for (var i = 0; i < 3; i++) store.View.Look(position, static seen => seen.Kind);
            found.Add((position, store.View.Look(position, static seen => seen.Kind)));
        }

        return found;
    }

    private static bool Holds(string path, string text) =>
        File.ReadAllBytes(path).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text)) >= 0;

    private long LogBytes() => Directory.EnumerateFiles(Path.Combine(directory.Path, "log")).Sum(path => new FileInfo(path).Length);
}

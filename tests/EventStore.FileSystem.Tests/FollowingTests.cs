using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests;

/// <summary>A process that reads the files of a running writer follows it, whatever the writer does to them.</summary>
public sealed class FollowingTests : IDisposable
{
    private readonly TestDirectory directory = new();

    private FileDisk Disk => new(directory.Path);

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(true, false), InlineData(false, false), InlineData(true, true)]
    public async Task Segments_runs_merges_and_packing_are_followed(bool isDurable, bool compresses)
    {
        var settings = SmallStore.Small(isDurable, compresses);
        await using var writer = await SmallStore.OpenAsync(Disk, settings);
        await using var reader = await SmallStore.OpenReaderAsync(Disk, settings);
        for (var round = 0; round < 6; round++)
        {
            await SmallStore.FillAsync(writer, 400);
            Assert.Equal(await SmallStore.ReadAllAsync(writer), await SmallStore.ReadConsistentAsync(reader));
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Compaction_is_followed_while_it_runs(bool isDurable)
    {
        var settings = SmallStore.Small(isDurable);
        if (!isDurable) settings = settings with { Log = settings.Log with { LiveDelay = TimeSpan.FromMilliseconds(5) } };
        await using var writer = await SmallStore.OpenAsync(Disk, settings);
        await using var reader = await SmallStore.OpenReaderAsync(Disk, settings);
        await SmallStore.FillAsync(writer, 20, prefix: "kept");
        long? version = await writer.PutDocumentAsync("document", new byte[2000], 0);
        while (await reader.FindDocumentAsync("document") is null) await Task.Delay(1, TestContext.Current.CancellationToken);
        using var ending = new CancellationTokenSource();
        var compacting = Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
                await writer.MaintainAsync((store, token) => new Maintenance.Compaction(store, null, token).Run(), default);
        });
        var reading = Task.Run(async () =>
        {
            while (!ending.IsCancellationRequested)
            {
                for (var i = 0; i < 10; i++) await SmallStore.ReadStreamAsync(reader, $"stream-{i}");
                Assert.NotNull(await reader.FindDocumentAsync("document"));
                await reader.FindSnapshotAsync("kept-1", Revision.Max);
                await reader.ListDocumentsAsync("", "", 10);
                await SmallStore.ReadAllAsync(reader);
            }
        });
        for (var round = 0; round < 60 && !reading.IsCompleted; round++)
        {
            await SmallStore.FillAsync(writer, 30);
            version = await writer.PutDocumentAsync("document", new byte[2000], version!.Value);
            await writer.SaveSnapshotAsync(new SnapshotRecord("kept-1", new Revision(1), 0, "state", new byte[500]));
            for (var i = 0; i < 10; i += 2) await writer.DeleteStreamAsync($"stream-{i}", StreamExpectation.Any);
        }

        await ending.CancelAsync();
        await compacting;
        await reading;
        var head = (await SmallStore.ReadAllAsync(writer))[^1].Checkpoint;
        await reader.WaitForCommitsAsync(new Checkpoint(head - 1), TimeSpan.FromSeconds(10));
        Assert.Equal(await SmallStore.ReadAllAsync(writer), await SmallStore.ReadConsistentAsync(reader));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_waiting_caller_is_woken_with_and_without_a_watcher(bool watches)
    {
        await using var writer = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await using var reader = await SmallStore.OpenReaderAsync(watches ? Disk : new FailingDisk(Disk), SmallStore.Small());
        for (var i = 0; i < 20; i++)
        {
            var waiting = reader.WaitForCommitsAsync(new Checkpoint(i), TimeSpan.FromMinutes(1)).AsTask();
            if (i % 2 == 0) await Task.Delay(60, TestContext.Current.CancellationToken);
            await writer.CommitAsync([SmallStore.Attempt("stream", "body")]);
            await waiting.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_live_file_that_cannot_be_written_fails_no_commit()
    {
        var disk = new NoLiveFile(Disk);
        await using var writer = await SmallStore.OpenAsync(disk, SmallStore.Small());
        await SmallStore.FillAsync(writer, 20);
        Assert.Equal(39, (await SmallStore.ReadConsistentAsync(writer)).Count);
        disk.Repair();
        await SmallStore.FillAsync(writer, 1);
        await using var reader = await SmallStore.OpenReaderAsync(Disk, SmallStore.Small());
        Assert.Equal(await SmallStore.ReadAllAsync(writer), await SmallStore.ReadConsistentAsync(reader));
    }

    [Fact]
    public async Task The_address_opens_a_reader_and_fast_commits_become_visible_within_moments()
    {
        var options = new FileSystemOptions { Durability = Durability.Fast };
        Wireup Wire() =>
            Wireup.Init()
                .UsingPersistence($"file:{directory.Path}", engines => engines.AddFileSystem(options))
                .UsingJsonSerialization(types => types.Register<string>("text"));
        await Assert.ThrowsAsync<StorageNotFoundException>(async () => await Wire().OpenReadOnly().BuildAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
        await using var writer = await Wire().InitializeStorageEngine().BuildAsync();
        await using var reader = await Wire().OpenReadOnly().BuildAsync();
        var seen = new List<string>();
        for (var i = 0; i < 50; i++) await writer.AppendAsync("stream", $"{i}");
        await foreach (var delivered in reader.Consumers.SubscribeAsync(ConsumerSource.Everything))
        {
            seen.Add((string)delivered.Body);
            if (seen.Count == 50) break;
        }

        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"{i}"), seen);
    }

    // A disk on which everything except the live file can be written.
    private sealed class NoLiveFile(IDisk disk) : Simulation.FaultyLayer(disk)
    {
        private bool isBroken = true;

        public void Repair() => isBroken = false;

        protected override void Write(string path, IDiskFile file, ReadOnlySpan<byte> from, long offset)
        {
            if (isBroken && path == LiveFile.FileName) throw new IOException("the disk failed", 5);
            base.Write(path, file, from, offset);
        }
    }
}

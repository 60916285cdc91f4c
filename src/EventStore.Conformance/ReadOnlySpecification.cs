using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// A storage is read while another engine writes it. A reader reads what is acknowledged, changes nothing, and every write of it is
/// refused.
/// </summary>
public abstract class ReadOnlySpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // The state is all texts, so that a lost, repeated or misplaced event is visible.
    private static readonly Projection<string> Collect = new("", (state, committed) => $"{state}{committed.Body},");

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Require(EngineCapabilities.SharedReading);
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G17", "G24", "G46")]
    public async Task Every_read_returns_what_the_writer_reads()
    {
        await FillAsync();
        await using var reader = await OpenReaderAsync();
        await ExpectSameAsync(reader);
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G24", "G46")]
    public async Task Changes_of_the_writer_become_visible()
    {
        await AppendAsync("before", 3);
        await using var reader = await OpenReaderAsync();
        Assert.Single(await reader.ListHeadsAsync(new HeadQuery(null, 0, null, 100)));
        for (var round = 0; round < 5; round++)
        {
            await FillAsync(round);
            var end = (await AppendAsync("end", 1)).LastCheckpoint;
            await UntilReachedAsync(reader, end);
            await ExpectSameAsync(reader);
        }
    }

    [Fact(Timeout = Minute), Guarantee("G3", "G14")]
    public async Task Commits_become_visible_whole_once_and_in_order_while_they_are_written()
    {
        await using var reader = await OpenReaderAsync();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 300; i++) await AppendAsync($"stream-{i % 7}", 1 + (i % 4));
            return (await AppendAsync("end", 1)).LastCheckpoint;
        });

        var seen = new List<RecordedEvent>();
        while (!writing.IsCompleted || seen.Count == 0 || seen[^1].Checkpoint < await writing)
        {
            seen.AddRange(await ReadAllAsync(reader, after: seen.Count == 0 ? 0 : seen[^1].Checkpoint.Value, pageSize: 11));
            if (seen.Count > 0) Assert.Equal(seen[^1].Commit.EventCount - 1, seen[^1].IndexInCommit);
        }

        var stored = await ReadAllAsync();
        Assert.Equal(Checkpoints(stored), Checkpoints(seen));
        Assert.Equal(Bodies(stored), Bodies(seen));
    }

    [Fact(Timeout = Minute), Guarantee("G14")]
    public async Task A_commit_of_the_writer_ends_waits_for_commits()
    {
        await using var reader = await OpenReaderAsync();
        Assert.SkipUnless(
            reader.Description.Capabilities.HasFlag(EngineCapabilities.WakesAcrossProcesses),
            $"The description of '{reader.Description.Name}' does not promise {EngineCapabilities.WakesAcrossProcesses}.");
        Checkpoint head = new Checkpoint(0);
        for (var i = 0; i < 5; i++)
        {
            var waiting = reader.WaitForCommitsAsync(head, TimeSpan.FromMinutes(5)).AsTask();

            // A signal may be lost once, if its connection was just opened or lost; but not every time.
            for (var commits = 1; commits <= 3; commits++)
            {
                head = (await AppendAsync("stream", 1)).LastCheckpoint;
                await waiting.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (waiting.IsCompleted) break;
            }

            Assert.True(waiting.IsCompleted, $"none of three commits ended the wait, each within {Patience.TotalSeconds} s");
            await waiting;
        }
    }

    [Fact(Timeout = Minute), Guarantee("G14", "G47")]
    public async Task Changes_of_a_reopened_writer_become_visible()
    {
        await AppendAsync("stream", 2);
        await using var reader = await OpenReaderAsync();
        for (var round = 0; round < 3; round++)
        {
            await ReopenAsync();
            await UntilReachedAsync(reader, (await AppendAsync("stream", 2)).LastCheckpoint);
        }

        await Engine.DisposeAsync();
        Assert.Equal(Range(1, 8), Revisions(await ReadStreamAsync(reader, "stream")));
        await using var later = await OpenReaderAsync();
        Assert.Equal(Range(1, 8), Revisions(await ReadStreamAsync(later, "stream")));
    }

    [Fact(Timeout = Minute), Guarantee("G41")]
    public async Task Every_write_is_refused_and_nothing_is_changed()
    {
        await FillAsync();
        var before = await ReadAllAsync();
        await using (var store = await OpenStoreAsync())
        {
            var stream = await store.OpenStreamAsync("stream-1");
            stream.Add("refused");
            Func<Task>[] writes =
            [
                async () => await stream.CommitChangesAsync(SequentialGuid.Next()),
                async () => await store.AppendAsync("stream-1", "refused"),
                async () => await store.AppendAsync("new", "refused"),
                async () => await store.Snapshots.SaveAsync(new Snapshot("stream-1", new Revision(1), "refused")),
                async () => await store.DeleteStreamAsync("stream-1"),
                async () => await store.PurgeAllAsync(),
                async () => await store.ReadStreams.CreateAsync("refused", EventPredicate.StreamIds("1")),
                async () => await store.Consumers.StartAsync("refused", ConsumerSource.Everything, Collect),
            ];
            foreach (var write in writes) await Assert.ThrowsAsync<ReadOnlyStorageException>(write);
        }

        Assert.Equal(Checkpoints(before), Checkpoints(await ReadAllAsync()));
        Assert.Null(await Engine.FindHeadAsync("new"));
        Assert.Empty(await Engine.ListDocumentsAsync("consumers/", "", 10));
    }

    [Fact(Timeout = Minute), Guarantee("G47")]
    public async Task Missing_storage_is_refused_and_not_created()
    {
        await using var missing = new TBackend();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            await using var reader = await missing.OpenAsync(ReadOnly);
            await Assert.ThrowsAsync<StorageNotFoundException>(async () => await reader.InitializeAsync());
        }

        await using var engine = await missing.OpenAsync(new EngineContext(Time, NullLoggerFactory.Instance) { MayCreateStorage = false });
        await Assert.ThrowsAsync<StorageNotFoundException>(async () => await engine.InitializeAsync());
    }

    [Fact(Timeout = Minute), Guarantee("G47")]
    public async Task A_reader_that_waits_for_the_storage_opens_it_when_its_writer_has_created_it()
    {
        await using var late = new TBackend();
        var reader = new CountsOpenings(await late.OpenAsync(ReadOnly));
        var building = Wireup.Init().UsingPersistence("the kit", _ => reader).UsingCustomSerialization(TextSerializer.Instance)
            .UsingTimeProvider(Time).OpenReadOnly(TimeSpan.FromDays(1)).BuildAsync().AsTask();
        await Task.WhenAny(reader.Repeated, building);
        Assert.False(building.IsCompleted, "a store was built on a storage that did not exist");
        await using var writer = await late.OpenAsync(new EngineContext(Time, NullLoggerFactory.Instance));
        await writer.InitializeAsync();
        await CommitAsync(writer, Attempt("stream", ExpectedRevision.NoStream, Event("1")));
        await using var store = await building;
        await UntilAsync(async () => (await ToListAsync(store.ReadAllAsync())).Count == 1);
    }

    [Fact(Timeout = Minute), Guarantee("G32", "G33", "G41")]
    public async Task Consumers_keep_their_state_in_another_storage_and_it_is_the_fold_of_the_commits()
    {
        await using var elsewhere = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        await elsewhere.InitializeAsync();
        await using var writing = await Wire().BuildAsync();
        for (var round = 0; round < 4; round++)
        {
            for (var i = 0; i < 5; i++) await writing.AppendAsync($"stream-{i % 2}", $"{(round * 10) + i}");
            await using var store = await OpenStoreAsync(wireup => wireup.KeepConsumersIn(elsewhere));
            await using var consumer = await store.Consumers.StartAsync(
                "name", ConsumerSource.Everything, Collect, new ConsumerOptions { PollInterval = TimeSpan.FromMilliseconds(50) });
            for (var i = 5; i < 9; i++) await writing.AppendAsync($"stream-{i % 2}", $"{(round * 10) + i}");
            await consumer.WaitForAsync((await writing.AppendAsync("stream", $"{(round * 10) + 9}")).LastCheckpoint);
            Assert.Equal(string.Concat(Enumerable.Range(0, (round * 10) + 10).Select(i => $"{i},")), consumer.State);
        }

        Assert.Equal(["store/identity"], (await Engine.ListDocumentsAsync("", "", 10)).Select(document => document.Name));
        Assert.NotEmpty(await elsewhere.ListDocumentsAsync("consumers/", "", 10));
    }

    /// <summary>Shows when an engine is opened for the second time.</summary>
    private sealed class CountsOpenings(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private readonly TaskCompletionSource repeated = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int openings;

        public Task Repeated => repeated.Task;

        public override ValueTask InitializeAsync(CancellationToken cancellationToken = default)
        {
            if (Interlocked.Increment(ref openings) > 1) repeated.TrySetResult();
            return base.InitializeAsync(cancellationToken);
        }
    }

    private EngineContext ReadOnly => new(Time, NullLoggerFactory.Instance) { MayCreateStorage = false, IsReadOnly = true };

    private async ValueTask<IPersistenceEngine> OpenReaderAsync()
    {
        var reader = await Backend.OpenAsync(ReadOnly);
        await reader.InitializeAsync();
        return reader;
    }

    private async ValueTask<IEventStore> OpenStoreAsync(Func<Wireup, Wireup>? configure = null)
    {
        var reader = await Backend.OpenAsync(ReadOnly);
        var wireup = Wireup.Init().UsingPersistence("the kit", _ => reader).UsingCustomSerialization(TextSerializer.Instance)
            .LeaveReadStreamsUnsigned().OpenReadOnly();
        return await (configure?.Invoke(wireup) ?? wireup).BuildAsync();
    }

    // Some of each kind of data is stored, replaced and deleted.
    private async Task FillAsync(int round = 0)
    {
        for (var i = 0; i < 40; i++) await AppendAsync($"stream-{i % 5}", 1 + (i % 3));
        for (var i = 0; i < 3; i++) await AppendAsync(new StreamId("bucket", "", $"{i}"), 2);
        await AppendAsync("gone", 2);
        await Engine.DeleteStreamAsync("gone");
        if (round % 2 == 1) await Engine.PurgeBucketAsync("bucket");
        await Engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(2 + round), 0, "state", new byte[] { (byte)round }));
        await Engine.SaveSnapshotAsync(new SnapshotRecord("stream-2", new Revision(1), 0, "state", new byte[] { (byte)round }));
        await Engine.PruneSnapshotsAsync("stream-1", 2);
        var known = await Engine.FindDocumentAsync("replaced");
        await Engine.PutDocumentAsync("replaced", new byte[] { (byte)round }, known?.Version ?? 0);
        await Engine.PutDocumentAsync($"document-{round}", new byte[] { 1 }, 0);
        if (round > 0) await Engine.DeleteDocumentAsync($"document-{round - 1}", (await DocumentAsync($"document-{round - 1}")).Version);
    }

    private static async Task UntilReachedAsync(IPersistenceEngine reader, Checkpoint end)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            var page = await reader.ReadAllAsync(
                new StoreRead(
                    EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, ReadDirection.Forward, new PageLimit(1, long.MaxValue)));
            if (page.Head >= end) return;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"the reader did not read checkpoint {end}, which was acknowledged, within {Patience.TotalSeconds} s");
    }

    private async Task ExpectSameAsync(IPersistenceEngine reader)
    {
        var all = await ReadAllAsync();
        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            var (own, others) = (await ReadAllAsync(direction: direction), await ReadAllAsync(reader, direction: direction, pageSize: 13));
            Assert.Equal(Checkpoints(own), Checkpoints(others));
            Assert.Equal(Bodies(own), Bodies(others));
            Assert.Equal(own.Select(recorded => recorded.Commit.Stamp), others.Select(recorded => recorded.Commit.Stamp));
        }

        foreach (var stream in all.Select(recorded => recorded.Commit.Stream).Distinct().Append("gone"))
        {
            Assert.Equal(Checkpoints(await ReadStreamAsync(stream)), Checkpoints(await ReadStreamAsync(reader, stream)));
            Assert.Equal(await Engine.FindHeadAsync(stream), await reader.FindHeadAsync(stream));
            Assert.Equal(
                (await Engine.FindSnapshotAsync(stream, Revision.Max))?.Revision,
                (await reader.FindSnapshotAsync(stream, Revision.Max))?.Revision);
        }

        Assert.Equal(
            await Engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100)), await reader.ListHeadsAsync(new HeadQuery(null, 0, null, 100)));
        Assert.Equal(
            (await Engine.ListDocumentsAsync("", "", 100)).Select(document => (document.Name, document.Version)),
            (await reader.ListDocumentsAsync("", "", 100)).Select(document => (document.Name, document.Version)));
        Assert.Equal((await Engine.FindDocumentAsync("replaced"))?.Version, (await reader.FindDocumentAsync("replaced"))?.Version);
        Assert.True((await reader.VerifyAsync()).IsSound, "what is sound is not when it is only read");
    }
}

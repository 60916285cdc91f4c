using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Opening, describing, waiting, reopening, disposing.</summary>
public abstract class LifecycleSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact, Guarantee("G43")]
    public void The_description_is_that_of_the_engine()
    {
        var description = Engine.Description;
        Assert.False(string.IsNullOrWhiteSpace(description.Name));
        Assert.False(string.IsNullOrWhiteSpace(description.Address));
        Assert.False(string.IsNullOrWhiteSpace(description.Durability.Basis));
        Assert.Equal(description.Durability.Level == Durability.Volatile, !description.Capabilities.HasFlag(EngineCapabilities.Reopens));
        Assert.InRange(description.Limits.MaxBatchAttempts, 1, int.MaxValue);
    }

    [Fact, Guarantee("G47")]
    public async Task Initialization_may_be_repeated_and_keeps_stored_data()
    {
        await AppendAsync("stream", 3);
        await Engine.InitializeAsync();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(async () => await Engine.InitializeAsync())));
        Assert.Equal(Range(1, 3), Revisions(await ReadStreamAsync("stream")));
        Assert.Equal(4, (await AppendAsync("stream", 1)).FirstRevision.Value);
    }

    [Fact, Guarantee("G47")]
    public async Task Several_engines_may_initialize_one_storage_at_once()
    {
        Require(EngineCapabilities.SharedWriting);
        await AppendAsync("before", 2);
        var engines = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(async () => await OpenAsync())));
        for (var i = 0; i < engines.Length; i++)
            Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(engines[i], Attempt("stream", new Revision(i)))).Kind);
        foreach (var engine in engines) await engine.DisposeAsync();
        Assert.Equal(10, (await ReadStreamAsync("stream")).Count);
        Assert.Equal(Range(1, 2), Revisions(await ReadStreamAsync("before")));
    }

    [Fact(Timeout = 60_000), Guarantee("G3", "G7", "G13", "G43")]
    public async Task Stored_data_exists_after_reopening()
    {
        Require(EngineCapabilities.Reopens);
        StreamId stream = new("b", "c", "s");
        var attempt = Attempt(stream, ExpectedRevision.NoStream, Events(3));
        var first = (await CommitAsync(attempt)).Commit!;
        await AppendAsync("other", 2);
        await AppendAsync("gone", 2);
        await Engine.DeleteStreamAsync("gone");
        await Engine.SaveSnapshotAsync(new SnapshotRecord(stream, new Revision(2), 1, "state", new byte[] { 1 }));
        var version = await Engine.PutDocumentAsync("document", new byte[] { 2 }, 0);
        var before = await ReadAllAsync();

        await ReopenAsync();
        var after = await ReadAllAsync();
        Assert.Equal(Checkpoints(before), Checkpoints(after));
        Assert.Equal(Bodies(before), Bodies(after));
        Assert.Equal(before.Select(recorded => recorded.Commit.Stamp), after.Select(recorded => recorded.Commit.Stamp));
        var again = await CommitAsync(attempt);
        Assert.Equal(CommitOutcomeKind.Duplicate, again.Kind);
        Assert.Equal(first with { Headers = default }, again.Commit! with { Headers = default });
        Assert.Equal(2, (await HeadAsync(stream)).SnapshotRevision.Value);
        Assert.Equal(version, (await DocumentAsync("document")).Version);
        Assert.Null(await Engine.PutDocumentAsync("document", default, 0));
        Assert.True((await AppendAsync(stream, 1)).FirstCheckpoint.Value > 7);
        Assert.Null(await Engine.FindHeadAsync("gone"));
        await Engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
    }

    [Fact, Guarantee("G47")]
    public async Task Missing_storage_that_may_not_be_created_is_refused_without_a_trace()
    {
        Require(EngineCapabilities.Reopens);
        await using var missing = new TBackend();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            await using var engine = await missing.OpenAsync(
                new EngineContext(Time, NullLoggerFactory.Instance) { MayCreateStorage = false });
            await Assert.ThrowsAnyAsync<StorageException>(async () => await engine.InitializeAsync());
        }
    }

    [Fact, Guarantee("G47")]
    public async Task A_second_engine_is_refused_with_a_message_where_storage_is_not_shared_and_the_first_continues()
    {
        Require(EngineCapabilities.Reopens);
        Assert.SkipWhen(
            Engine.Description.Capabilities.HasFlag(EngineCapabilities.SharedWriting), "The description promises that several may write.");
        var refused = await Assert.ThrowsAnyAsync<StorageException>(async () => await OpenAsync());
        Assert.InRange(refused.Message.Length, 20, 2000);
        Assert.Equal(1, (await AppendAsync("stream", 1)).FirstRevision.Value);
        await ReopenAsync();
        Assert.Single(await ReadAllAsync());
    }

    [Fact(Timeout = 60_000), Guarantee("G14")]
    public async Task Waiting_ends_at_a_new_commit_at_once_for_a_stored_one_and_after_the_time()
    {
        var fiveMinutes = TimeSpan.FromMinutes(5);
        await RequireEndAsync(
            Engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMilliseconds(20)), "after its time, though nothing came");
        var waiting = Engine.WaitForCommitsAsync(new Checkpoint(0), fiveMinutes);
        var commit = await AppendAsync("stream", 2);
        await RequireEndAsync(waiting, "when a commit came");
        await RequireEndAsync(
            Engine.WaitForCommitsAsync(commit.FirstCheckpoint, fiveMinutes), "at once, though an event after the checkpoint was there");

        using var cancelling = new CancellationTokenSource();
        var cancelled = Engine.WaitForCommitsAsync(commit.LastCheckpoint, fiveMinutes, cancelling.Token).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
    }

    [Fact, Guarantee("G14")]
    public async Task Storage_that_was_set_back_is_reported_and_nothing_is_skipped()
    {
        Assert.SkipUnless(Backend is IRestorableBackend, "The backend cannot set its storage back.");
        var backend = (IRestorableBackend)(object)Backend;
        await AppendAsync("stream", 3);
        await backend.BackupAsync();
        await using var reader = await OpenAsync();
        await using var streamReader = await OpenAsync();
        await using var writer = await OpenAsync();
        await CommitAsync(writer, Attempt("stream", ExpectedRevision.Any, Events(4)));
        Assert.Equal(7, (await ReadAllAsync(reader)).Count);
        Assert.Equal(7, (await ReadStreamAsync(streamReader, "stream")).Count);
        await backend.RestoreAsync();

        await Assert.ThrowsAsync<StorageReplacedException>(async () => await ReadAllAsync(reader, after: 7));
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await ReadStreamAsync(streamReader, "stream", from: 8));
        await Assert.ThrowsAsync<StorageReplacedException>(
            async () => await writer.CommitAsync([Attempt("stream", ExpectedRevision.Any, Events(1))]));
        await using var opened = await OpenAsync();
        Assert.Equal(3, (await ReadAllAsync(opened)).Count);
        await CommitAsync(opened, Attempt("stream", ExpectedRevision.Any, Events(9)));

        // What was noticed stays so, also when there is more again than was seen.
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await ReadAllAsync(reader, after: 7));
    }

    [Fact, Guarantee("G48")]
    public async Task After_dispose_every_member_throws()
    {
        await Engine.DisposeAsync();
        var read = new StreamRead("s", new Revision(1), new Revision(1), ReadDirection.Forward, new PageLimit(1, 1));
        Func<ValueTask>[] members =
        [
            async () => await Engine.InitializeAsync(),
            async () => await Engine.CommitAsync([Attempt("s", ExpectedRevision.Any)]),
            async () => await Engine.ReadStreamAsync(read),
            async () =>
                await Engine.ReadAllAsync(
                    new StoreRead(
                        EventFilter.Everything, new Checkpoint(0), new Checkpoint(1), ReadDirection.Forward, new PageLimit(1, 1))),
            async () => await Engine.FindHeadAsync("s"),
            async () => await Engine.ListHeadsAsync(new HeadQuery(null, 0, null, 1)),
            async () => await Engine.SaveSnapshotAsync(new SnapshotRecord("s", new Revision(1), 0, "state", default)),
            async () => await Engine.FindSnapshotAsync("s", new Revision(1)),
            async () => await Engine.PruneSnapshotsAsync("s", 1),
            async () => await Engine.FindDocumentAsync("d"),
            async () => await Engine.PutDocumentAsync("d", default, 0),
            async () => await Engine.DeleteDocumentAsync("d", 1),
            async () => await Engine.ListDocumentsAsync("", "", 1),
            async () => await Engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.Zero),
            async () => await Engine.DeleteStreamAsync("s"),
            async () => await Engine.FindCommitAsync("stream", SequentialGuid.Next()),
            async () => await Engine.PurgeBucketAsync("bucket"),
            async () => await Engine.PurgeAllAsync(),
            async () => await Engine.VerifyAsync(),
        ];
        for (var i = 0; i < members.Length; i++)
        {
            var member = members[i];
            Assert.True(
                await Record.ExceptionAsync(async () => await member()) is ObjectDisposedException,
                $"member {i} of the list did not throw ObjectDisposedException");
        }

        await Engine.DisposeAsync();
    }

    [Fact, Guarantee("G3")]
    public async Task Verification_of_a_sound_store_finds_nothing_and_counts_everything()
    {
        for (var i = 0; i < 20; i++) await AppendAsync($"stream-{i % 3}", 3);
        await Engine.DeleteStreamAsync("stream-2");
        var report = await Engine.VerifyAsync();
        Assert.True(report.IsSound, string.Join("; ", report.Damages));
        Assert.Equal((14, 42), (report.CommitsChecked, report.EventsChecked));
    }

    private static async Task RequireEndAsync(ValueTask waiting, string when)
    {
        try
        {
            await waiting.AsTask().WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"a wait for commits did not end {when}; {Patience.TotalSeconds} s were granted");
        }
    }
}

using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>A mirror has the checkpoints, revisions and heads of its source, whenever it was broken off.</summary>
public abstract class MirrorSpecification<TBackend> : ImportFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task A_mirror_equals_its_source_in_every_event_checkpoint_and_head()
    {
        await FillSourceAsync();
        ImportReport report;
        await using (var store = await Wire().BuildAsync()) report = await CopyAsync(store, ImportMode.Mirror);
        await ExpectMirrorAsync();
        Assert.Equal(new ImportReport(7, 10, 0, 0, 5, 1), report);
        var snapshot = await SnapshotAsync("a", new Revision(9));
        Assert.Equal((2L, 1), (snapshot.Revision.Value, snapshot.SchemaVersion));
        Assert.Equal("the state", Encoding.UTF8.GetString(snapshot.Payload.Span));
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await ExpectMirrorAsync();
        }

        // Commits go on after it, at the revisions of the source.
        var next = (await ImportSource.FindHeadAsync(Source)).Value + 1;
        Assert.Equal((next, 4L), At(await AppendAsync("v", 1)));
        Assert.Equal((next + 1, 7L), At(await AppendAsync("t", 1)));
        var sealedNow = await CommitAsync(Attempt("s", ExpectedRevision.Any));
        Assert.Equal(CommitOutcomeKind.Sealed, sealedNow.Kind);
    }

    [Theory(Timeout = 3 * Minute), InlineData(0), InlineData(1), InlineData(511), InlineData(512), InlineData(513), Guarantee("G58")]
    public async Task A_mirror_of_any_size_is_whole_and_follows_its_source(int commits)
    {
        await AppendToSourceAsync(commits);
        await using (var store = await Wire().BuildAsync())
        {
            await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Mirror))
            {
                await foreach (var unit in ImportSource.ReadAsync(Source, import.Position)) await import.AddAsync(unit);
                await import.FlushAsync();
                Assert.Equal(commits, import.Position.Value);
            }

            // Broken off, it goes on with what came meanwhile.
            await AppendToSourceAsync(2);
            var report = await CopyAsync(store, ImportMode.Mirror);
            Assert.Equal(new ImportReport(commits + 2, commits + 2, 0, 0, 0, 0), report);
        }

        await ExpectMirrorAsync();
    }

    [Theory(Timeout = 3 * Minute), InlineData(false), InlineData(true), Guarantee("G58")]
    public async Task A_mirror_that_is_killed_at_every_step_is_whole_in_the_end(bool arrives)
    {
        await FillSourceAsync();
        await CopyThroughKillsAsync(ImportMode.Mirror, arrives);
        await ExpectMirrorAsync();
        await AppendAsync("a", 1);
    }

    [Fact(Timeout = 3 * Minute), Guarantee("G12", "G58")]
    public async Task A_mirror_over_a_storage_that_fails_now_and_then_is_whole_in_the_end()
    {
        await FillSourceAsync();
        var plan = new FailurePlan(7, EngineFailure.Unavailable, EngineFailure.LostAfter, EngineFailure.LostBefore);
        var failing = new FailingEngine(Engine, plan);
        failing.Recover();
        await using var store = await Wire(failing).BuildAsync();
        failing.Fail();
        await CopyAsync(store, ImportMode.Mirror, tries: 100);
        Assert.True(failing.Failed > 3, "the storage did not fail");
        await ExpectMirrorAsync();
    }

    [Fact(Timeout = Minute), Guarantee("G55", "G58")]
    public async Task Truncated_streams_keep_their_revisions_however_they_were_interleaved()
    {
        var random = new Random(58);
        string[] names = ["a", "b", "c", "d", "e", "f"];
        for (var i = 0; i < 60; i++) await StoreAsync(names[random.Next(names.Length)], Events(random.Next(1, 4)));
        foreach (var name in names[..4])
        {
            var head = await HeadAsync(name, Source);
            await Source.TruncateStreamAsync(name, new Revision(random.Next(1, (int)head.Revision.Value + 2)), StreamExpectation.Any);
        }

        await using (var store = await Wire().BuildAsync()) await CopyAsync(store, ImportMode.Mirror);
        Assert.Equal(await ShowAsync(Source, withPlace: true), await ShowAsync(Engine, withPlace: true));
        foreach (var name in names)
        {
            var head = await HeadAsync(name, Source);
            Assert.Equal(head, (await HeadAsync(name)) with { CommitSequence = head.CommitSequence });
        }
    }

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task All_other_commits_are_refused_while_a_mirror_is_not_complete_also_after_a_restart()
    {
        await AppendToSourceAsync(3);
        await using (var store = await Wire().BuildAsync())
        {
            await using var import = await store.Imports.OpenAsync(Import, ImportMode.Mirror);
            await foreach (var unit in ImportSource.ReadAsync(Source)) await import.AddAsync(unit);
            var held = await Assert.ThrowsAsync<StorageHeldException>(async () => await store.AppendAsync("own", "x"));
            Assert.Equal(Import, held.Holder);
            await Assert.ThrowsAsync<StorageHeldException>(async () => await store.CommitAsync(
                new CommitUnit().Append("own", ExpectedRevision.Any, "x").Append("other", ExpectedRevision.Any, "x")));
            await import.FlushAsync();
            if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.SharedWriting))
            {
                await using var second = await OpenAsync();
                await using var other = await Wire(second).BuildAsync();
                await Assert.ThrowsAsync<StorageHeldException>(async () => await other.AppendAsync("own", "x"));
                await Assert.ThrowsAsync<StorageHeldException>(
                    async () => await other.Imports.OpenAsync("another", ImportMode.Merge, new ImportOptions { HoldsStore = true }));
            }
        }

        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens))
        {
            await ReopenAsync();
            await using var store = await Wire().BuildAsync();
            await Assert.ThrowsAsync<StorageHeldException>(async () => await store.AppendAsync("own", "x"));
        }

        await using (var store = await Wire().BuildAsync())
        {
            await CopyAsync(store, ImportMode.Mirror);
            await store.AppendAsync("own", "x");
        }

        Assert.Equal(["stream", "stream", "stream", "own"], (await ReadAllAsync()).Select(recorded => recorded.Commit.Stream.Id));
    }

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task A_mirror_begins_in_an_empty_store_and_ends_once()
    {
        await AppendToSourceAsync(1);
        await using (var store = await Wire().BuildAsync())
        {
            await store.AppendAsync("own", "x");
            await Assert.ThrowsAsync<ImportException>(async () => await store.Imports.OpenAsync(Import, ImportMode.Mirror));
            Assert.Null(await store.Imports.FindAsync(Import));
            await store.AppendAsync("own", "y");
            await CopyAsync(store, ImportMode.Merge);
            await Assert.ThrowsAsync<ImportException>(async () => await store.Imports.OpenAsync(Import, ImportMode.Mirror));

            // What was removed leaves checkpoints that are never assigned again.
            await store.PurgeAllAsync();
            await using var import = await store.Imports.OpenAsync("late", ImportMode.Mirror);
            var refused = await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("stream", 1, at: 3)));
            Assert.Equal("late", refused.Import);
            await import.AddAsync(Commit("stream", 1, at: 40));
            await import.CompleteAsync();
            await Assert.ThrowsAsync<ImportException>(async () => await store.Imports.OpenAsync("late", ImportMode.Mirror));
            await store.AppendAsync("own", "z");
        }

        var stored = await ReadAllAsync();
        Assert.Equal([40, 41], Checkpoints(stored));
    }

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task What_would_not_be_a_mirror_is_refused()
    {
        await using var store = await Wire().BuildAsync();
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Mirror))
        {
            await Assert.ThrowsAsync<ArgumentException>(async () => await import.AddAsync(Commit("a", 1, at: 0)));
            await import.AddAsync(Commit("a", 2, at: 1));
            await Assert.ThrowsAsync<ArgumentException>(async () => await import.AddAsync(Commit("b", 1, at: 2)));
            var id = SequentialGuid.Next();
            await Assert.ThrowsAsync<ArgumentException>(
                async () => await import.AddAsync([Commit("b", 1, at: 5, id), Commit("c", 1, at: 7, id)]));
            await import.ExpectTruncatedAsync(new TruncatedStream("t", new Checkpoint(4), 2, 1, new Checkpoint(9)));
            var early = await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("t", 1, at: 5)));
            Assert.Contains("missing", early.Message, StringComparison.Ordinal);
            await import.AddAsync(Commit("b", 1, at: 5));
            await Assert.ThrowsAsync<ImportException>(async () => await import.CompleteAsync());
            await import.AdvanceAsync(new Checkpoint(8));
            await import.AddAsync(Commit("t", 1, at: 9));
            await import.FlushAsync();
        }

        // A commit that the store does not have where the source does.
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Mirror))
            await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("b", 1, at: 5)));
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Mirror))
        {
            await import.AddAsync(new ImportCommit("u", SequentialGuid.Next(), Time.GetUtcNow(), Events(1))
            {
                FirstCheckpoint = new Checkpoint(10),
                FirstRevision = new Revision(3),
            });
            var unannounced = await Assert.ThrowsAsync<ImportException>(async () => await import.FlushAsync());
            Assert.Contains("truncated", unannounced.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("a", 1, at: 11)));
        }

        var stored = await ReadAllAsync();
        Assert.Equal([1, 2, 5, 9, 10], Checkpoints(stored));
        Assert.Equal((3L, 3L), ((await HeadAsync("t")).FirstRevision.Value, (await HeadAsync("t")).Revision.Value));
    }

    private static (long Checkpoint, long Revision) At(CommitRecord commit) =>
        (commit.FirstCheckpoint.Value, commit.FirstRevision.Value);

    private ImportCommit Commit(StreamId stream, int events, long at, Guid? id = null) =>
        new(stream, id ?? SequentialGuid.Next(), Time.GetUtcNow(), Events(events)) { FirstCheckpoint = new Checkpoint(at) };

    private async Task AppendToSourceAsync(int commits)
    {
        for (var left = commits; left > 0; left -= 128)
            await Source.CommitAsync([.. Enumerable.Range(0, Math.Min(left, 128)).Select(_ => Attempt("stream", ExpectedRevision.Any))]);
    }
}

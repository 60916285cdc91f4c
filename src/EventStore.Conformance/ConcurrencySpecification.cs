using System.Collections.Concurrent;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// The guarantees under parallel use: many writers, many readers, and several engines if the backend shares its storage. Loops yield at
/// every turn, so that all take part, also over an engine that completes synchronously.
/// </summary>
public abstract class ConcurrencySpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const int Minutes = 60_000; // in milliseconds, for time limits

    [Fact(Timeout = 5 * Minutes), Guarantee("G5")]
    public async Task Of_many_concurrent_commits_at_one_revision_exactly_one_succeeds_and_the_others_get_the_head()
    {
        const int Racers = 16, Rounds = 30;
        var engines = await OpenSeveralAsync(4);
        for (var round = 0; round < Rounds; round++)
        {
            var outcomes = await Task.WhenAll(Enumerable.Range(0, Racers).Select(racer => Task.Run(async () =>
                await CommitAsync(
                    engines[racer % engines.Count], Attempt("stream", new Revision(round * 2), Events(2, $"{round}.{racer}."))))));
            Assert.Single(outcomes, outcome => outcome.Kind == CommitOutcomeKind.Committed);
            Assert.All(outcomes.Where(outcome => outcome.Kind != CommitOutcomeKind.Committed), outcome =>
                Assert.Equal((CommitOutcomeKind.Conflict, (round + 1) * 2L), (outcome.Kind, outcome.Actual.Revision.Value)));
        }

        var stored = await ReadStreamAsync("stream");
        Assert.Equal(Range(1, Rounds * 2), Revisions(stored));
        Assert.Equal(Rounds * 2, (await ReadAllAsync()).Count);
        await CloseAsync(engines);
    }

    [Fact(Timeout = 5 * Minutes), Guarantee("G6", "G7")]
    public async Task Concurrent_appends_that_expect_nothing_all_succeed_once_each()
    {
        const int Writers = 16, Appends = 40;
        var engines = await OpenSeveralAsync(4);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < Appends; i++)
            {
                await Task.Yield();
                var attempt = Attempt("stream", ExpectedRevision.Any, Events((i % 3) + 1, $"{writer}.{i}."));
                var engine = engines[writer % engines.Count];
                Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(engine, attempt)).Kind);
                if (i % 10 == 0) Assert.Equal(CommitOutcomeKind.Duplicate, (await CommitAsync(engine, attempt)).Kind);
            }
        })));

        var stored = await ReadStreamAsync("stream", pageSize: 1000);
        Assert.Equal(Range(1, stored.Count), Revisions(stored));
        Assert.Equal(Writers * Enumerable.Range(0, Appends).Sum(i => (i % 3) + 1), stored.Count);
        Assert.Equal(stored.Count, Bodies(stored).Distinct().Count());
        await CloseAsync(engines);
    }

    [Fact(Timeout = 5 * Minutes), Guarantee("G6")]
    public async Task Of_many_creators_of_a_stream_exactly_one_creates_it()
    {
        var engines = await OpenSeveralAsync(4);
        for (var round = 0; round < 20; round++)
        {
            StreamId stream = $"stream-{round}";
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(async () =>
                await CommitAsync(engines[i % engines.Count], Attempt(stream, ExpectedRevision.NoStream, Events(3))))));
            Assert.Single(outcomes, outcome => outcome.Kind == CommitOutcomeKind.Committed);
            Assert.Equal(3, (await ReadStreamAsync(stream)).Count);
        }

        await CloseAsync(engines);
    }

    [Fact(Timeout = 5 * Minutes), Guarantee("G3", "G13", "G14")]
    public async Task No_event_ever_appears_at_or_below_a_checkpoint_that_a_reader_has_seen()
    {
        const int Writers = 16, Readers = 4;
        var engines = await OpenSeveralAsync(4);
        using var writing = new CancellationTokenSource(IsLongRun ? TimeSpan.FromSeconds(30) : TimeSpan.FromSeconds(3));
        var committed = new ConcurrentQueue<(long First, int Count)>();
        var stopped = 0;

        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            for (var i = 0; !writing.IsCancellationRequested; i++)
            {
                // An engine may complete synchronously, so writers yield, and at times wait for the readers.
                if (i % 32 == 0) await Task.Delay(1);
                else await Task.Yield();

                // Conflicts and duplicates between good commits: they must leave neither gaps nor numbers that become visible late.
                var attempt = Attempt(
                    $"stream-{random.Next(8)}",
                    random.Next(10) == 0 ? ExpectedRevision.NoStream : ExpectedRevision.Any,
                    Events(random.Next(1, 6)));
                var outcome = await CommitAsync(engines[writer % engines.Count], attempt);
                if (outcome.Kind == CommitOutcomeKind.Committed)
                    committed.Enqueue((outcome.Commit!.FirstCheckpoint.Value, outcome.Commit.EventCount));
                if (random.Next(20) == 0) await CommitAsync(engines[writer % engines.Count], attempt);
            }
        })).ToArray();
        var readers = Enumerable.Range(0, Readers).Select(
            reader => Task.Run(
                () => FollowAsync(
                    engines[reader % engines.Count], reader % 2 == 0 ? 200 : 100_000, () => Volatile.Read(ref stopped) == 1))).ToArray();

        await Task.WhenAll(writers);
        Volatile.Write(ref stopped, 1);
        var expected = committed.SelectMany(commit => Range(commit.First, commit.First + commit.Count - 1)).Order().ToArray();
        Assert.NotEmpty(expected);
        foreach (var delivered in await Task.WhenAll(readers))
        {
            var missed = expected.Except(delivered).ToArray();
            Assert.True(
                missed.Length == 0,
                $"{missed.Length} of {expected.Length} events became visible after a reader had passed them, "
                + $"first checkpoint {missed.FirstOrDefault()}");
            Assert.Equal(expected, delivered);
        }

        await CloseAsync(engines);
    }

    [Fact(Timeout = 5 * Minutes), Guarantee("G9", "G14", "G15")]
    public async Task Writers_on_separate_streams_always_read_their_own_writes_while_others_write_and_delete()
    {
        var engines = await OpenSeveralAsync(3);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(writer => Task.Run(async () =>
        {
            var random = new Random(writer);
            var engine = engines[writer % engines.Count];
            StreamId stream = $"stream-{writer}";
            var revision = 0;
            for (var i = 0; i < (IsLongRun ? 500 : 60); i++)
            {
                await Task.Yield();
                var count = random.Next(1, 8);
                var outcome = await CommitAsync(engine, Attempt(stream, new Revision(revision), Events(count)));
                Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
                revision += count;
                Assert.Equal(revision, (await HeadAsync(stream, engine)).Revision.Value);
                Assert.Equal(Range(1, revision), Revisions(await ReadStreamAsync(engine, stream, pageSize: 50)));
                if (random.Next(12) != 0) continue;
                Assert.True(await engine.DeleteStreamAsync(stream));
                revision = 0;
            }
        })));
        await CloseAsync(engines);
    }

    [Fact, Guarantee("G13")]
    public async Task Appends_of_one_caller_are_stored_in_the_order_of_the_calls_awaited_or_not()
    {
        const int Appends = 600, Streams = 7;
        await using var store = await Wire().BuildAsync();
        var calls = new Task<CommitResult>[Appends];
        for (var i = 0; i < Appends; i++)
        {
            calls[i] = store.AppendAsync($"stream-{i % Streams}", $"{i}").AsTask();
            if (i % 50 == 49) await calls[i];
        }

        var results = await Task.WhenAll(calls);
        Assert.Equal(results.Select(result => result.LastCheckpoint).Order(), results.Select(result => result.LastCheckpoint));
        Assert.Equal(Enumerable.Range(0, Appends).Select(i => $"{i}"), Bodies(await ReadAllAsync()));
    }

    [Fact, Guarantee("G5", "G7", "G9", "G46")]
    public async Task Commits_and_deletions_of_one_engine_are_visible_to_the_others_at_once()
    {
        Require(EngineCapabilities.SharedWriting);
        await using var other = await OpenAsync();
        for (var round = 1; round <= 3; round++)
        {
            var first = Attempt("stream", ExpectedRevision.NoStream, Events(3, $"{round}."));
            Assert.Equal((round, CommitOutcomeKind.Committed), (round, (await CommitAsync(Engine, first)).Kind));
            Assert.Equal((round, CommitOutcomeKind.Duplicate), (round, (await CommitAsync(other, first)).Kind));
            Assert.Equal(
                (round, CommitOutcomeKind.Committed), (round, (await CommitAsync(other, Attempt("stream", new Revision(3)))).Kind));
            Assert.Equal(4, (await CommitAsync(Engine, Attempt("stream", new Revision(3)))).Actual.Revision.Value);
            Assert.Equal(CommitOutcomeKind.Committed, (await CommitAsync(Engine, Attempt("stream", new Revision(4)))).Kind);
            Assert.Equal(5, (await HeadAsync("stream", other)).Revision.Value);
            await other.SaveSnapshotAsync(new SnapshotRecord("stream", new Revision(5), 0, "state", default));
            Assert.Equal(5, (await HeadAsync("stream")).SnapshotRevision.Value);
            Assert.Equal(5, (await ReadStreamAsync(other, "stream")).Count);

            if (round == 1) Assert.True(await other.DeleteStreamAsync("stream"));
            else if (round == 2) await other.PurgeBucketAsync(StreamId.DefaultBucket);
            else await other.PurgeAllAsync();
            Assert.Null(await Engine.FindHeadAsync("stream"));
            Assert.Null(await Engine.FindSnapshotAsync("stream", Revision.Max));
            Assert.Empty(await ReadStreamAsync("stream"));
            Assert.Empty(await ReadAllAsync());
        }
    }

    // Reads the store to its end and checks it; ends when the writers have stopped and all is read. Readers of small pages may be late,
    // those of large ones read where commits appear.
    private static async Task<long[]> FollowAsync(IPersistenceEngine engine, int maxPageSize, Func<bool> isStopped)
    {
        var delivered = new List<long>();
        var random = new Random();
        Checkpoint after = new Checkpoint(0);
        var isAtEnd = false;
        while (true)
        {
            await Task.Yield();
            var isLast = isStopped();

            // Pages at the end of the store are often so small that they end inside a commit.
            var limit = new PageLimit(isAtEnd && random.Next(2) == 0 ? random.Next(1, 5) : random.Next(1, maxPageSize), 64 << 20);
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, limit));
            foreach (var recorded in page.Events.ToArray())
            {
                Assert.True(recorded.Checkpoint > after, $"checkpoint {recorded.Checkpoint} came after {after}");
                after = recorded.Checkpoint;
                delivered.Add(after.Value);
            }

            Assert.True(page.Position >= after, $"a page moved back from {after} to {page.Position}");
            after = page.Position;
            isAtEnd = page.IsEnd;
            if (!page.IsEnd) continue;
            if (page.Events.Length > 0) RequireWhole(page.Events.Span[^1]);
            if (isLast) return [.. delivered];
            await engine.WaitForCommitsAsync(after, TimeSpan.FromMilliseconds(5));
        }
    }

    // The visible store ends with a whole commit.
    private static void RequireWhole(RecordedEvent last) => Assert.True(
        last.IndexInCommit == last.Commit.EventCount - 1,
        $"of a commit of {last.Commit.EventCount} events only {last.IndexInCommit + 1} were visible, at checkpoint {last.Checkpoint}");

    // If storage is shared, writers and readers have their own engines, as processes have.
    private async ValueTask<List<IPersistenceEngine>> OpenSeveralAsync(int count)
    {
        var engines = new List<IPersistenceEngine> { Engine };
        while (engines.Count < count && Engine.Description.Capabilities.HasFlag(EngineCapabilities.SharedWriting))
            engines.Add(await OpenAsync());
        return engines;
    }

    private async ValueTask CloseAsync(List<IPersistenceEngine> engines)
    {
        foreach (var engine in engines.Where(engine => engine != Engine)) await engine.DisposeAsync();
    }
}

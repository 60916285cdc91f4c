using System.Diagnostics;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>
/// Rows that another process changed. Every member returns something that a caller can hold, or throws an exception of the contract, in
/// time and memory. Nothing holds a lock or a transaction afterwards.
/// </summary>
[Collection(nameof(MutationTests))]
public sealed class MutationTests : IAsyncLifetime
{
    private const long MostBytes = 64 << 20;
    private const int CasesBetweenChecks = 50;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly PageLimit Limit = new(100, 1 << 20);
    private static readonly string[] Tables = ["store", "streams", "events", "snapshots", "documents"];
    private readonly TestSchema schema = new();
    private NpgsqlDataSource? database;
    private CommitAttempt? original;
    private int refused;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static int Cases => TestStores.IsLongRun ? 50_000 : 300;

    private NpgsqlDataSource Database => database ?? throw new InvalidOperationException("The server is not started yet.");

    private CommitAttempt First => original ?? throw new InvalidOperationException("The store is not filled yet.");

    private string Restoring => string.Join(';', Tables.Select(table =>
        $"DELETE FROM {schema.Quoted}.{table}; INSERT INTO {schema.Quoted}.{table} SELECT * FROM {schema.Quoted}.kept_{table}"));

    public async ValueTask InitializeAsync() => database = NpgsqlDataSource.Create(await TestSchema.AddressAsync());

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await schema.DisposeAsync();
    }

    [Theory(Timeout = 10_000_000)]
    [InlineData("events", "checkpoint", "9223372036854775807")]
    [InlineData("events", "checkpoint", "-9223372036854775808")]
    [InlineData("events", "revision", "9223372036854775807")]
    [InlineData("events", "sequence", "-1")]
    [InlineData("events", "index_in_commit", "-1")]
    [InlineData("events", "commit_events", "0")]
    [InlineData("events", "stamp", "'10000-01-01'")]
    [InlineData("events", "event_id", "'00000000-0000-0000-0000-000000000000'")]
    [InlineData("events", "type", "''")]
    [InlineData("streams", "id", "''")]
    [InlineData("streams", "revision", "-1")]
    [InlineData("streams", "sequence", "9223372036854775807")]
    [InlineData("store", "last_checkpoint", "9223372036854775807")]
    [InlineData("store", "last_checkpoint", "-1")]
    [InlineData("store", "last_stream", "9223372036854775807")]
    public async Task A_value_that_no_store_writes_is_reported_as_damage(string table, string column, string value)
    {
        await FillAsync();
        await schema.RunAsync($"UPDATE {{schema}}.{table} SET {column} = {value} "
            + $"WHERE ctid = (SELECT max(ctid) FROM {{schema}}.{table})");
        var found = 0;
        foreach (var (_, call) in Readers.Concat(Writers))
        {
            try
            {
                await using var engine = await OpenAsync();
                await call(engine);
            }
            catch (CorruptStorageException)
            {
                found++;
            }
            catch (StorageException error) when (error.InnerException is PostgresException)
            {
                // Refused by a constraint of the schema: nothing was written.
            }
        }

        Assert.NotEqual(0, found);
    }

    [Fact(Timeout = 10_000_000)]
    public async Task A_row_that_was_changed_is_read_or_refused_in_time_and_memory()
    {
        await FillAsync();
        await using var connection = await Database.OpenConnectionAsync(Token);
        await using (var limit = new NpgsqlCommand("SET lock_timeout = '10s'", connection)) await limit.ExecuteNonQueryAsync(Token);
        var (slowest, largest, done) = (TimeSpan.Zero, 0L, 0);
        for (var seed = 1; done < Cases; seed++)
        {
            await using (var restoring = new NpgsqlCommand(Restoring, connection)) await restoring.ExecuteNonQueryAsync(Token);
            if (seed % CasesBetweenChecks == 0) await RequireWholeAsync();
            var random = new Random(seed);
            var mutator = new RowMutator(connection, schema.Quoted, random);
            if (await mutator.MutateAsync() is not { } change) continue;
            var what = $"seed {seed}: {change}{(random.Next(4) == 0 ? ", " + await mutator.MutateAsync() : "")}";
            done++;

            var (before, started) = (GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
            var writers = Writers;
            random.Shuffle(writers);
            await ReturnAsync(Readers, what);
            await ReturnAsync(writers, what);

            var (allocated, time) = (GC.GetTotalAllocatedBytes() - before, Stopwatch.GetElapsedTime(started));
            (slowest, largest) = (time > slowest ? time : slowest, Math.Max(largest, allocated));
            Assert.True(allocated < MostBytes, $"{what}: {allocated} bytes allocated");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Cases} mutations, {refused} calls refused; longest case {slowest.TotalMilliseconds:0} ms, "
                + $"most allocated by a case {largest >> 10} KiB");
    }

    private static (string Name, Func<IPersistenceEngine, Task> Call)[] Writers =>
    [
        ("commit", async engine => await engine.CommitAsync(
            [Attempt("stream-0"), Attempt("new"), Attempt("stream-0", events: 3)], Token)),
        ("commits in a row", async engine =>
        {
            for (var i = 0; i < 3; i++) await engine.CommitAsync([Attempt("stream-1")], Token);
        }),
        ("conflict", async engine => await engine.CommitAsync([Attempt("stream-0", ExpectedRevision.Exactly(1))], Token)),
        ("save snapshot", async engine => await engine.SaveSnapshotAsync(
            new SnapshotRecord("stream-0", new Revision(2), 1, "state", new byte[3]), Token)),
        ("prune", async engine => await engine.PruneSnapshotsAsync("stream-0", 1, Token)),
        ("put document", async engine => await engine.PutDocumentAsync("new", new byte[3], 0, Token)),
        ("delete document", async engine => await engine.DeleteDocumentAsync("a", 1, Token)),
        ("delete stream", async engine => await engine.DeleteStreamAsync("stream-1", StreamExpectation.Any, Token)),
        ("purge bucket", async engine => await engine.PurgeBucketAsync("other", Token)),
        ("purge", async engine => await engine.PurgeAllAsync(Token)),
    ];

    private (string Name, Func<IPersistenceEngine, Task> Call)[] Readers =>
    [
        ("stream forward", async engine => Hold((await ReadAsync(engine, ReadDirection.Forward)).Events)),
        ("stream backward", async engine => Hold((await ReadAsync(engine, ReadDirection.Backward)).Events)),
        ("all forward", async engine => await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Forward)),
        ("all backward", async engine => await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Backward)),
        ("bucket forward", async engine =>
            await ReadAllAsync(engine, new EventFilter { Bucket = "default" }, ReadDirection.Forward)),
        ("type backward", async engine =>
            await ReadAllAsync(engine, new EventFilter { EventTypes = ["type"] }, ReadDirection.Backward)),
        ("heads", async engine => await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100), Token)),
        ("heads due", async engine => await engine.ListHeadsAsync(new HeadQuery("default", 2, null, 100), Token)),
        ("head", async engine => await engine.FindHeadAsync("stream-0", Token)),
        ("snapshot", async engine => await engine.FindSnapshotAsync("stream-0", Revision.Max, Token)),
        ("commit by id", async engine => await engine.FindCommitAsync(First.Stream, First.CommitId, Token)),
        ("document", async engine => await engine.FindDocumentAsync("a", Token)),
        ("documents", async engine => await engine.ListDocumentsAsync("", "", 10, Token)),
        ("commit again", async engine => await engine.CommitAsync(
            [new CommitAttempt(First.Stream, First.CommitId, First.Events) { Expected = ExpectedRevision.Exactly(0) }], Token)),
        ("verify", async engine => await engine.VerifyAsync(null, Token)),
    ];

    private static async Task<StreamPage> ReadAsync(IPersistenceEngine engine, ReadDirection direction) =>
        await engine.ReadStreamAsync(new StreamRead("stream-0", new Revision(1), Revision.Max, direction, Limit), Token);

    // Every page moves on, and the pages end.
    private static async Task ReadAllAsync(IPersistenceEngine engine, EventFilter filter, ReadDirection direction)
    {
        var (after, upTo) = (default(Checkpoint), Checkpoint.Max);
        for (var pages = 0; pages < 3; pages++)
        {
            var page = await engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, Limit), Token);
            Hold(page.Events);
            if (page.IsEnd) return;
            if (direction == ReadDirection.Forward) after = page.Position;
            else upTo = new Checkpoint(Math.Max(0, page.Position.Value - 1));
        }
    }

    // What an application does with every event.
    private static void Hold(ReadOnlyMemory<RecordedEvent> events)
    {
        foreach (var recorded in events.Span)
        {
            _ = (recorded.Checkpoint, recorded.Revision, recorded.Commit.LastCheckpoint, recorded.Commit.LastRevision);
            Assert.NotEqual(Guid.Empty, recorded.Record.EventId);
            Assert.NotEqual(default, recorded.Commit.Stream);
        }
    }

    private async Task ReturnAsync((string Name, Func<IPersistenceEngine, Task> Call)[] calls, string what)
    {
        IPersistenceEngine? engine = null;
        if (!await ReturnsAsync(async () => engine = await OpenAsync(), $"{what}, opening") || engine is null) return;
        await using var closing = engine;
        foreach (var (name, call) in calls) await ReturnsAsync(() => call(engine), $"{what}, {name}");
    }

    private async Task<bool> ReturnsAsync(Func<Task> call, string what)
    {
        try
        {
            await call().WaitAsync(Longest, Token);
            return true;
        }
        catch (EventStoreException error) when (error is not (StorageUnavailableException or BatchOutcomeUnknownException))
        {
            refused++;
            return false;
        }
        catch (Exception error) when (!Token.IsCancellationRequested)
        {
            throw new InvalidOperationException(what, error);
        }
    }

    private async Task<IPersistenceEngine> OpenAsync()
    {
        var engine = new PostgresPersistenceEngine(PostgresConnections.Of(Database), schema.Options, EngineContext.Default);
        try
        {
            await engine.InitializeAsync(Token);
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    private async Task RequireWholeAsync()
    {
        await using var engine = await OpenAsync();
        var report = await engine.VerifyAsync(null, Token);
        Assert.True(report.IsSound);
        Assert.Equal(24, report.EventsChecked);
    }

    private async Task FillAsync()
    {
        await using var engine = await TestStores.OpenEngineAsync(await TestSchema.AddressAsync(), schema.Options);
        original = Attempt("stream-0");
        await engine.CommitAsync([original, Attempt("stream-1", events: 3), Attempt(new StreamId("other", "category", "1"))], Token);
        for (var i = 0; i < 9; i++) await engine.CommitAsync([Attempt($"stream-{i % 2}", events: 2, bytes: i * 2_000)], Token);
        await engine.CommitAsync([Attempt("stream-0")], Token);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(3), 1, "state", new byte[] { 1, 2, 3 }), Token);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(1), 0, "state", new byte[] { 1, 2, 3 }), Token);
        foreach (var name in (string[])["a", "b"]) await engine.PutDocumentAsync(name, new byte[] { 1, 2, 3 }, 0, Token);
        foreach (var table in Tables) await schema.RunAsync($"CREATE TABLE {{schema}}.kept_{table} AS TABLE {{schema}}.{table}");
    }

    private static CommitAttempt Attempt(StreamId stream, ExpectedRevision? expected = null, int events = 1, int bytes = 10) =>
        new(stream, SequentialGuid.Next(),
            [.. Enumerable.Range(0, events).Select(_ => new EventRecord(SequentialGuid.Next(), "type", new byte[bytes], new byte[1]))])
        {
            Expected = expected ?? ExpectedRevision.Any,
            Headers = new byte[2],
        };
}

/// <summary>Nothing else runs beside it, so that what is allocated is its own.</summary>
[CollectionDefinition(nameof(MutationTests), DisableParallelization = true)]
public sealed class MutationCollection;

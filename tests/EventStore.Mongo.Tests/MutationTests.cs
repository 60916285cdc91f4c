using System.Diagnostics;
using System.Globalization;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>
/// Documents that another client changed. Every member returns something that a caller can hold, or throws an exception of the contract,
/// in time and memory.
/// </summary>
[Collection(nameof(MutationTests))]
public sealed class MutationTests : IAsyncLifetime
{
    private const long MostBytes = 256 << 20;
    private const int CasesBetweenChecks = 50;
    private const int Events = 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly PageLimit Limit = new(100, 1 << 20);
    private static readonly string[] Collections = ["entries", "snapshots", "documents", "names", "store"];
    private readonly MongoBackend backend = new();
    private readonly Dictionary<string, List<BsonDocument>> kept = [];
    private IMongoDatabase? database;
    private CommitAttempt? original;
    private int refused;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static bool IsLongRun { get; } = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long";

    private IMongoDatabase Database => database ?? throw new InvalidOperationException("The server is not started yet.");

    private CommitAttempt First => original ?? throw new InvalidOperationException("The store is not filled yet.");

    public async ValueTask InitializeAsync() => database = await backend.GetDatabaseAsync();

    public ValueTask DisposeAsync() => backend.DisposeAsync();

    [Theory(Timeout = 10_000_000)]
    [InlineData("entries", "_id", long.MaxValue)]
    [InlineData("entries", "last", -5L)]
    [InlineData("entries", "count", -5L)]
    [InlineData("entries", "count", "text")]
    [InlineData("entries", "stamp", long.MaxValue)]
    [InlineData("entries", "commits.0.id", "")]
    [InlineData("entries", "commits.0.start", 1.5)]
    [InlineData("entries", "commits.0.revision", long.MaxValue)]
    [InlineData("entries", "commits.0.to", 7.0)]
    [InlineData("entries", "commits.0.first", 0L)]
    [InlineData("entries", "commits.0.from", long.MaxValue)]
    [InlineData("entries", "commits.0.events.0.tags", "text")]
    [InlineData("entries", "removed", -1L)]
    [InlineData("entries", "holder", 5L)]
    [InlineData("entries", "commits.0.sequence", -1L)]
    [InlineData("snapshots", "revision", -1L)]
    [InlineData("snapshots", "revision", 3.0)]
    [InlineData("snapshots", "start", "text")]
    [InlineData("documents", "version", -1L)]
    public async Task A_value_that_no_store_writes_is_reported_as_damage(string collection, string field, object value)
    {
        await FillAsync(isRemoving: false);
        await using var engine = await OpenAsync();
        var all = Database.GetCollection<BsonDocument>($"events.{collection}");
        var last = await all.Find(new BsonDocument()).Sort(new BsonDocument("_id", -1)).FirstAsync(Token);
        var key = last["_id"];
        Set(last, field, BsonValue.Create(value));
        await all.DeleteOneAsync(new BsonDocument("_id", key), Token);
        await all.InsertOneAsync(last, null, Token);
        var found = 0;
        foreach (var (_, call) in Readers)
        {
            try
            {
                await call(engine);
            }
            catch (CorruptStorageException)
            {
                found++;
            }
        }

        Assert.NotEqual(0, found);
        if (collection != "documents") Assert.False((await engine.VerifyAsync(null, Token)).IsSound);
    }

    [Theory(Timeout = 10_000_000)]
    [InlineData(false, 600)]
    [InlineData(true, 150)]
    public async Task A_document_that_was_changed_is_read_or_refused_in_time_and_memory(bool isRemoving, int usualCases)
    {
        var cases = IsLongRun ? usualCases * 50 : usualCases;
        await FillAsync(isRemoving);
        var (slowest, largest, done) = (TimeSpan.Zero, 0L, 0);
        for (var seed = isRemoving ? 1_000_000 : 1; done < cases; seed++)
        {
            await RestoreAsync();
            if (!isRemoving && seed % CasesBetweenChecks == 0) await RequireWholeAsync();
            var random = new Random(seed);
            var mutator = new DocumentMutator(Database, random);
            if (await mutator.MutateAsync() is not { } change) continue;
            var what = $"seed {seed}: {change}{(random.Next(4) == 0 ? ", " + await mutator.MutateAsync() : "")}";
            done++;

            var (before, started) = (GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
            var writers = Writers;
            random.Shuffle(writers);
            await ReturnAsync(Readers, what, mayWait: false);
            await ReturnAsync(writers, what, mayWait: true);

            var (allocated, time) = (GC.GetTotalAllocatedBytes() - before, Stopwatch.GetElapsedTime(started));
            (slowest, largest) = (time > slowest ? time : slowest, Math.Max(largest, allocated));
            Assert.True(allocated < MostBytes, $"{what}: {allocated} bytes allocated");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{cases} mutations, {refused} calls refused; longest case {slowest.TotalMilliseconds:0} ms, "
                + $"most allocated by a case {largest >> 10} KiB");
    }

    private static (string Name, Func<IPersistenceEngine, Task> Call)[] Writers =>
    [
        ("commit", async engine => await engine.CommitAsync(
            [Attempt("stream-0"), Attempt("new"), Attempt("stream-0", events: 3)], Token)),
        ("conflict", async engine => await engine.CommitAsync([Attempt("stream-0", ExpectedRevision.Exactly(1))], Token)),
        ("unit", async engine => await engine.CommitAsync([Unit("stream-0", "newer")], Token)),
        ("condition", async engine => await engine.CommitAsync([Conditional("tag"), Conditional("free")], Token)),
        ("truncate", async engine => await engine.TruncateStreamAsync("stream-0", new Revision(4), StreamExpectation.Any, Token)),
        ("seal", async engine => await engine.SealStreamAsync("unit-1", StreamExpectation.Any, Token)),
        ("hold", async engine => await engine.HoldAsync("import", Token)),
        ("release", async engine => await engine.ReleaseAsync("import", Token)),
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
        ("stream forward", async engine => Hold((await ReadAsync(engine, 1, ReadDirection.Forward)).Events)),
        ("stream from the middle", async engine => Hold((await ReadAsync(engine, 4, ReadDirection.Forward)).Events)),
        ("stream backward", async engine => Hold((await ReadAsync(engine, 1, ReadDirection.Backward)).Events)),
        ("all forward", async engine => await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Forward)),
        ("all backward", async engine => await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Backward)),
        ("bucket forward", async engine =>
            await ReadAllAsync(engine, new EventFilter { Bucket = "default" }, ReadDirection.Forward)),
        ("type backward", async engine =>
            await ReadAllAsync(engine, new EventFilter { EventTypes = ["type"] }, ReadDirection.Backward)),
        ("tagged forward", async engine =>
            await ReadAllAsync(engine, new EventFilter { Criteria = EventCriteria.Tagged("tag") }, ReadDirection.Forward)),
        ("criteria backward", async engine => await ReadAllAsync(engine, new EventFilter { Criteria = Criteria }, ReadDirection.Backward)),
        ("heads", async engine => await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100), Token)),
        ("heads due", async engine => await engine.ListHeadsAsync(new HeadQuery("default", 2, null, 1), Token)),
        ("head", async engine => await engine.FindHeadAsync("stream-0", Token)),
        ("snapshot", async engine => await engine.FindSnapshotAsync("stream-0", Revision.Max, Token)),
        ("commit by id", async engine => await engine.FindCommitAsync(First.Stream, First.CommitId, Token)),
        ("document", async engine => await engine.FindDocumentAsync("a", Token)),
        ("documents", async engine => await engine.ListDocumentsAsync("", "", 10, Token)),
        ("wait", async engine => await engine.WaitForCommitsAsync(Checkpoint.Max, TimeSpan.FromMilliseconds(1), Token)),
        ("verify", async engine => await engine.VerifyAsync(null, Token)),
    ];

    private static EventCriteria Criteria => new(
        new EventCriterion { Category = "", Tags = ["tag"], Types = ["type"] },
        new EventCriterion { Bucket = "other", Category = "category" });

    private static async Task<StreamPage> ReadAsync(IPersistenceEngine engine, long from, ReadDirection direction) =>
        await engine.ReadStreamAsync(new StreamRead("stream-0", new Revision(from), Revision.Max, direction, Limit), Token);

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

    private async Task ReturnAsync((string Name, Func<IPersistenceEngine, Task> Call)[] calls, string what, bool mayWait)
    {
        IPersistenceEngine? engine = null;
        if (!await ReturnsAsync(async () => engine = await OpenAsync(), $"{what}, opening", mayWait) || engine is null) return;
        await using var closing = engine;
        foreach (var (name, call) in calls) await ReturnsAsync(() => call(engine), $"{what}, {name}", mayWait);
    }

    // A place of the chain that a wrong document holds looks like other writers that are always faster.
    private async Task<bool> ReturnsAsync(Func<Task> call, string what, bool mayWait)
    {
        try
        {
            await call().WaitAsync(Longest, Token);
            return true;
        }
        catch (EventStoreException error) when (error is not BatchOutcomeUnknownException
            && (mayWait || error is not StorageUnavailableException))
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
        var place = MongoPlace.Of(Database, new MongoOptions { CommandTimeout = TimeSpan.FromSeconds(1) });
        var engine = new MongoPersistenceEngine(place, EngineContext.Default);
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
        Assert.Equal(Events, report.EventsChecked);
    }

    private async Task RestoreAsync()
    {
        foreach (var name in Collections)
        {
            var collection = Database.GetCollection<BsonDocument>($"events.{name}");
            await collection.DeleteManyAsync(new BsonDocument(), Token);
            if (kept[name].Count > 0) await collection.InsertManyAsync(kept[name], null, Token);
        }
    }

    // Commits of one and of several events, a stream that was deleted, a purge; and a removal that is going on.
    private async Task FillAsync(bool isRemoving)
    {
        await using var engine = await OpenAsync();
        original = Attempt("stream-0");
        await engine.CommitAsync([Attempt(new StreamId("purged", "", "1"), events: 2), Attempt("deleted"), original], Token);
        await engine.PurgeBucketAsync("purged", Token);
        await engine.DeleteStreamAsync("deleted", StreamExpectation.Any, Token);
        await engine.CommitAsync([Attempt("stream-1", events: 3), Attempt(new StreamId("other", "category", "1"))], Token);
        for (var i = 0; i < 7; i++) await engine.CommitAsync([Attempt($"stream-{i % 2}", events: 2, bytes: i * 2_000)], Token);
        await engine.CommitAsync([Unit("unit-0", "unit-1", "unit-2"), Conditional("tag")], Token);
        await engine.DeleteStreamAsync("unit-2", StreamExpectation.Any, Token);
        await engine.TruncateStreamAsync("unit-0", new Revision(2), StreamExpectation.Any, Token);
        await engine.TruncateStreamAsync("stream-1", new Revision(2), StreamExpectation.Any, Token);
        await engine.SealStreamAsync("unit-0", StreamExpectation.Any, Token);
        await engine.HoldAsync("import", Token);
        await engine.SkipCheckpointsAsync(new Checkpoint(100), Token);
        await engine.ReleaseAsync("import", Token);
        await engine.CommitAsync([Attempt("stream-0")], Token);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(3), 1, "state", new byte[] { 1, 2, 3 }), Token);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(1), 0, "state", new byte[] { 1, 2, 3 }), Token);
        foreach (var name in (string[])["a", "b"]) await engine.PutDocumentAsync(name, new byte[] { 1, 2, 3 }, 0, Token);
        var entries = Database.GetCollection<BsonDocument>("events.entries");
        var newest = await entries.Find(new BsonDocument()).Sort(new BsonDocument("_id", -1)).FirstAsync(Token);
        if (isRemoving)
        {
            var (end, now) = (MongoEnd.Of(MongoEntry.Of(newest)), TimeProvider.System.GetUtcNow());
            await entries.InsertOneAsync(MongoChange.ToRemoval(end, now, MongoTarget.Of("stream-1"), 1), null, Token);
        }

        foreach (var name in Collections)
            kept[name] = await Database.GetCollection<BsonDocument>($"events.{name}").Find(new BsonDocument()).ToListAsync(Token);
    }

    private static CommitAttempt Attempt(StreamId stream, ExpectedRevision? expected = null, int events = 1, int bytes = 10) =>
        new(stream, Guid.NewGuid(),
            [.. Enumerable.Range(0, events).Select(_ => new EventRecord(Guid.NewGuid(), "type", new byte[bytes], new byte[1], ["tag"]))])
        {
            Expected = expected ?? ExpectedRevision.Any,
            Headers = new byte[2],
        };

    private static CommitAttempt Unit(params string[] streams)
    {
        var members = streams.Select(stream => Attempt(stream)).ToList();
        return new CommitAttempt(members[0].Stream, members[0].CommitId, members[0].Events)
        {
            Rest = [.. members.Skip(1).Select(member => new CommitAttempt(member.Stream, members[0].CommitId, member.Events))],
        };
    }

    private static CommitAttempt Conditional(string tag) =>
        new("conditional", Guid.NewGuid(), Attempt("conditional").Events) { Condition = new AppendCondition(EventCriteria.Tagged(tag)) };

    private static void Set(BsonDocument document, string path, BsonValue value)
    {
        var steps = path.Split('.');
        BsonValue place = document;
        foreach (var step in steps[..^1]) place = int.TryParse(step, CultureInfo.InvariantCulture, out var at) ? place[at] : place[step];
        place[steps[^1]] = value;
    }
}

/// <summary>Nothing else runs beside it, so that what is allocated is its own.</summary>
[CollectionDefinition(nameof(MutationTests), DisableParallelization = true)]
public sealed class MutationCollection;

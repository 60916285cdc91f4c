using System.Text;
using EventStore.TestServers;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>A small store with something of everything in it, on a server of its own; it is put back after each damage.</summary>
internal sealed class DamagedStore : IAsyncDisposable
{
    private static readonly StreamId Long = "long";
    private static readonly StreamId Cut = new("cut", "c", "1");
    private static readonly StreamId Removed = new("gone", "c", "1");
    private readonly PrivateRedis redis;
    private readonly ConnectionMultiplexer connection;
    private readonly RedisOptions options = new()
    {
        Name = "damaged",
        OutageTimeout = TimeSpan.Zero,
        CommandTimeout = TimeSpan.FromSeconds(20),
    };

    private readonly Dictionary<Guid, RecordedEvent> originals = [];
    private readonly List<(RedisKey Key, byte[] Dump)> kept = [];
    private int sweepStepEntries;
    private int events;
    private Guid firstCommit;

    private DamagedStore(PrivateRedis redis, ConnectionMultiplexer connection) => (this.redis, this.connection) = (redis, connection);

    public IDatabase Database => connection.GetDatabase();

    public IReadOnlyList<(RedisKey Key, byte[] Dump)> Kept => kept;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A store on a new server.</summary>
    /// <param name="isSwept">Whether what was removed from it is cleared away; otherwise marks and graves are in it.</param>
    public static async Task<DamagedStore> StartAsync(bool isSwept)
    {
        var server = await PrivateRedis.StartAsync("--appendonly", "no", "--slowlog-log-slower-than", "1000000");
        var store = new DamagedStore(server, await ConnectionMultiplexer.ConnectAsync(server.Address + ",allowAdmin=true"));
        await store.FillAsync(isSwept);
        return store;
    }

    /// <summary>An engine that has seen no damage yet. It clears away what it removes where the store is swept.</summary>
    public RedisPersistenceEngine Open() => Open(sweepStepEntries);

    /// <summary>Puts every key back as it was.</summary>
    public async Task RestoreAsync()
    {
        var batch = Database.CreateBatch();
        List<Task> restoring = [batch.ExecuteAsync("FLUSHDB"), .. kept.Select(one => batch.KeyRestoreAsync(one.Key, one.Dump))];
        batch.Execute();
        await Task.WhenAll(restoring);
    }

    /// <summary>How long the server takes to reply.</summary>
    public async Task<TimeSpan> PingAsync() => await Database.PingAsync().WaitAsync(TimeSpan.FromSeconds(10), Token);

    /// <summary>How many commands took the server a second or more.</summary>
    public async Task<long> CountSlowAsync() => (long)await Database.ExecuteAsync("SLOWLOG", "LEN");

    /// <summary>Every member of an engine that reads; each checks what it got.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="isForged">Whether a body may differ, because its checksum was forged.</param>
    public (string Name, Func<Task> Call)[] Readers(IPersistenceEngine engine, bool isForged) =>
    [
        ("stream forward", async () => Check(await ReadAsync(engine, Long, ReadDirection.Forward), Long, isForged)),
        ("stream backward", async () => Check(await ReadAsync(engine, Long, ReadDirection.Backward), Long, isForged)),
        ("large forward", async () => Check(await ReadAsync(engine, "large", ReadDirection.Forward), "large", isForged)),
        ("removed", async () => await ReadAsync(engine, Removed, ReadDirection.Forward)),
        ("all forward", async () => Check(await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Forward), null, isForged)),
        ("all backward", async () => Check(await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Backward), null, isForged)),
        ("bucket", async () =>
            Check(await ReadAllAsync(engine, new EventFilter { Bucket = "other" }, ReadDirection.Forward), null, isForged)),
        ("category", async () => Check(await ReadAllAsync(engine, Filter(new() { Category = "" }), ReadDirection.Forward), null, isForged)),
        ("tag", async () => Check(await ReadAllAsync(engine, Filter(new() { Tags = ["tag"] }), ReadDirection.Backward), null, isForged)),
        ("truncated", async () => Check(await ReadAsync(engine, Cut, ReadDirection.Forward), Cut, isForged)),
        ("find truncated commit", async () => await engine.FindCommitAsync(Cut, firstCommit, Token)),
        ("find commit", async () => await engine.FindCommitAsync(Long, firstCommit, Token)),
        ("find head", async () => await engine.FindHeadAsync(Long, Token)),
        ("heads", async () => await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100), Token)),
        ("heads due", async () => await engine.ListHeadsAsync(new HeadQuery("default", 2, null, 1), Token)),
        ("snapshot", async () =>
        {
            if (await engine.FindSnapshotAsync(Long, Revision.Max, Token) is { } found) Assert.Equal("state", found.StateType);
        }),
        ("document", async () => await engine.FindDocumentAsync("b", Token)),
        ("documents", async () => await engine.ListDocumentsAsync("", "", 2, Token)),
        ("wait", async () => await engine.WaitForCommitsAsync(Checkpoint.Max, TimeSpan.FromMilliseconds(1), Token)),
        ("verify", async () => await engine.VerifyAsync(cancellationToken: Token)),
        ("open", async () =>
        {
            await using var other = Open(0);
            await other.InitializeAsync(Token);
        }),
    ];

    /// <summary>Every member of an engine that writes.</summary>
    public (string Name, Func<Task> Call)[] Writers(IPersistenceEngine engine) =>
    [
        ("commit", async () => await engine.CommitAsync([Attempt(Long, 1), Attempt("new", 2), Attempt(Long, 1)], Token)),
        ("commit where removed", async () => await engine.CommitAsync([Attempt(Removed, 1)], Token)),
        ("commit again", async () => await engine.CommitAsync([Attempt(Long, 1, id: firstCommit)], Token)),
        ("commit to truncated again", async () => await engine.CommitAsync([Attempt(Cut, 1, id: firstCommit)], Token)),
        ("condition", async () => await engine.CommitAsync([Conditional("absent"), Conditional("tag")], Token)),
        ("unit", async () => await engine.CommitAsync([Unit()], Token)),
        ("hold", async () =>
        {
            await engine.HoldAsync("import", Token);
            await engine.ReleaseAsync("import", Token);
        }),
        ("truncate", async () => await engine.TruncateStreamAsync("large", new Revision(3), StreamExpectation.Any, Token)),
        ("truncate again", async () => await engine.TruncateStreamAsync(Cut, Revision.Max, StreamExpectation.Any, Token)),
        ("seal", async () => await engine.SealStreamAsync(Cut, StreamExpectation.Any, Token)),
        ("conflict", async () => await engine.CommitAsync([Attempt(Long, 1, expected: ExpectedRevision.Exactly(1))], Token)),
        ("save snapshot", async () => await engine.SaveSnapshotAsync(
            new SnapshotRecord(Long, new Revision(3), 1, "state", new byte[9]), Token)),
        ("prune", async () => await engine.PruneSnapshotsAsync(Long, 1, Token)),
        ("put document", async () => await engine.PutDocumentAsync("new", new byte[5], 0, Token)),
        ("put document again", async () => await engine.PutDocumentAsync("b", new byte[5], 2, Token)),
        ("delete document", async () => await engine.DeleteDocumentAsync("a", 1, Token)),
        ("delete stream", async () => await engine.DeleteStreamAsync("large", StreamExpectation.Any, Token)),
        ("purge bucket", async () => await engine.PurgeBucketAsync("other", Token)),
        ("sweep", async () =>
        {
            await using var other = Open(2);
            await other.InitializeAsync(Token);
            await other.DeleteStreamAsync(Long, StreamExpectation.Any, Token);
        }),
        ("purge", async () => await engine.PurgeAllAsync(Token)),
    ];

    /// <summary>Requires that the store, as it is put back, is whole and takes commits.</summary>
    public async Task RequireWorkingAsync()
    {
        await RestoreAsync();
        await using var engine = Open(0);
        await engine.InitializeAsync(Token);
        Assert.True((await engine.VerifyAsync(cancellationToken: Token)).IsSound);
        Assert.Equal(events, (await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Forward)).Length);
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([Attempt(Long, 1)], Token))[0].Kind);
    }

    public async ValueTask DisposeAsync()
    {
        await connection.CloseAsync(allowCommandsToComplete: false);
        await connection.DisposeAsync();
        await redis.DisposeAsync();
    }

    /// <summary>An engine that clears away what is removed in steps of a size; 0 for never.</summary>
    public RedisPersistenceEngine Open(int stepEntries) =>
        new(new RedisConnection(RedisConnection.Parse(redis.Address), connection), options, EngineContext.Default, stepEntries);

    private async Task FillAsync(bool isSwept)
    {
        sweepStepEntries = isSwept ? 100 : 0;
        await using (var engine = Open())
        {
            await engine.InitializeAsync(Token);
            var first = Attempt(Long, 1);
            firstCommit = first.CommitId;
            await engine.CommitAsync([first, Attempt(Long, 3), Attempt(new StreamId("other", "c", "1"), 2), Attempt(Removed, 2)], Token);
            await engine.CommitAsync([Attempt("large", 4, 20_000), Attempt(Long, 1), Attempt(new StreamId("gone", "", "2"), 1)], Token);
            await engine.CommitAsync([Attempt(Cut, 2, id: firstCommit), Attempt(Cut, 1), Attempt(Cut, 3)], Token);
            await engine.SaveSnapshotAsync(new SnapshotRecord(Long, new Revision(1), 0, "state", new byte[7]), Token);
            await engine.SaveSnapshotAsync(new SnapshotRecord(Long, new Revision(4), 0, "state", new byte[7]), Token);
            foreach (var name in (string[])["a", "b", "c"]) await engine.PutDocumentAsync(name, Encoding.UTF8.GetBytes(name), 0, Token);
            // What is removed below is among them: a mark that is gone cannot be missed.
            foreach (var recorded in await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Forward))
                originals[recorded.Record.EventId] = recorded;
            await engine.DeleteStreamAsync(Removed, StreamExpectation.Any, Token);
            await engine.PurgeBucketAsync("gone", Token);
            await engine.TruncateStreamAsync(Cut, new Revision(5), StreamExpectation.Any, Token);
            await engine.SealStreamAsync("large", StreamExpectation.Any, Token);
            events = (await ReadAllAsync(engine, EventFilter.Everything, ReadDirection.Forward)).Length;
        }

        await foreach (var key in connection.GetServer(connection.GetEndPoints()[0]).KeysAsync(pattern: "*"))
            kept.Add((key, (await Database.KeyDumpAsync(key))!));
        kept.Sort((one, other) => string.CompareOrdinal((string?)one.Key, (string?)other.Key));
    }

    // What is returned is what was stored; where a checksum was forged, it may be anything that a caller can hold.
    private void Check(RecordedEvent[] events, StreamId? stream, bool isForged)
    {
        if (isForged) return;
        foreach (var recorded in events)
        {
            Assert.True(originals.TryGetValue(recorded.Record.EventId, out var original), "an event that was never stored");
            Assert.True(recorded.Record.Body.Span.SequenceEqual(original.Record.Body.Span), "another body");
            Assert.Equal(original.Commit.Stream, recorded.Commit.Stream);
            if (stream is not null) Assert.Equal((original.Revision, original.Checkpoint), (recorded.Revision, recorded.Checkpoint));
        }
    }

    private static async Task<RecordedEvent[]> ReadAsync(IPersistenceEngine engine, StreamId stream, ReadDirection direction)
    {
        var page = await engine.ReadStreamAsync(new StreamRead(stream, new Revision(1), Revision.Max, direction, Limit), Token);
        return page.Events.ToArray();
    }

    private static async Task<RecordedEvent[]> ReadAllAsync(IPersistenceEngine engine, EventFilter filter, ReadDirection direction)
    {
        var page = await engine.ReadAllAsync(new StoreRead(filter, default, Checkpoint.Max, direction, Limit), Token);
        return page.Events.ToArray();
    }

    private static EventFilter Filter(EventCriterion criterion) => new() { Criteria = new EventCriteria(criterion) };

    private static CommitAttempt Conditional(string tag) => new("conditional", Guid.NewGuid(), Attempt(Long, 1).Events)
    {
        Condition = new AppendCondition(EventCriteria.Tagged(tag), new Checkpoint(0)),
    };

    private static CommitAttempt Unit()
    {
        var first = Attempt(Long, 1);
        return new CommitAttempt(Long, first.CommitId, first.Events) { Rest = [Attempt("new", 2, id: first.CommitId)] };
    }

    private static PageLimit Limit => new(1_000, 1 << 20);

    private static CommitAttempt Attempt(
        StreamId stream, int events, int bytes = 20, Guid? id = null, ExpectedRevision? expected = null) =>
        new(stream, id ?? Guid.NewGuid(),
            [.. Enumerable.Range(0, events)
                .Select(i => new EventRecord(Guid.NewGuid(), "type", Enumerable.Repeat((byte)i, bytes).ToArray(), default, ["tag"]))])
        {
            Expected = expected ?? ExpectedRevision.Any,
            Headers = new byte[3],
        };
}

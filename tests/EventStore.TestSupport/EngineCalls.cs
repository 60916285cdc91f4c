namespace EventStore.TestSupport;

/// <summary>A small store with something of everything in it, and a call of every member of its engine.</summary>
/// <param name="token">Cancels the calls.</param>
public sealed class EngineCalls(CancellationToken token)
{
    private static readonly PageLimit Limit = new(100, 1 << 20);
    private readonly CommitAttempt first = Attempt("stream-0");

    /// <summary>The calls that change nothing.</summary>
    public (string Name, Func<IPersistenceEngine, Task> Call)[] Readers =>
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
        ("category forward", async engine =>
            await ReadAllAsync(engine, Criteria(new EventCriterion { Category = "" }), ReadDirection.Forward)),
        ("tag backward", async engine =>
            await ReadAllAsync(engine, Criteria(new EventCriterion { Tags = ["tag"] }), ReadDirection.Backward)),
        ("heads", async engine => await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100), token)),
        ("heads due", async engine => await engine.ListHeadsAsync(new HeadQuery("default", 2, null, 1), token)),
        ("head", async engine => await engine.FindHeadAsync("stream-0", token)),
        ("snapshot", async engine => await engine.FindSnapshotAsync("stream-0", Revision.Max, token)),
        ("commit by id", async engine => await engine.FindCommitAsync(first.Stream, first.CommitId, token)),
        ("document", async engine => await engine.FindDocumentAsync("a", token)),
        ("documents", async engine => await engine.ListDocumentsAsync("", "", 10, token)),
        ("wait", async engine => await engine.WaitForCommitsAsync(Checkpoint.Max, TimeSpan.FromMilliseconds(1), token)),
        ("verify", async engine => await engine.VerifyAsync(null, token)),
    ];

    /// <summary>The calls that write.</summary>
    public (string Name, Func<IPersistenceEngine, Task> Call)[] Writers =>
    [
        ("commit", async engine => await engine.CommitAsync(
            [Attempt("stream-0"), Attempt("new"), Attempt("stream-0", events: 3)], token)),
        ("commits in a row", async engine =>
        {
            for (var i = 0; i < 3; i++) await engine.CommitAsync([Attempt("stream-1")], token);
        }),
        ("commit again", async engine => await engine.CommitAsync(
            [new CommitAttempt(first.Stream, first.CommitId, first.Events) { Expected = ExpectedRevision.Exactly(0) }], token)),
        ("condition", async engine =>
        {
            var condition = new AppendCondition(EventCriteria.Tagged("tag"));
            await engine.CommitAsync([new CommitAttempt("new", Guid.NewGuid(), first.Events) { Condition = condition }], token);
        }),
        ("unit", async engine => await engine.CommitAsync([Unit("stream-0", "new")], token)),
        ("truncate", async engine => await engine.TruncateStreamAsync("stream-1", new Revision(4), StreamExpectation.Any, token)),
        ("seal", async engine => await engine.SealStreamAsync("stream-1", StreamExpectation.Any, token)),
        ("hold", async engine =>
        {
            await engine.HoldAsync("import", token);
            await engine.SkipCheckpointsAsync(new Checkpoint(1_000), token);
            await engine.ReleaseAsync("import", token);
        }),
        ("conflict", async engine => await engine.CommitAsync([Attempt("stream-0", ExpectedRevision.Exactly(1))], token)),
        ("save snapshot", async engine => await engine.SaveSnapshotAsync(
            new SnapshotRecord("stream-0", new Revision(2), 1, "state", new byte[3]), token)),
        ("prune", async engine => await engine.PruneSnapshotsAsync("stream-0", 1, token)),
        ("put document", async engine => await engine.PutDocumentAsync("new", new byte[3], 0, token)),
        ("delete document", async engine => await engine.DeleteDocumentAsync("a", 1, token)),
        ("delete stream", async engine => await engine.DeleteStreamAsync("stream-1", StreamExpectation.Any, token)),
        ("purge bucket", async engine => await engine.PurgeBucketAsync("other", token)),
        ("purge", async engine => await engine.PurgeAllAsync(token)),
    ];

    /// <summary>Writes commits of one and of several events, a unit, a truncated and sealed stream, snapshots and documents.</summary>
    public async Task FillAsync(IPersistenceEngine engine, int pairs = 9)
    {
        await engine.CommitAsync([first, Attempt("stream-1", events: 3), Attempt(new StreamId("other", "category", "1"))], token);
        for (var i = 0; i < pairs; i++) await engine.CommitAsync([Attempt($"stream-{i % 2}", events: 2, bytes: i * 2_000)], token);
        await engine.CommitAsync([Unit("unit-0", "unit-1")], token);
        await engine.TruncateStreamAsync("unit-0", new Revision(2), StreamExpectation.Any, token);
        await engine.SealStreamAsync("unit-0", StreamExpectation.Any, token);
        await engine.CommitAsync([Attempt("stream-0")], token);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(3), 1, "state", new byte[] { 1, 2, 3 }), token);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(1), 0, "state", new byte[] { 1, 2, 3 }), token);
        foreach (var name in (string[])["a", "b"]) await engine.PutDocumentAsync(name, new byte[] { 1, 2, 3 }, 0, token);
    }

    /// <summary>Requires that an engine finds nothing wrong with a filled store, which may have other events beside.</summary>
    public async Task RequireWholeAsync(IPersistenceEngine made, int pairs = 9, int others = 0)
    {
        await using var engine = made;
        await engine.InitializeAsync(token);
        var report = await engine.VerifyAsync(null, token);
        Assert.True(report.IsSound, string.Join(Environment.NewLine, report.Damages));
        Assert.Equal(8 + (2 * pairs) + others, report.EventsChecked);
    }

    /// <summary>An attempt to commit events.</summary>
    public static CommitAttempt Attempt(StreamId stream, ExpectedRevision? expected = null, int events = 1, int bytes = 10) =>
        new(stream, Guid.NewGuid(),
            [.. Enumerable.Range(0, events).Select(_ => new EventRecord(Guid.NewGuid(), "type", new byte[bytes], new byte[1], ["tag"]))])
        {
            Expected = expected ?? ExpectedRevision.Any,
            Headers = new byte[2],
        };

    private static EventFilter Criteria(EventCriterion criterion) => new() { Criteria = new EventCriteria(criterion) };

    private static CommitAttempt Unit(StreamId first, StreamId second)
    {
        var (one, other) = (Attempt(first), Attempt(second, events: 2));
        return new CommitAttempt(one.Stream, one.CommitId, one.Events)
        {
            Rest = [new CommitAttempt(other.Stream, one.CommitId, other.Events)],
        };
    }

    private async Task<StreamPage> ReadAsync(IPersistenceEngine engine, long from, ReadDirection direction) =>
        await engine.ReadStreamAsync(new StreamRead("stream-0", new Revision(from), Revision.Max, direction, Limit), token);

    private async Task ReadAllAsync(IPersistenceEngine engine, EventFilter filter, ReadDirection direction)
    {
        var (after, upTo) = (default(Checkpoint), Checkpoint.Max);
        for (var pages = 0; pages < 3; pages++)
        {
            var page = await engine.ReadAllAsync(new StoreRead(filter, after, upTo, direction, Limit), token);
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
}

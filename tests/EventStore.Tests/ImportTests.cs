using EventStore.Conformance;

namespace EventStore.Tests;

/// <summary>What an import sends to the engine, and when it reads the memory of its caller.</summary>
public sealed class ImportTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_commits_are_sent_together_and_a_batch_is_bounded()
    {
        await using var engine = new Recording(NewEngine());
        await using var store = await BuildAsync(engine);
        await using var import = await store.Imports.OpenAsync("import", ImportMode.Merge, cancellationToken: Token);
        for (var i = 0; i < 10_000; i++) await import.AddAsync(Commit("small", 10), Token);
        await import.FlushAsync(Token);
        Assert.Equal([4096, 4096, 1808], engine.Batches.Select(batch => batch.Attempts));

        engine.Batches.Clear();
        for (var i = 0; i < 20; i++) await import.AddAsync(Commit("large", 1 << 20), Token);
        await import.AddAsync(Commit("large", 9 << 20), Token);
        var report = await import.CompleteAsync(Token);
        Assert.Equal([7, 7, 6, 1], engine.Batches.Select(batch => batch.Attempts));
        Assert.All(engine.Batches.SkipLast(1), batch => Assert.InRange(batch.Bytes, 1, 8 << 20));
        Assert.Equal(10_021, report.Commits);
    }

    [Fact]
    public async Task What_the_caller_changes_afterwards_changes_nothing()
    {
        await using var engine = NewEngine();
        await using var store = await BuildAsync(engine);
        await using var import = await store.Imports.OpenAsync("import", ImportMode.Merge, cancellationToken: Token);
        byte[] body = [1, 2, 3], headers = [4, 5];
        var records = new[] { new EventRecord(Guid.NewGuid(), "raw", body, headers), new EventRecord(Guid.NewGuid(), "raw", body) };
        await import.AddAsync(new ImportCommit("a", Guid.NewGuid(), DateTimeOffset.UnixEpoch, records), Token);
        (body[0], headers[0], records[1]) = (9, 9, records[0]);
        await import.CompleteAsync(Token);
        var read = new StreamRead("a", new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(10, 1000));
        var stored = (await engine.ReadStreamAsync(read, Token)).Events.ToArray();
        Assert.Equal([1, 2, 3], stored[0].Record.Body.ToArray());
        Assert.Equal([4, 5], stored[0].Record.Headers.ToArray());
        Assert.NotEqual(stored[0].Record.EventId, stored[1].Record.EventId);
    }

    [Fact]
    public async Task Hooks_around_commits_do_not_run()
    {
        await using var engine = NewEngine();
        var hook = new Counting();
        await using var store = await Wireup.Init().UsingPersistence(engine).HookIntoPipelineUsing(hook)
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(Token);
        await using var import = await store.Imports.OpenAsync("import", ImportMode.Merge, cancellationToken: Token);
        await import.AddAsync(new ImportCommit("a", Guid.NewGuid(), DateTimeOffset.UnixEpoch, [new EventMessage("text")]), Token);
        await import.CompleteAsync(Token);
        Assert.Equal(0, hook.Calls);
        await store.AppendAsync("a", "text", cancellationToken: Token);
        Assert.Equal(1, hook.Calls);
    }

    [Fact]
    public async Task An_import_into_a_store_for_reading_only_is_refused()
    {
        await using var engine = NewEngine();
        await using (await BuildAsync(engine))
        {
            // Gives it an identity.
        }

        await using var store = await Wireup.Init().UsingPersistence(engine).OpenReadOnly()
            .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(Token);
        foreach (var mode in Enum.GetValues<ImportMode>())
            await Assert.ThrowsAsync<ReadOnlyStorageException>(
                async () => await store.Imports.OpenAsync("import", mode, cancellationToken: Token));
    }

    private static IPersistenceEngine NewEngine() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private static ValueTask<IEventStore> BuildAsync(IPersistenceEngine engine) => Wireup.Init().UsingPersistence(engine)
        .UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync(Token);

    private static ImportCommit Commit(StreamId stream, int bytes) =>
        new(stream, Guid.NewGuid(), DateTimeOffset.UnixEpoch, [new EventRecord(Guid.NewGuid(), "raw", new byte[bytes])]);

    private sealed class Recording(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public List<(int Attempts, long Bytes)> Batches { get; } = [];

        public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            Batches.Add((attempts.Count, attempts.Sum(attempt => attempt.SizeBytes)));
            return base.CommitAsync(attempts, cancellationToken);
        }
    }

    private sealed class Counting : IPipelineHook
    {
        public int Calls { get; private set; }

        public ValueTask<CommitDecision> BeforeCommitAsync(PendingCommit commit, CancellationToken cancellationToken)
        {
            Calls++;
            return new(CommitDecision.Proceed);
        }
    }
}

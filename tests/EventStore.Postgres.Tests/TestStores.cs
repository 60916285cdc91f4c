namespace EventStore.Postgres.Tests;

/// <summary>Short ways to engines, stores and attempts.</summary>
internal static class TestStores
{
    /// <summary>An engine that is open.</summary>
    public static async Task<IPersistenceEngine> OpenEngineAsync(string address, PostgresOptions options, bool mayCreate = true)
    {
        var engine = new EngineCatalogue().AddPostgres(options)
            .Create($"postgres:{address}", EngineContext.Default with { MayCreateStorage = mayCreate });
        try
        {
            await engine.InitializeAsync();
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>A store whose events are texts.</summary>
    public static ValueTask<IEventStore> BuildAsync(Func<Wireup, Wireup> persistence) =>
        persistence(Wireup.Init()).InitializeStorageEngine().UsingJsonSerialization(types => types.Register<string>("text"))
            .DoNotDispatchCommits().BuildAsync();

    public static CommitAttempt Attempt(StreamId stream, ExpectedRevision expected, string type = "type") =>
        new(stream, SequentialGuid.Next(), [new EventRecord(SequentialGuid.Next(), type, "body"u8.ToArray())]) { Expected = expected };

    public static async Task<CommitOutcome> CommitAsync(this IPersistenceEngine engine, CommitAttempt attempt) =>
        Assert.Single(await engine.CommitAsync([attempt]));

    /// <summary>Everything after a checkpoint.</summary>
    public static async Task<List<RecordedEvent>> ReadAllAsync(this IPersistenceEngine engine, Checkpoint after = default)
    {
        var events = new List<RecordedEvent>();
        while (true)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, new PageLimit(1000, 8 << 20)));
            events.AddRange(page.Events.ToArray());
            if (page.IsEnd) return events;
            after = page.Position;
        }
    }
}

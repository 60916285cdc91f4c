using System.Text;
using MongoDB.Bson;
using MongoDB.Driver;

namespace EventStore.Mongo.Tests;

/// <summary>What tests of this engine share: a database of their own, engines over it, short ways to commit and read.</summary>
public abstract class MongoTest : IAsyncLifetime
{
    private readonly List<IPersistenceEngine> engines = [];

    private IMongoDatabase? database;

    private protected MongoBackend Backend { get; } = new();

    private protected IMongoDatabase Database => database ?? throw new InvalidOperationException("The test has not begun.");

    private protected IMongoCollection<BsonDocument> Entries => Database.GetCollection<BsonDocument>("events.entries");

    public async ValueTask InitializeAsync() => database = await Backend.GetDatabaseAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in engines) await engine.DisposeAsync();
        await Backend.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected async ValueTask<IPersistenceEngine> OpenAsync(bool mayCreate = true)
    {
        var engine = await Backend.OpenAsync(EngineContext.Default with { MayCreateStorage = mayCreate });
        return await InitializeAsync(engine);
    }

    private protected async ValueTask<IPersistenceEngine> InitializeAsync(IPersistenceEngine engine)
    {
        engines.Add(engine);
        await engine.InitializeAsync();
        return engine;
    }

    private protected static CommitAttempt Attempt(StreamId stream, int count = 1, ExpectedRevision? expected = null,
        string body = "body")
    {
        var events = Enumerable.Range(0, count).Select(_ => new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes(body)));
        return new CommitAttempt(stream, Guid.NewGuid(), [.. events]) { Expected = expected ?? ExpectedRevision.Any };
    }

    private protected static BsonDocument HasEvents => new("commits.events", new BsonDocument("$exists", true));

    private protected static async ValueTask<CommitOutcome> CommitAsync(IPersistenceEngine engine, CommitAttempt attempt) =>
        (await engine.CommitAsync([attempt]))[0];

    private protected static async ValueTask DeleteAsync(IPersistenceEngine engine, StreamId stream) =>
        await engine.DeleteStreamAsync(stream, StreamExpectation.Any);

    private protected static async ValueTask<StreamPage> ReadAsync(IPersistenceEngine engine, StreamId stream) =>
        await engine.ReadStreamAsync(
            new StreamRead(stream, new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(10_000, long.MaxValue)));

    private protected static async ValueTask<List<RecordedEvent>> ReadAllAsync(IPersistenceEngine engine,
        ReadDirection direction = ReadDirection.Forward)
    {
        var all = new List<RecordedEvent>();
        var (after, upTo) = (Checkpoint.Origin, Checkpoint.Max);
        while (true)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, upTo, direction, new PageLimit(1000, long.MaxValue)));
            all.AddRange(page.Events.Span);
            if (page.IsEnd) return all;
            if (direction == ReadDirection.Forward) after = page.Position;
            else upTo = new Checkpoint(page.Position.Value - 1);
        }
    }
}

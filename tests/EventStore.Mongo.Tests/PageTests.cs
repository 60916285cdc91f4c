using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Events;

namespace EventStore.Mongo.Tests;

/// <summary>A page asks several things, and a commit may come between them.</summary>
public sealed class PageTests : MongoTest
{
    private readonly ManualResetEventSlim hasFoundBeginning = new();
    private readonly ManualResetEventSlim mayAskForEnd = new();
    private volatile bool isArmed;
    private volatile int beginning;

    [Fact(Timeout = 60_000)]
    public async Task A_page_of_one_event_moves_on_although_the_next_commit_comes_between_its_questions()
    {
        var (engine, other) = (await OpenSlowedAsync(), await OpenAsync());
        await CommitAsync(other, Attempt("a", 7));
        await CommitAsync(other, Attempt("a", 3));

        // Where to begin, at the end, is asked for when there is nothing after 10; the end of the store is when there is.
        isArmed = true;
        var reading = Task.Run(
            async () => await engine.ReadAllAsync(
            new StoreRead(
                EventFilter.Everything, new Checkpoint(9), new Checkpoint(11), ReadDirection.Backward, new PageLimit(1, 1 << 20))));
        await Task.Run(hasFoundBeginning.Wait);
        await CommitAsync(other, Attempt("a", 2));
        mayAskForEnd.Set();

        var page = await reading;
        Assert.Equal((1, 11L, 12L, false), (page.Events.Length, page.Position.Value, page.Head.Value, page.IsEnd));
    }

    private async ValueTask<IPersistenceEngine> OpenSlowedAsync()
    {
        var settings = MongoClientSettings.FromConnectionString(await Backend.GetAddressAsync());
        settings.ClusterConfigurator = cluster =>
            cluster.Subscribe<CommandStartedEvent>(OnStarted).Subscribe<CommandSucceededEvent>(OnSucceeded);
        var database = new MongoClient(settings).GetDatabase(Backend.Database);
        return await InitializeAsync(new MongoPersistenceEngine(MongoPlace.Of(database, new MongoOptions()), EngineContext.Default));
    }

    // The end of the store is the newest entry. Where to begin is the first one that ends at a checkpoint or later.
    private void OnStarted(CommandStartedEvent started)
    {
        if (!isArmed || started.CommandName != "find" || !started.Command.TryGetValue("sort", out var sort)) return;
        if (sort == new BsonDocument { { "last", 1 }, { "_id", 1 } }) beginning = started.RequestId;
        if (sort == new BsonDocument("_id", -1)) mayAskForEnd.Wait(TimeSpan.FromSeconds(30));
    }

    private void OnSucceeded(CommandSucceededEvent succeeded)
    {
        if (isArmed && succeeded.RequestId == beginning) hasFoundBeginning.Set();
    }
}

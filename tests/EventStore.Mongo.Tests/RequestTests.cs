using System.Collections.Concurrent;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Events;

namespace EventStore.Mongo.Tests;

/// <summary>How many requests things take, whatever is stored.</summary>
public sealed class RequestTests : MongoTest
{
    private readonly ConcurrentQueue<string> requests = new();

    [Fact]
    public async Task A_lone_commit_is_one_insert_beside_one_look_at_the_end_and_so_is_a_batch()
    {
        var engine = await OpenCountingAsync();
        await engine.CommitAsync([.. Enumerable.Range(0, 64).Select(i => Attempt($"stream-{i}"))]);
        Assert.Equal(["find", "insert"], (await CountAsync(() => CommitAsync(engine, Attempt("stream-3")))).Order());
        Assert.Equal(["find", "insert"],
            (await CountAsync(() => engine.CommitAsync([.. Enumerable.Range(0, 64).Select(i => Attempt($"stream-{i}"))]))).Order());
    }

    [Theory]
    [InlineData(50)]
    [InlineData(1_500)]
    public async Task A_page_of_a_stream_of_a_thousand_events_is_two_requests_whatever_is_stored(int others)
    {
        var engine = await OpenCountingAsync();
        await engine.CommitAsync([.. Enumerable.Range(0, 1000).Select(_ => Attempt("stream"))]);
        await engine.CommitAsync([.. Enumerable.Range(0, others).Select(i => Attempt($"other-{i % 10}"))]);
        StreamPage? page = null;
        Assert.Equal(["find", "find"], await CountAsync(async () => page = await ReadAsync(engine, "stream")));
        Assert.Equal((1000, true), (page!.Events.Length, page.IsEnd));

        // From inside: where to begin is asked for beside the head.
        var inside = new StreamRead("stream", new Revision(500), Revision.Max, ReadDirection.Forward, new PageLimit(512, 4 << 20));
        Assert.Equal(["find", "find", "find"], await CountAsync(async () => page = await engine.ReadStreamAsync(inside)));
        Assert.Equal((501, true), (page.Events.Length, page.IsEnd));
    }

    [Fact]
    public async Task A_page_of_the_store_is_three_requests_in_two_round_trips()
    {
        var engine = await OpenCountingAsync();
        await engine.CommitAsync([.. Enumerable.Range(0, 1000).Select(i => Attempt($"stream-{i % 7}", 2))]);
        StorePage? page = null;
        Assert.Equal(["find", "find", "find"], await CountAsync(
            async () => page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, new Checkpoint(500), Checkpoint.Max,
                ReadDirection.Forward, new PageLimit(512, 4 << 20)))));
        Assert.Equal((512, 1012L), (page!.Events.Length, page.Position.Value));
    }

    [Fact]
    public async Task A_deletion_empties_in_requests_of_five_hundred_documents()
    {
        var engine = await OpenCountingAsync();
        await engine.CommitAsync([.. Enumerable.Range(0, 1000).Select(_ => Attempt("stream"))]);
        await engine.CommitAsync([.. Enumerable.Range(0, 200).Select(_ => Attempt("stream"))]);

        // The last one finishes the removal itself.
        var deletion = await CountAsync(() => engine.DeleteStreamAsync("stream", StreamExpectation.Any));
        Assert.Equal(4, deletion.Count(request => request == "update"));
        Assert.Equal(0, await Entries.CountDocumentsAsync(HasEvents));
    }

    [Fact]
    public async Task A_truncation_empties_in_requests_of_five_hundred_documents_and_begins_where_the_last_one_ended()
    {
        var engine = await OpenCountingAsync();
        await engine.CommitAsync([.. Enumerable.Range(0, 1000).Select(_ => Attempt("stream"))]);
        await engine.CommitAsync([.. Enumerable.Range(0, 299).Select(_ => Attempt("stream")), Attempt("stream", 3)]);

        // The last one finishes the truncation itself.
        var updates = await CountAsync(() => engine.TruncateStreamAsync("stream", new Revision(1_301), StreamExpectation.Any));
        Assert.Equal(4, updates.Count(request => request == "update"));
        Assert.Equal(1, await Entries.CountDocumentsAsync(HasEvents));
        Assert.Equal(2, (await ReadAsync(engine, "stream")).Events.Length);
        Assert.Equal(["find", "find", "find"], await CountAsync(async () => await ReadAsync(engine, "stream")));

        await CommitAsync(engine, Attempt("stream"));
        updates = await CountAsync(() => engine.TruncateStreamAsync("stream", Revision.Max, StreamExpectation.Any));
        Assert.Equal(2, updates.Count(request => request == "update"));
        Assert.Equal(0, await Entries.CountDocumentsAsync(HasEvents));
        Assert.Equal(0, await Entries.CountDocumentsAsync(new BsonDocument("terms.0", new BsonDocument("$exists", true))));
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    private async ValueTask<IPersistenceEngine> OpenCountingAsync()
    {
        var settings = MongoClientSettings.FromConnectionString(await Backend.GetAddressAsync());
        settings.ClusterConfigurator = cluster => cluster.Subscribe<CommandStartedEvent>(started =>
        {
            if (started.DatabaseNamespace.DatabaseName == Backend.Database) requests.Enqueue(started.CommandName);
        });
        var client = new MongoClient(settings);
        return await InitializeAsync(
            new MongoPersistenceEngine(MongoPlace.Of(client.GetDatabase(Backend.Database), new MongoOptions()), EngineContext.Default));
    }

    private async Task<string[]> CountAsync<T>(Func<ValueTask<T>> act)
    {
        requests.Clear();
        await act();
        return [.. requests];
    }
}

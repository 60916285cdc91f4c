using System.Net;
using EventStore.TestServers;
using MongoDB.Bson;
using MongoDB.Driver;
using MongoDB.Driver.Core.Clusters;
using MongoDB.Driver.Core.Connections;
using MongoDB.Driver.Core.Servers;

namespace EventStore.Mongo.Tests;

/// <summary>
/// Connections that fail in the middle of a commit: the outcome is unknown or learnt, and asking again with the same id settles it.
/// </summary>
public sealed class FaultTests : MongoTest
{
    private static readonly byte[] Marker = "the marked body"u8.ToArray();
    private static readonly byte[] Emptying = "$unset"u8.ToArray();
    private readonly MongoOptions impatient = new() { CommandTimeout = TimeSpan.FromSeconds(2) };

    [Theory(Timeout = 120_000)]
    [InlineData(Fault.CutBeforeForwarding)]
    [InlineData(Fault.CutBeforeReply)]
    [InlineData(Fault.CutInReply)]
    [InlineData(Fault.DelayReply)]
    [InlineData(Fault.HalfOpen)]
    public async Task A_commit_whose_connection_fails_is_settled_by_its_id_and_stored_once(Fault fault)
    {
        await using var proxy = await ProxyAsync();
        var engine = await InitializeAsync(Through(proxy));
        await CommitAsync(engine, Attempt("before"));
        var struck = proxy.Arm(fault, Marker);

        var attempt = Attempt("stream", 3, body: "the marked body");
        CommitOutcome? outcome = null;
        try
        {
            outcome = await CommitAsync(engine, attempt);
        }
        catch (BatchOutcomeUnknownException)
        {
        }

        await struck.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.True(outcome is null or { Kind: CommitOutcomeKind.Committed });
        if (fault == Fault.DelayReply) Assert.NotNull(outcome);
        var again = await CommitAsync(engine, attempt);
        Assert.Equal(fault == Fault.CutBeforeForwarding && outcome is null ? CommitOutcomeKind.Committed : CommitOutcomeKind.Duplicate,
            again.Kind);
        Assert.Equal(3, (await ReadAsync(engine, "stream")).State.Revision.Value);
        Assert.Equal(4, (await ReadAllAsync(engine)).Count);
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Theory(Timeout = 120_000)]
    [InlineData(Fault.CutBeforeForwarding)]
    [InlineData(Fault.CutBeforeReply)]
    [InlineData(Fault.CutInReply)]
    public async Task Through_the_pipeline_no_caller_notices(Fault fault)
    {
        await using var proxy = await ProxyAsync();
        await using var store = await Wireup.Init()
            .UsingMongoPersistence(AddressOf(proxy), new MongoOptions { Database = Backend.Database })
            .InitializeStorageEngine().UsingJsonSerialization(types => types.Register<string>("text")).BuildAsync();
        await store.AppendAsync("stream", "first");
        var struck = proxy.Arm(fault, Marker);
        var committed = await store.AppendAsync("stream", "the marked body");
        await struck.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal((2L, false), (committed.LastRevision.Value, committed.IsDuplicate));
        await store.AppendAsync("stream", "third");
        Assert.Equal(3, (await ReadAllAsync(await OpenAsync())).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task Reads_survive_a_server_that_goes_away_and_returns()
    {
        await using var proxy = await ProxyAsync();
        var engine = await InitializeAsync(Through(proxy));
        for (var round = 1; round <= 3; round++)
        {
            await CommitAsync(engine, Attempt("stream"));
            proxy.CutAll();
            for (var tries = 0; ; tries++)
            {
                try
                {
                    Assert.Equal(round, (await ReadAsync(engine, "stream")).State.Revision.Value);
                    break;
                }
                catch (StorageUnavailableException) when (tries < 20)
                {
                    await Task.Delay(50);
                }
            }
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_that_is_not_there_is_waited_for_and_then_said_to_be_unavailable_without_secrets()
    {
        var place = MongoPlace.Parse("mongodb://user:hidden@127.0.0.1:1/?serverSelectionTimeoutMS=300", new MongoOptions());
        await using var engine = new MongoPersistenceEngine(place, EngineContext.Default);
        var unavailable = await Assert.ThrowsAsync<StorageUnavailableException>(async () => await engine.InitializeAsync());
        Assert.DoesNotContain("hidden", unavailable.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", engine.Description.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_is_no_primary_may_reply_to_the_repetition_of_a_write_that_was_carried_out()
    {
        var connection = new ConnectionId(new ServerId(new ClusterId(), new DnsEndPoint("localhost", 27017)));
        var error = new MongoNotPrimaryException(connection, new BsonDocument("insert", "events.entries"),
            new BsonDocument { { "ok", 0 }, { "code", 10107 } });
        Assert.IsType<BatchOutcomeUnknownException>(MongoErrors.OfWrite(error));
        Assert.IsType<StorageUnavailableException>(MongoErrors.OfRead(error));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_store_opens_although_what_was_removed_cannot_be_emptied_yet()
    {
        await using var proxy = await ProxyAsync();
        var engine = await InitializeAsync(Through(proxy));
        await CommitAsync(engine, Attempt("gone"));
        await CommitAsync(engine, Attempt("stays"));
        var struck = proxy.Arm(Fault.CutBeforeForwarding, Emptying);
        await DeleteAsync(engine, "gone");
        await struck;

        struck = proxy.Arm(Fault.CutBeforeForwarding, Emptying);
        var opened = await InitializeAsync(Through(proxy));
        await struck;
        Assert.Equal(1, await Entries.CountDocumentsAsync(new BsonDocument("commit", "removing")));
        Assert.Equal("stays", Assert.Single(await ReadAllAsync(opened)).Commit.Stream.Id);
        Assert.Null(await opened.FindHeadAsync("gone"));

        await OpenAsync();
        Assert.Equal(0, await Entries.CountDocumentsAsync(new BsonDocument("commit", "removing")));
        Assert.Equal(1, await Entries.CountDocumentsAsync(HasEvents));
    }

    [Fact(Timeout = 300_000)]
    public async Task Of_sixteen_writers_that_press_on_one_revision_of_one_stream_one_wins_each_time()
    {
        var engines = new List<IPersistenceEngine>();
        for (var i = 0; i < 4; i++) engines.Add(await OpenAsync());
        var wins = 0;
        await Task.WhenAll(Enumerable.Range(0, 16).Select(writer => Task.Run(async () =>
        {
            long revision = 0;
            while (revision < 150)
            {
                var outcome = await CommitAsync(engines[writer % 4], Attempt("stream", (writer % 3) + 1, new Revision(revision)));
                if (outcome.Kind == CommitOutcomeKind.Committed) Interlocked.Increment(ref wins);
                revision = outcome.Kind == CommitOutcomeKind.Committed ? outcome.Commit!.LastRevision.Value : outcome.Actual.Revision.Value;
            }
        })));
        var head = (await engines[0].FindHeadAsync("stream"))!;
        Assert.Equal(wins, head.CommitSequence.Value);
        var report = await engines[0].VerifyAsync();
        Assert.True(report.IsSound, string.Join("; ", report.Damages));
        Assert.Equal((wins, head.Revision.Value), (report.CommitsChecked, report.EventsChecked));
    }

    private async Task<FaultyProxy> ProxyAsync()
    {
        var server = MongoUrl.Create(await Backend.GetAddressAsync()).Server;
        Assert.SkipUnless(server.Host is "127.0.0.1" or "localhost", "The proxy stands before servers of this machine only.");
        return FaultyProxy.Before(server.Port);
    }

    private static string AddressOf(FaultyProxy proxy) =>
        $"mongodb://127.0.0.1:{proxy.Port}/?directConnection=true&serverSelectionTimeoutMS=5000";

    private MongoPersistenceEngine Through(FaultyProxy proxy)
    {
        impatient.Database = Backend.Database;
        return new(MongoPlace.Parse(AddressOf(proxy), impatient), EngineContext.Default);
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Text;
using EventStore.TestServers;
using EventStore.TestSupport;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>What the network and the server do to a command: what is known to be done, what is not, and what settles it.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private const string Marker = "the one that is struck";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private PrivateRedis? running;
    private FaultyProxy? between;
    private readonly TestStore store = new(new RedisOptions { CommandTimeout = Patience, OutageTimeout = TimeSpan.FromSeconds(30) });

    private PrivateRedis Server => running ?? throw new InvalidOperationException("The server is not running.");

    private FaultyProxy Proxy => between ?? throw new InvalidOperationException("The proxy is not running.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        running = await PrivateRedis.StartAsync();
        between = FaultyProxy.Before(running.Port);
    }

    public async ValueTask DisposeAsync()
    {
        if (between is not null) await between.DisposeAsync();
        if (running is not null) await running.DisposeAsync();
    }

    [Theory(Timeout = 120_000)]
    [InlineData(Fault.CutBeforeForwarding)]
    [InlineData(Fault.CutBeforeReply)]
    [InlineData(Fault.CutInReply)]
    [InlineData(Fault.HalfOpen)]
    public async Task A_commit_whose_answer_does_not_come_is_unknown_and_its_id_settles_it(Fault fault)
    {
        await using var engine = await store.OpenReadyAsync(ThroughProxy());
        await engine.CommitAsync([Attempt("before")], Token);
        var attempt = Attempt(Marker);
        var struck = Proxy.Arm(fault, Encoding.UTF8.GetBytes(Marker));
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await engine.CommitAsync([attempt], Token));
        await struck.WaitAsync(Token);
        if (fault == Fault.HalfOpen) Proxy.CutAll();

        var settled = await SettleAsync(engine, attempt);
        Assert.Equal(fault == Fault.CutBeforeForwarding ? CommitOutcomeKind.Committed : CommitOutcomeKind.Duplicate, settled.Kind);
        Assert.Equal(2, settled.Commit!.FirstRevision.Value);
        Assert.Equal(CommitOutcomeKind.Duplicate, (await engine.CommitAsync([attempt], Token))[0].Kind);
        Assert.Equal(2, (await engine.FindHeadAsync("stream", Token))!.Revision.Value);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_late_answer_within_the_time_is_an_answer_and_the_pipeline_settles_a_cut_by_itself()
    {
        await using var engine = await store.OpenReadyAsync(ThroughProxy());
        var late = Proxy.Arm(Fault.DelayReply, Encoding.UTF8.GetBytes(Marker));
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([Attempt(Marker)], Token))[0].Kind);
        await late;

        await using var wired = await Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"))
            .BuildAsync(Token);
        var cut = Proxy.Arm(Fault.CutBeforeReply, Encoding.UTF8.GetBytes(Marker));
        var result = await wired.AppendAsync("stream", ExpectedRevision.Exactly(1), [new EventMessage(Marker)], cancellationToken: Token);
        await cut;
        Assert.Equal(2, result.LastRevision.Value);
        Assert.Equal(2, (await engine.FindHeadAsync("stream", Token))!.Revision.Value);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_read_that_is_cut_is_asked_again_and_a_document_whose_answer_is_cut_is_unknown()
    {
        await using var engine = await store.OpenReadyAsync(ThroughProxy());
        await engine.CommitAsync([Attempt("one", Marker)], Token);
        var struck = Proxy.Arm(Fault.CutBeforeReply, Encoding.UTF8.GetBytes(Marker));
        var page = await engine.ReadStreamAsync(
            new StreamRead(Marker, new Revision(1), new Revision(10), ReadDirection.Forward, new PageLimit(10, 1 << 20)), Token);
        await struck;
        Assert.Equal(1, page.Events.Length);

        // The script is sent with its text once, so that what is cut below is the answer to running it.
        await engine.PutDocumentAsync("other", default, 0, Token);
        struck = Proxy.Arm(Fault.CutBeforeReply, Encoding.UTF8.GetBytes(Marker));
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () =>
            await engine.PutDocumentAsync("document", Encoding.UTF8.GetBytes(Marker), 0, Token));
        await struck;
        Assert.Equal(2, (await engine.FindDocumentAsync("document", Token))!.Version);
    }

    [Fact(Timeout = 120_000)]
    public async Task Scripts_that_the_server_forgot_are_sent_again()
    {
        await using var engine = await store.OpenReadyAsync(Server.Address);
        await using var other = await ConnectionMultiplexer.ConnectAsync(Server.Address + ",allowAdmin=true");
        for (var round = 1; round <= 3; round++)
        {
            await other.GetServer(IPAddress.Loopback, Server.Port).ScriptFlushAsync();
            Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([Attempt("body")], Token))[0].Kind);
            await other.GetServer(IPAddress.Loopback, Server.Port).ScriptFlushAsync();
            Assert.Equal(round, (await engine.FindHeadAsync("stream", Token))!.Revision.Value);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_that_comes_up_late_is_waited_for_and_one_that_goes_and_comes_back_is_survived()
    {
        await Server.KillAsync();
        await using var engine = store.Open(Server.Address);
        var opening = engine.InitializeAsync(Token).AsTask();
        await Task.Delay(500, Token);
        Assert.False(opening.IsCompleted);
        await Server.StartAgainAsync();
        await opening;
        await engine.CommitAsync([Attempt("first")], Token);

        await Server.KillAsync();
        var reading = engine.FindHeadAsync("stream", Token).AsTask();
        await Task.Delay(500, Token);
        await Server.StartAgainAsync();
        Assert.Equal(1, (await reading)!.Revision.Value);
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([Attempt("second")], Token))[0].Kind);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_commit_that_found_no_connection_for_longer_than_an_answer_is_waited_for_was_not_sent_and_is_repeated()
    {
        var patient = new TestStore(new RedisOptions { CommandTimeout = 2 * Patience, OutageTimeout = TimeSpan.FromSeconds(60) });
        await using var engine = await patient.OpenReadyAsync(Server.Address);
        await engine.CommitAsync([Attempt("first")], Token);
        await Server.KillAsync();
        await Task.Delay(500, Token);
        var committing = engine.CommitAsync([Attempt("second")], Token).AsTask();
        await Task.Delay(3 * Patience, Token); // by the clock of the driver, which gives up by itself and cannot be steered
        Assert.False(committing.IsCompleted);
        await Server.StartAgainAsync();
        Assert.Equal(CommitOutcomeKind.Committed, (await committing)[0].Kind);
        Assert.Equal(2, (await engine.FindHeadAsync("stream", Token))!.Revision.Value);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_connection_that_is_cut_while_the_server_is_asked_for_its_settings_does_not_keep_a_store_from_opening()
    {
        var struck = Proxy.Arm(Fault.CutBeforeReply, "ppend*"u8.ToArray());
        await using var engine = await store.OpenReadyAsync(ThroughProxy());
        await struck;
        Assert.Equal(Durability.Durable, engine.Description.Durability.Level);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_caller_that_waits_where_commits_are_not_announced_looks_again_and_again()
    {
        await using var mute = await PrivateRedis.StartAsync("--rename-command", "SUBSCRIBE", "");
        await using var writer = await store.OpenReadyAsync(mute.Address);
        await using var reader = await store.OpenReadyAsync(mute.Address);
        var waiting = reader.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMinutes(5), Token).AsTask();
        await writer.CommitAsync([Attempt("body")], Token);
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal(1, (await reader.FindHeadAsync("stream", Token))!.Revision.Value);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_that_refuses_subscriptions_is_asked_once_and_logged_once()
    {
        await using var mute = await PrivateRedis.StartAsync("--rename-command", "SUBSCRIBE", "");
        var log = new LogLines();
        await using var engine = store.Open(mute.Address, new EngineContext(TimeProvider.System, log));
        await engine.InitializeAsync(Token);
        for (var i = 0; i < 3; i++) await engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMilliseconds(1), Token);
        Assert.Single(log.Written, message => message.Contains("not announced", StringComparison.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_connection_that_was_replaced_wakes_a_waiting_caller_and_announces_commits_again()
    {
        await using var engine = await store.OpenReadyAsync(ThroughProxy());
        await engine.CommitAsync([Attempt("first")], Token);
        await engine.WaitForCommitsAsync(new Checkpoint(0), TimeSpan.FromMinutes(5), Token); // subscribes
        var waiting = engine.WaitForCommitsAsync(new Checkpoint(1), TimeSpan.FromMinutes(5), Token).AsTask();
        Proxy.CutAll();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token);

        // A wait ends early while commits are not announced, and not any more once they are.
        var time = TimeProvider.System;
        for (var started = time.GetTimestamp(); time.GetElapsedTime(started) < TimeSpan.FromSeconds(1.5);)
        {
            started = time.GetTimestamp();
            await engine.WaitForCommitsAsync(new Checkpoint(1), TimeSpan.FromSeconds(2), Token);
        }

        await using var writer = await store.OpenReadyAsync(Server.Address);
        waiting = engine.WaitForCommitsAsync(new Checkpoint(1), TimeSpan.FromMinutes(5), Token).AsTask();
        await writer.CommitAsync([Attempt("second")], Token);
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_call_that_waits_to_be_repeated_is_repeated_as_soon_as_the_driver_reports_the_server()
    {
        var options = new TestStore(new RedisOptions { CommandTimeout = Patience, OutageTimeout = TimeSpan.FromMinutes(1) }).Options;
        await using var connection = new RedisConnection(RedisConnection.Parse(Server.Address), null);
        await connection.OpenAsync(options, Token);
        var log = new LogLines();
        var server = new RedisServer(connection, new RedisSettings(options, "redis", new Standstill(), log.CreateLogger("")));
        await Server.KillAsync();
        var reading = server.ReadSettingsAsync("key", "appendonly", Token).AsTask();
        while (!log.Written.Any(message => message.Contains("trying again", StringComparison.Ordinal))) await Task.Delay(20, Token);
        Assert.False(reading.IsCompleted);
        await Server.StartAgainAsync();
        Assert.Equal("yes", Assert.Single(await reading.WaitAsync(TimeSpan.FromSeconds(30), Token)).Value);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_that_stays_away_is_said_to_be_unavailable_without_a_secret()
    {
        await Server.KillAsync();
        await using var engine = new TestStore(new RedisOptions
        {
            StartupTimeout = TimeSpan.FromSeconds(1),
            CommandTimeout = TimeSpan.FromSeconds(1)
        }).Open(Server.Address + ",password=hidden");
        var away = await Assert.ThrowsAsync<StorageUnavailableException>(async () => await engine.InitializeAsync(Token));
        Assert.DoesNotContain("hidden", away.ToString() + engine.Description, StringComparison.Ordinal);
    }

    // The connection that is about to be replaced may take a further attempt with it.
    private static async Task<CommitOutcome> SettleAsync(IPersistenceEngine engine, CommitAttempt attempt)
    {
        while (true)
        {
            try
            {
                return (await engine.CommitAsync([attempt], Token))[0];
            }
            catch (BatchOutcomeUnknownException)
            {
                await Task.Delay(50, Token);
            }
        }
    }

    // A clock that stands, by which no time of waiting ever ends.
    private sealed class Standstill : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    private string ThroughProxy() => $"127.0.0.1:{Proxy.Port}";

    private static CommitAttempt Attempt(string body, string stream = "stream") =>
        new(stream, Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", Encoding.UTF8.GetBytes(body))]);
}

using System.Collections.Concurrent;
using System.Diagnostics;
using EventStore.Conformance;
using EventStore.Consumers;
using EventStore.Leases;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Tests;

/// <summary>Who may hold a lease, how it is known that a holder is gone, and in which context the work of a store runs.</summary>
public sealed class TermTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_commit_to_another_store_from_inside_a_synchronous_dispatch_is_dispatched_before_it_returns()
    {
        var (seen, wasDispatched) = (0, new TaskCompletionSource<bool>());
        await using var inner = await Text().UsingSynchronousDispatchScheduler().DispatchTo(async (Commit _, CancellationToken token) =>
        {
            await Task.Delay(50, token);
            Interlocked.Increment(ref seen);
        }).BuildAsync(Token);
        await using var outer = await Text().UsingSynchronousDispatchScheduler().DispatchTo(async (Commit _, CancellationToken _) =>
        {
            await inner.AppendAsync("inner", "x", cancellationToken: CancellationToken.None);
            wasDispatched.TrySetResult(Volatile.Read(ref seen) == 1);
        }).BuildAsync(Token);
        await outer.AppendAsync("outer", "x");
        Assert.True(await wasDispatched.Task);
    }

    [Fact(Timeout = 60_000)]
    public async Task Dispatchers_and_handlers_do_not_see_the_context_of_the_code_that_started_them()
    {
        var seen = new ConcurrentQueue<(string? Ambient, Activity? Activity)>();
        var both = new CountdownEvent(2);
        Ambient.Value = "of the builder";
        using var activity = new Activity("of the builder").Start();
        await using var store = await Text().UsingAsynchronousDispatchScheduler().DispatchTo((Commit _, CancellationToken _) =>
        {
            seen.Enqueue((Ambient.Value, Activity.Current));
            both.Signal();
            return default;
        }).BuildAsync(Token);
        await using var consumer = await store.Consumers.StartAsync("name", ConsumerSource.Everything, (_, _) =>
        {
            seen.Enqueue((Ambient.Value, Activity.Current));
            both.Signal();
            return default;
        }, cancellationToken: Token);
        await store.AppendAsync("stream", "x");
        while (!both.IsSet) await Task.Yield();
        Assert.All(seen, context => Assert.Equal((null, null), context));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_process_is_known_to_be_gone_only_where_its_machine_and_namespace_are_this_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Processes leave marks on Linux only.");
        using var other = Process.Start("sleep", "600")!;
        var own = ProcessMark.Text!.Split('/');
        var started = (await File.ReadAllTextAsync($"/proc/{other.Id}/stat", Token)).Split(')')[^1].Trim().Split(' ')[19];
        string[] mark = [own[0], own[1], $"{other.Id}", started];
        Assert.False(ProcessMark.IsGone(own));
        Assert.False(ProcessMark.IsGone(mark));
        Assert.True(ProcessMark.IsGone([.. mark[..3], "1"]), "the process id belongs to a later process");
        other.Kill();
        await other.WaitForExitAsync(Token);
        Assert.True(ProcessMark.IsGone(mark));
        Assert.False(ProcessMark.IsGone(["another boot", .. mark[1..]]));
        Assert.False(ProcessMark.IsGone([mark[0], "another namespace", .. mark[2..]]));
        Assert.False(ProcessMark.IsGone([]));
    }

    [Fact]
    public void An_owner_is_dead_when_its_process_is_gone_or_can_no_longer_write()
    {
        var owner = new LeaseOwner();
        Assert.False(LeaseOwner.IsDead(owner.Text, isOnlyWriter: true));
        owner.Dispose();
        Assert.True(LeaseOwner.IsDead(owner.Text, isOnlyWriter: false));
        const string Unknown = "id/runtime/boot/namespace/1/1";
        Assert.False(LeaseOwner.IsDead(Unknown, isOnlyWriter: false));
        Assert.True(LeaseOwner.IsDead(Unknown, isOnlyWriter: true));
        Assert.False(LeaseOwner.IsDead("of an older version", isOnlyWriter: false));
    }

    [Fact(Timeout = 60_000)]
    public async Task While_a_lease_cannot_be_renewed_for_a_term_its_holder_is_in_doubt_and_delivers_nothing()
    {
        var time = new AdjustableTimeProvider();
        var disk = new Refuses(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default));
        await disk.InitializeAsync(Token);
        var options = new ConsumerOptions { PollInterval = TimeSpan.FromSeconds(1) };
        var storage = new ConsumerDocuments(disk, Guid.Empty, time).StorageOf("name", options);
        using var lease = storage.Lease;
        Assert.True(await lease.TryAcquireFromDeadAsync(Token));
        using var ending = new CancellationTokenSource();
        var gate = new PauseGate();
        var holding = lease.HoldAsync(gate.SetDoubt, ending.Token);
        disk.Break();
        ValueTask entering;
        while ((entering = gate.EnterAsync(ending.Token)).IsCompleted)
        {
            gate.Leave();
            time.Advance(lease.Term / 10);
            await lease.TryRenewNowAsync();
        }

        Assert.False(holding.IsCompleted);
        disk.Break(really: false);
        await lease.TryRenewNowAsync();
        await entering;
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => holding);
    }

    [Fact]
    public void Durations_that_are_too_short_are_refused_when_they_are_given()
    {
        var tick = TimeSpan.FromTicks(1);
        ConsumerOptions[] consumers =
        [
            new() { LeaseTerm = TimeSpan.FromMilliseconds(1) }, new() { PollInterval = tick }, new() { CheckpointInterval = tick },
            new() { FirstRetryDelay = tick }, new() { StopTimeout = TimeSpan.Zero },
        ];
        Assert.All(consumers, options => Assert.Throws<InvalidOptionException>(options.Validated));
        DispatchOptions[] dispatchers =
        [
            new() { LeaseTerm = TimeSpan.FromMilliseconds(1) }, new() { PollInterval = tick }, new() { FirstRetryDelay = tick },
            new() { StopTimeout = TimeSpan.FromDays(50) },
        ];
        Assert.All(dispatchers, options => Assert.Throws<InvalidOptionException>(options.Validated));
        Assert.Throws<InvalidOptionException>(() => Text().Startup((DispatchStartup)9));
        Assert.Throws<InvalidOptionException>(() => Text().Compress((CompressionAlgorithm)9));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_dispatcher_that_ignores_its_token_is_waited_for_within_limits_and_reported()
    {
        var (reached, held) = (new TaskCompletionSource(), new TaskCompletionSource());
        var store = await Text().UsingAsynchronousDispatchScheduler(options => options.StopTimeout = TimeSpan.FromMilliseconds(100))
            .DispatchTo(async (Commit _, CancellationToken _) =>
            {
                reached.TrySetResult();
                await held.Task;
            }).BuildAsync(Token);
        await store.AppendAsync("stream", "x");
        await reached.Task;
        await Assert.ThrowsAsync<NotStoppedException>(async () => await store.DisposeAsync());
        held.SetResult();
    }

    [Fact(Timeout = 60_000)]
    public async Task What_keeps_dispatch_from_working_is_in_its_status_and_gone_when_it_works_again()
    {
        var hook = new Breaks();
        await using var store = await Text().HookIntoPipelineUsing(hook)
            .UsingAsynchronousDispatchScheduler(options => options.PollInterval = TimeSpan.FromMilliseconds(5))
            .DispatchTo((Commit _, CancellationToken _) => default).BuildAsync(Token);
        hook.Break();
        await store.AppendAsync("stream", "x");
        while ((await store.Dispatch.GetStatusAsync(Token)).Failure is not InvalidOperationException { Message: "hook" })
            await Task.Yield();
        hook.Break(really: false);
        await store.Dispatch.WaitUntilDispatchedAsync(Token);
        Assert.Null((await store.Dispatch.GetStatusAsync(Token)).Failure);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_dispatch_loop_that_dies_is_shown_holds_no_commit_back_and_leaves_its_lease_free()
    {
        var engine = new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);
        await engine.InitializeAsync(Token);
        var (hook, dispatched) = (new Breaks(), new ConcurrentQueue<long>());
        var store = await BuildAsync(new BrokenLog());
        hook.Break();
        for (var i = 0; i < 3; i++) await store.AppendAsync("stream", "x");
        var status = await store.Dispatch.GetStatusAsync(Token);
        Assert.Equal((3L, false), (status.Backlog, status.IsDispatchingHere));
        Assert.IsType<InvalidOperationException>(status.Failure);
        hook.Break(really: false);
        await store.AppendAsync("stream", "x");
        Assert.Empty(dispatched);

        // What ended the loop is not lost: it is thrown when the store is closed, which closes everything else.
        Assert.Equal("log", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await store.DisposeAsync())).Message);
        await using var again = await BuildAsync(NullLoggerFactory.Instance);
        await again.Dispatch.WaitUntilDispatchedAsync(Token);
        Assert.Equal([1, 2, 3, 4], dispatched);

        ValueTask<IEventStore> BuildAsync(ILoggerFactory loggers) => Wireup.Init().UsingPersistence(engine).UsingLoggerFactory(loggers)
            .UsingJsonSerialization(types => types.Register<string>("text")).HookIntoPipelineUsing(hook)
            .UsingSynchronousDispatchScheduler(options => options.LeaseTerm = TimeSpan.FromHours(1))
            .DispatchTo((Commit commit, CancellationToken _) =>
            {
                dispatched.Enqueue(commit.LastCheckpoint.Value);
                return default;
            }).BuildAsync(Token);
    }

    /// <summary>Throws whenever an error is logged.</summary>
    private sealed class BrokenLog : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
            // It writes nowhere.
        }

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not null) throw new InvalidOperationException("log");
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Dispose()
        {
        }
    }

    private static Wireup Text() => Wireup.Init().UsingInMemoryPersistence()
        .UsingJsonSerialization(types => types.Register<string>("text"));

    private sealed class Breaks : IPipelineHook
    {
        private volatile bool isBroken;

        public void Break(bool really = true) => isBroken = really;

        public CommittedEvent? Select(CommittedEvent committed) =>
            isBroken ? throw new InvalidOperationException("hook") : committed;
    }

    private sealed class Refuses(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private volatile bool isBroken;

        public void Break(bool really = true) => isBroken = really;

        public override ValueTask<long?> PutDocumentAsync(
            string name, ReadOnlyMemory<byte> content, long expectedVersion, CancellationToken cancellationToken = default) =>
            isBroken
                ? throw new StorageUnavailableException("the server is away.")
                : base.PutDocumentAsync(name, content, expectedVersion, cancellationToken);
    }
}

using System.Collections.Concurrent;
using EventStore.Conformance;
using EventStore.Engines;

namespace EventStore.Tests;

/// <summary>Which threads commits, and what follows them, run on over engines that commit on the calling thread.</summary>
public sealed class CommitThreadTests
{
    [Fact(Timeout = 60_000)]
    public async Task A_commit_that_blocks_in_the_engine_blocks_no_caller_and_those_that_wait_become_one_batch()
    {
        const int Commits = 600;
        var engine = new Blocking(OpenInMemory());
        await using var store = await Wire(engine).BuildAsync();
        engine.Gate.Reset();
        var first = store.AppendAsync("stream", "0").AsTask();
        await engine.Entered.Task;
        var others = Enumerable.Range(1, Commits - 1).Select(i => store.AppendAsync("stream", $"{i}").AsTask()).ToArray();
        Assert.False(first.IsCompleted);
        engine.Gate.Set();
        var results = await Task.WhenAll([first, .. others]);
        Assert.Equal(Enumerable.Range(1, Commits).Select(i => (long)i), results.Select(result => result.LastCheckpoint.Value));
        Assert.Equal([1, Commits - 1], engine.Batches);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_lone_caller_continues_on_the_thread_that_commits_and_no_other_caller_waits_for_its_code()
    {
        var engine = new Blocking(OpenInMemory());
        await using var store = await Wire(engine).BuildAsync();
        using var blocked = new ManualResetEventSlim();
        var name = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        engine.Gate.Reset();
        var lone = LoneAsync();
        engine.Gate.Set();
        Assert.Equal(CommitThreadName, await name.Task);
        for (var i = 0; i < 20; i++) await store.AppendAsync("stream", $"{i}");
        Assert.False(lone.IsCompleted);
        blocked.Set();
        await lone;
        Assert.All(engine.Threads, thread => Assert.Equal(CommitThreadName, thread));

        async Task LoneAsync()
        {
            await store.AppendAsync("other", "1");
            name.SetResult(Thread.CurrentThread.Name);
            blocked.Wait(TestContext.Current.CancellationToken);
        }
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Code_that_blocks_on_its_own_commits_where_it_continues_is_served(bool isDisposedThere)
    {
        var engine = new Blocking(OpenInMemory());
        var store = await Wire(engine).BuildAsync();
        engine.Gate.Reset();
        var blocking = BlockingAsync();
        engine.Gate.Set();
        Assert.Equal(101, await blocking);
        if (!isDisposedThere) await store.DisposeAsync();

        async Task<long> BlockingAsync()
        {
            await store.AppendAsync("stream", "0");
            Assert.Equal(CommitThreadName, Thread.CurrentThread.Name);
            var last = 0L;
            for (var i = 0; i < 100; i++) last = Block(store.AppendAsync("stream", $"{i}").AsTask()).LastCheckpoint.Value;
            if (isDisposedThere) Block(DisposeAsync());
            return last;
        }

        async Task<bool> DisposeAsync()
        {
            await store.DisposeAsync();
            return true;
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Commits_that_a_lone_caller_does_not_await_are_stored_in_order_while_its_code_runs_on()
    {
        var engine = new Blocking(OpenInMemory());
        await using var store = await Wire(engine).BuildAsync();
        engine.Gate.Reset();
        var continued = LoneAsync();
        engine.Gate.Set();
        Assert.Equal(Enumerable.Range(2, 50).Select(i => (long)i), await continued);

        async Task<IEnumerable<long>> LoneAsync()
        {
            await store.AppendAsync("stream", "0");
            var others = Enumerable.Range(1, 50).Select(i => store.AppendAsync("stream", $"{i}").AsTask()).ToArray();
            Block(others[^1]);
            return [.. others.Select(other => Block(other).LastCheckpoint.Value)];
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Who_cancels_another_commit_on_its_lent_thread_does_not_run_the_code_of_that_caller()
    {
        var engine = new Blocking(OpenInMemory());
        await using var store = await Wire(engine).BuildAsync();
        using var cancelling = new CancellationTokenSource();
        engine.Gate.Reset();
        var lone = LoneAsync();
        engine.Gate.Set();
        Assert.NotEqual(await lone, await other.Task);

        async Task<int> LoneAsync()
        {
            await store.AppendAsync("stream", "0");
            var cancelled = CancelledAsync();
            var here = Environment.CurrentManagedThreadId;
            Cancel(cancelling);
            await cancelled;
            return here;
        }

        async Task CancelledAsync()
        {
            try
            {
                await store.AppendAsync("stream", ExpectedRevision.Any, [new EventMessage("1")], cancellationToken: cancelling.Token);
            }
            catch (OperationCanceledException)
            {
                other.SetResult(Environment.CurrentManagedThreadId);
            }
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Hooks_and_dispatch_keep_no_other_commit_waiting()
    {
        var engine = new Blocking(OpenInMemory());
        using var blocked = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var hook = new Blocks("slow", entered, blocked);
        await using var store = await Wire(engine).HookIntoPipelineUsing(hook).BuildAsync();
        var slow = store.AppendAsync("slow", "1").AsTask();
        await entered.Task;
        for (var i = 0; i < 20; i++) await store.AppendAsync("stream", $"{i}");
        Assert.False(slow.IsCompleted);
        blocked.Set();
        Assert.Equal(1, (await slow).LastCheckpoint.Value);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_thread_ends_with_the_store_and_sends_what_was_queued_before()
    {
        var engine = new Blocking(OpenInMemory());
        var store = await Wire(engine).BuildAsync();
        engine.Gate.Reset();
        var appends = Enumerable.Range(0, 20).Select(i => store.AppendAsync("stream", $"{i}").AsTask()).ToArray();
        var closing = store.DisposeAsync().AsTask();
        engine.Gate.Set();
        await closing;
        Assert.Equal(20, (await Task.WhenAll(appends)).Length);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.AppendAsync("stream", "x"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_caller_that_cancels_while_it_is_queued_leaves_at_once_and_nothing_of_it_is_stored()
    {
        var engine = new Blocking(OpenInMemory());
        await using var store = await Wire(engine).BuildAsync();
        engine.Gate.Reset();
        var first = store.AppendAsync("stream", "0").AsTask();
        await engine.Entered.Task;
        using var cancelling = new CancellationTokenSource();
        var cancelled = store.AppendAsync(
            "stream", ExpectedRevision.Any, [new EventMessage("x")], cancellationToken: cancelling.Token).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        engine.Gate.Set();
        await first;
        Assert.Equal(2, (await store.AppendAsync("stream", "1")).LastCheckpoint.Value);
    }

    private readonly TaskCompletionSource<int> other = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private const string CommitThreadName = "EventStore commits";

    private static IPersistenceEngine OpenInMemory() =>
        new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private static Wireup Wire(IPersistenceEngine engine) =>
        Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"));

    private sealed class Blocking(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public ManualResetEventSlim Gate { get; } = new(initialState: true);

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ConcurrentQueue<int> Batches { get; } = [];

        public ConcurrentQueue<string?> Threads { get; } = [];

        public override EngineDescription Description => base.Description with { CommitThreading = CommitThreading.Blocking };

        public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            Batches.Enqueue(attempts.Count);
            Threads.Enqueue(Thread.CurrentThread.Name);
            Entered.TrySetResult();
            Gate.Wait(cancellationToken);
            return base.CommitAsync(attempts, cancellationToken);
        }
    }

    // Runs what is registered on the calling thread, as CancelAsync does not.
    private static void Cancel(CancellationTokenSource cancelling) => cancelling.Cancel();

    // What an application without await does. The analyzers forbid it to this code base.
    private static T Block<T>(Task<T> task)
    {
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        return task.GetAwaiter().GetResult();
    }

    private sealed class Blocks(StreamId stream, TaskCompletionSource entered, ManualResetEventSlim blocked) : IPipelineHook
    {
        public ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken)
        {
            if (commit.Stream != stream) return default;
            entered.SetResult();
            blocked.Wait(cancellationToken);
            return default;
        }
    }
}

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
    public async Task Code_of_the_application_never_runs_on_the_thread_that_commits()
    {
        var engine = new Blocking(OpenInMemory());
        var threads = new ConcurrentQueue<string?>();
        var hook = new NotesThread(threads);
        await using var store = await Wire(engine).HookIntoPipelineUsing(hook).UsingSynchronousDispatchScheduler()
            .DispatchTo((Commit _, CancellationToken _) => new ValueTask(Note())).BuildAsync();
        await using var bare = await Wire(engine).BuildAsync();
        await store.AppendAsync("stream", "1");
        await Note();
        await bare.AppendAsync("stream", "2");
        await Note();
        var stream = bare.CreateStream("other");
        stream.Add("1");
        await stream.CommitChangesAsync();
        await Note();
        await Assert.ThrowsAsync<ConcurrencyException>(
            async () => await bare.AppendAsync("stream", ExpectedRevision.NoStream, [new EventMessage("x")]));
        await Note();
        var id = Guid.NewGuid();
        await bare.AppendAsync("stream", ExpectedRevision.Any, [new EventMessage("x")], id);
        await bare.AppendAsync("stream", ExpectedRevision.Any, [new EventMessage("x")], id);
        await Note();
        Assert.True(threads.Count >= 7);
        Assert.DoesNotContain(CommitThreadName, threads);
        Assert.All(engine.Threads, name => Assert.Equal(CommitThreadName, name));

        Task Note()
        {
            threads.Enqueue(Thread.CurrentThread.Name);
            return Task.CompletedTask;
        }
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

    private sealed class NotesThread(ConcurrentQueue<string?> threads) : IPipelineHook
    {
        public ValueTask AfterCommitAsync(PendingCommit commit, CommitResult result, CancellationToken cancellationToken)
        {
            threads.Enqueue(Thread.CurrentThread.Name);
            return default;
        }
    }
}

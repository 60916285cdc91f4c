using EventStore.Conformance;
using EventStore.Diagnostics;
using EventStore.Engines;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Tests;

/// <summary>What a store does whose system starts no thread for its commits.</summary>
public sealed class ThreadShortageTests
{
    [Fact(Timeout = 60_000)]
    public async Task A_commit_is_refused_while_the_system_starts_no_thread_and_stored_when_it_does()
    {
        var threads = new Threads(0);
        var engine = await OpenAsync();
        await using var group = Group(engine, threads);
        for (var i = 0; i < 2; i++)
        {
            var refused = await Assert.ThrowsAsync<StorageUnavailableException>(async () => await SubmitAsync(group));
            Assert.Contains("ulimit -u", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(0, engine.Batches);
        threads.AllowOneMore();
        Assert.Equal(CommitOutcomeKind.Committed, (await SubmitAsync(group)).Outcome.Kind);
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_a_second_thread_the_first_is_lent_to_no_caller()
    {
        var threads = new Threads(1);
        var engine = await OpenAsync();
        await using var group = Group(engine, threads);
        for (var i = 0; i < 3; i++)
        {
            engine.Gate.Reset();
            var submitting = ContinuedOnAsync(group);
            engine.Gate.Set();
            Assert.NotEqual("EventStore commits", await submitting);
        }

        threads.AllowOneMore();
        engine.Gate.Reset();
        var lent = ContinuedOnAsync(group);
        engine.Gate.Set();
        Assert.Equal("EventStore commits", await lent);
    }

    // The name of the thread on which the caller continues.
    private static async Task<string?> ContinuedOnAsync(GroupCommit group)
    {
        await SubmitAsync(group).ConfigureAwait(false);
        return Thread.CurrentThread.Name;
    }

    private static GroupCommit Group(IPersistenceEngine engine, Threads threads) => new(
        new Settlement(engine, TimeProvider.System, NullLogger.Instance),
        new Telemetry("threads", TimeProvider.System, NullLogger.Instance),
        TimeProvider.System,
        threads.Start);

    private static ValueTask<Submitted> SubmitAsync(GroupCommit group)
    {
        var attempt = new CommitAttempt(
            "stream", SequentialGuid.Next(), [new EventRecord(SequentialGuid.Next(), "type", new byte[] { 1 }, default)]);
        return group.SubmitAsync(attempt, CancellationToken.None);
    }

    // The system, which starts only so many threads.
    private sealed class Threads(int available)
    {
        private int available = available;

        public void AllowOneMore() => available++;

        public void Start(Thread thread)
        {
            // An array cannot be so long. The exception is the same as where no thread starts.
            if (available == 0) _ = new byte[int.MaxValue];
            available--;
            thread.UnsafeStart();
        }
    }

    private static async Task<Blocking> OpenAsync()
    {
        var engine = new Blocking(new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default));
        await engine.InitializeAsync();
        return engine;
    }

    private sealed class Blocking(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public ManualResetEventSlim Gate { get; } = new(initialState: true);

        public int Batches { get; private set; }

        public override EngineDescription Description => base.Description with { CommitThreading = CommitThreading.Blocking };

        public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            Batches++;
            Gate.Wait(cancellationToken);
            return base.CommitAsync(attempts, cancellationToken);
        }
    }
}

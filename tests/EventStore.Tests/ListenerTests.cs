using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using EventStore.Conformance;
using EventStore.Engines;
using Microsoft.Extensions.Logging;

namespace EventStore.Tests;

/// <summary>Listeners and loggers are code of the application: they hold up no commit, and change the outcome of none.</summary>
public sealed class ListenerTests
{
    private const int Minute = 60_000;

    public static TheoryData<CommitThreading, string, bool> Cases()
    {
        var cases = new TheoryData<CommitThreading, string, bool>();
        foreach (var threading in Enum.GetValues<CommitThreading>())
        {
            foreach (var what in (string[])
                ["eventstore.batch.size", "eventstore.batch.duration", "eventstore.commits", Listening.Activities])
            {
                cases.Add(threading, what, false);
                cases.Add(threading, what, true);
            }
        }

        return cases;
    }

    [Theory(Timeout = Minute), MemberData(nameof(Cases))]
    public async Task A_listener_that_waits_for_a_commit_of_the_store_is_served(CommitThreading threading, string what, bool isBatch)
    {
        var engine = new Held(OpenInMemory(), threading);
        await using var store = await Wire(engine).BuildAsync();

        // The first to be recorded is the lone commit, the second belongs to the batch that waits behind it.
        var waiting = isBatch ? 2 : 1;
        var waited = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var listening = new Listening(engine.Name, what, call =>
        {
            if (call == waiting) waited.SetResult(Block(store.AppendAsync("inner", "1").AsTask()).LastRevision.Value);
        });
        var first = Task.Run(() => store.AppendAsync("stream", "0").AsTask(), Token);
        await engine.Entered;
        var others = Enumerable.Range(1, isBatch ? 8 : 0).Select(i => Task.Run(() => store.AppendAsync("stream", $"{i}").AsTask(), Token));
        var appends = others.Prepend(first).ToArray();
        engine.Release();
        await Task.WhenAll(appends).WaitAsync(Token);
        Assert.Equal(1, await waited.Task.WaitAsync(Token));
    }

    [Theory(Timeout = Minute), MemberData(nameof(Cases))]
    public async Task A_listener_that_throws_changes_no_outcome(CommitThreading threading, string what, bool isBatch)
    {
        var engine = new Held(OpenInMemory(), threading);
        var log = new ConcurrentQueue<string>();
        await using var store = await Wire(engine).UsingLoggerFactory(new Logs(log.Enqueue)).BuildAsync();
        using var listening = new Listening(engine.Name, what, _ => throw new NotSupportedException("of the listener"));
        var first = Task.Run(() => store.AppendAsync("stream", "0").AsTask(), Token);
        await engine.Entered;
        var others = Enumerable.Range(1, isBatch ? 8 : 0).Select(i => Task.Run(() => store.AppendAsync("stream", $"{i}").AsTask(), Token));
        var appends = others.Prepend(first).ToArray();
        engine.Release();
        var results = await Task.WhenAll(appends).WaitAsync(Token);
        Assert.Equal(Enumerable.Range(1, results.Length).Select(i => (long)i), results.Select(result => result.LastRevision.Value).Order());
        Assert.DoesNotContain(results, result => result.IsDuplicate);
        Assert.Equal(results.Length, await store.ReadStreamAsync("stream").CountAsync(Token));
        Assert.Single(log, line => line.Contains("listener", StringComparison.Ordinal));
    }

    [Fact(Timeout = Minute)]
    public async Task A_logger_that_throws_changes_no_outcome()
    {
        var engine = new Held(OpenInMemory(), CommitThreading.Blocking) { FailsOnce = true };
        engine.Release();
        var log = new Logs(line =>
        {
            if (line.Contains("unknown", StringComparison.Ordinal)) throw new NotSupportedException("of the logger");
        });
        await using var store = await Wire(engine).UsingLoggerFactory(log).BuildAsync();
        Assert.Equal(1, (await store.AppendAsync("stream", "1")).LastRevision.Value);
    }

    [Fact(Timeout = Minute)]
    public async Task A_logger_that_waits_for_a_commit_of_the_store_holds_up_no_settlement()
    {
        var engine = new Held(OpenInMemory(), CommitThreading.Blocking) { FailsOnce = true };
        engine.Release();
        IEventStore? store = null;
        var logged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var log = new Logs(line =>
        {
            if (!line.Contains("unknown", StringComparison.Ordinal)) return;
            Block(store!.AppendAsync("inner", "1").AsTask());
            logged.SetResult();
        });
        await using (store = await Wire(engine).UsingLoggerFactory(log).BuildAsync())
        {
            Assert.Equal(1, (await store.AppendAsync("stream", "1")).LastRevision.Value);
            await logged.Task.WaitAsync(Token);
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private static Wireup Wire(IPersistenceEngine engine) =>
        Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"));

    // What an application without await does. The analyzers forbid it to this code base.
    private static T Block<T>(Task<T> task)
    {
        ((IAsyncResult)task).AsyncWaitHandle.WaitOne();
        return task.GetAwaiter().GetResult();
    }

    // Holds its first batch until it is released. Has a name of its own, by which listeners know its measurements.
    private sealed class Held(IPersistenceEngine inner, CommitThreading threading) : DelegatingEngine(inner)
    {
        private readonly TaskCompletionSource entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool hasFailed;
        private readonly TaskCompletionSource<bool> released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name { get; } = $"listened-{Guid.NewGuid():N}";

        public Task Entered => entered.Task;

        public bool FailsOnce { get; init; }

        public override EngineDescription Description => base.Description with { Name = Name, CommitThreading = threading };

        public void Release() => released.TrySetResult(true);

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            entered.TrySetResult();
            if (threading != CommitThreading.Asynchronous) Block(released.Task);
            else await released.Task;
            if (FailsOnce && Interlocked.Exchange(ref hasFailed, true) is false) throw new BatchOutcomeUnknownException("it is broken.");

            return await base.CommitAsync(attempts, cancellationToken);
        }
    }

    // Listens to one instrument, or to activities of commits.
    private sealed class Listening : IDisposable
    {
        public const string Activities = "activities";
        private readonly MeterListener meters = new();
        private readonly ActivityListener? activities;
        private readonly string engine;
        private readonly Action<int> called;
        private int calls;

        public Listening(string engine, string what, Action<int> called)
        {
            (this.engine, this.called) = (engine, called);
            if (what == Activities)
            {
                // Activities do not name their engine: the code under test is recognised by its flow.
                IsOurs.Value = true;
                activities = new ActivityListener
                {
                    ShouldListenTo = source => source.Name == "EventStore",
                    Sample = (ref ActivityCreationOptions<ActivityContext> _) =>
                        IsOurs.Value ? ActivitySamplingResult.AllData : ActivitySamplingResult.None,
                    ActivityStopped = activity =>
                    {
                        if (activity.OperationName == "EventStore.Commit" && IsOurs.Value) Call();
                    },
                };
                ActivitySource.AddActivityListener(activities);
                return;
            }

            meters.InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Name == what) listening.EnableMeasurementEvents(instrument);
            };
            meters.SetMeasurementEventCallback<int>((_, _, tags, _) => Measured(tags));
            meters.SetMeasurementEventCallback<long>((_, _, tags, _) => Measured(tags));
            meters.SetMeasurementEventCallback<double>((_, _, tags, _) => Measured(tags));
            meters.Start();
        }

        private static AsyncLocal<bool> IsOurs { get; } = new();

        public void Dispose()
        {
            meters.Dispose();
            activities?.Dispose();
        }

        private void Measured(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
            {
                if (tag.Value is string name && name == engine) Call();
            }
        }

        private void Call() => called(Interlocked.Increment(ref calls));
    }

    private sealed class Logs(Action<string> write) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
            // It writes every line itself.
        }

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            write(formatter(state, exception));

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void Dispose()
        {
            // It holds nothing.
        }
    }
}

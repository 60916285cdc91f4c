using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using EventStore.Conformance;
using EventStore.Dispatch;

namespace EventStore.Tests;

/// <summary>Group commit, telemetry, read-ahead, and the progress of dispatch.</summary>
public sealed class PipelineTests
{
    [Fact]
    public async Task Batches_grow_to_the_number_of_committers_and_not_to_half_of_it()
    {
        const int Committers = 64;
        var median = 0;
        for (var attempt = 0; attempt < 5 && median < Committers * 0.85; attempt++)
        {
            var slow = new TakesAMillisecond(OpenInMemory());
            await using var store = await Wire(slow).BuildAsync();
            await Task.WhenAll(Enumerable.Range(0, Committers).Select(i => Task.Run(async () =>
            {
                for (var n = 0; n < 100; n++) await store.AppendAsync($"{i}", "x");
            })));
            median = slow.Batches.Skip(10).Order().ElementAt(slow.Batches.Count / 2);
        }

        Assert.InRange(median, Committers * 0.85, Committers);
    }

    [Fact]
    public async Task A_single_committer_waits_for_no_other()
    {
        var slow = new TakesAMillisecond(OpenInMemory());
        await using var store = await Wire(slow).BuildAsync();
        await Task.WhenAll(Enumerable.Range(0, 32).Select(i => store.AppendAsync($"{i}", "x").AsTask()));
        slow.Batches.Clear();
        for (var n = 0; n < 20; n++) await store.AppendAsync("lone", "x");
        Assert.Equal(Enumerable.Repeat(1, 20), slow.Batches);

        var thread = Environment.CurrentManagedThreadId;
        var inline = new RecordsThread(OpenInMemory());
        await using var quick = await Wire(inline).BuildAsync();
        var committing = quick.AppendAsync("lone", "x");
        Assert.True(committing.IsCompletedSuccessfully, "a commit that the engine completes synchronously must not switch threads");
        Assert.Equal(thread, inline.Thread);

        var remote = new CompletesLater(OpenInMemory());
        await using var far = await Wire(remote).BuildAsync();
        await Task.Run(async () =>
        {
            var appended = AppendAsync();
            remote.Completion.SetResult();
            Assert.True(appended.IsCompletedSuccessfully, "a commit continues where the engine completes");
            await appended;
        });

        async Task AppendAsync() => await far.AppendAsync("lone", "x");
    }

    [Fact]
    public async Task A_batch_never_exceeds_what_the_engine_takes()
    {
        var slow = new TakesAMillisecond(OpenInMemory(), maxBatch: 10);
        await using var store = await Wire(slow).BuildAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => store.AppendAsync($"{i}", "x").AsTask()));
        Assert.All(slow.Batches, size => Assert.InRange(size, 1, 10));
        Assert.Equal(100, slow.Batches.Sum());
    }

    [Fact]
    public async Task An_engine_that_throws_an_unexpected_exception_leaves_the_outcome_unknown_and_the_store_usable()
    {
        var failing = new FailsOnce(OpenInMemory());
        await using var store = await Wire(failing).BuildAsync();
        var error = await Assert.ThrowsAsync<CommitOutcomeUnknownException>(async () => await store.AppendAsync("s", "x"));
        Assert.IsType<InvalidOperationException>(error.InnerException);
        Assert.Equal(1, (await store.AppendAsync("s", "x")).LastRevision.Value);
    }

    [Theory]
    [InlineData(2_300)]
    [InlineData(int.MaxValue)]
    public async Task A_replay_decodes_ahead_of_its_reader_and_fails_at_the_place_of_an_unreadable_event(int unreadable)
    {
        const int Events = 3_000, ReaderWaits = 1_100, EndOfNextPage = 2_048;
        var engine = OpenInMemory();
        for (var i = 1; i <= Events; i++)
        {
            var record = new EventRecord(Guid.NewGuid(), "number", i == unreadable ? [] : BitConverter.GetBytes(i));
            await engine.CommitAsync([new CommitAttempt("stream", Guid.NewGuid(), [record])]);
        }

        var numbers = new Numbers(EndOfNextPage);
        await using var store = await Wireup.Init().UsingPersistence(engine).UsingCustomSerialization(numbers).BuildAsync();
        var shown = new List<int>();
        var reading = async () =>
        {
            await foreach (var committed in store.ReadAllAsync())
            {
                shown.Add((int)committed.Body);
                if (shown.Count == ReaderWaits) Assert.True(SpinWait.SpinUntil(() => numbers.HasReadAwaited, TimeSpan.FromSeconds(30)));
            }
        };
        if (unreadable > Events) await reading();
        else await Assert.ThrowsAsync<EventSerializationException>(reading);
        Assert.Equal(Enumerable.Range(1, Math.Min(Events, unreadable - 1)), shown);
    }

    [Fact]
    public async Task Metrics_and_activities_count_what_happens()
    {
        var counted = new ConcurrentDictionary<string, double>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter.Name == "EventStore") listening.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Count(instrument, value, tags));
        meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Count(instrument, value, tags));
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Count(instrument, 1, tags));
        meters.Start();
        var activities = new ConcurrentQueue<string>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "EventStore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.Tags.Any(tag => tag.Value?.Contains("measured", StringComparison.Ordinal) ?? false))
                    activities.Enqueue(activity.OperationName);
            },
        };
        ActivitySource.AddActivityListener(listener);

        await using var store = await Wire(new Renamed(OpenInMemory())).UsingSynchronousDispatchScheduler().DispatchTo(
            (Commit _, CancellationToken _) => default).BuildAsync();
        var id = Guid.NewGuid();
        await store.AppendAsync("measured", ExpectedRevision.NoStream, ["a", "b"], id);
        await store.AppendAsync("measured", ExpectedRevision.NoStream, ["a", "b"], id);
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await store.AppendAsync("measured", ExpectedRevision.NoStream, ["c"]));

        Assert.Equal(
            (1, 2, 1, 1, 1),
            (
                counted["eventstore.commits"],
                counted["eventstore.events"],
                counted["eventstore.conflicts"],
                counted["eventstore.duplicates"],
                counted["eventstore.dispatches"]));
        Assert.Equal(3, counted["eventstore.batch.duration"]);
        Assert.Equal(3, activities.Count(name => name == "EventStore.Commit"));
        Assert.Contains("EventStore.Dispatch", activities);

        void Count(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
            {
                if (tag.Value is "measured") counted.AddOrUpdate(instrument.Name, value, (_, sum) => sum + value);
            }
        }
    }

    [Fact]
    public void Progress_joins_marks_lifts_the_watermark_and_splits_parked_ranges()
    {
        var progress = DispatchProgress.Empty.Mark([new(5, 6)]).Mark([new(3, 3)]).Mark([new(8, 9)]);
        Assert.Equal([new(3, 3), new(5, 6), new(8, 9)], progress.Marks);
        progress = progress.Mark([new(4, 4)]);
        Assert.Equal([new(3, 6), new(8, 9)], progress.Marks);
        progress = progress.Mark([new(1, 2)]);
        Assert.Equal((6, 1), (progress.Watermark, progress.Marks.Count));
        progress = progress.Mark(7, []);
        Assert.Equal((9, 0), (progress.Watermark, progress.Marks.Count));
        progress = progress.Mark([new(2, 4)]);
        Assert.Equal(9, progress.Watermark);
        progress = progress.Park([new(10, 20)]).Unpark([new(12, 14)]).Unpark([new(20, 25)]);
        Assert.Equal([new(10, 11), new(15, 19)], progress.Parked);
        var copy = DispatchProgress.Read("dispatch", progress.Write());
        Assert.Equal((progress.Watermark, progress.ParkedCount), (copy.Watermark, copy.ParkedCount));
    }

    private static IPersistenceEngine OpenInMemory() => new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default);

    private static Wireup Wire(IPersistenceEngine engine) =>
        Wireup.Init().UsingPersistence(engine).UsingJsonSerialization(types => types.Register<string>("text"));

    private sealed class TakesAMillisecond(IPersistenceEngine inner, int maxBatch = 4096) : DelegatingEngine(inner)
    {
        public List<int> Batches { get; } = [];

        public override EngineDescription Description =>
            base.Description with { Limits = base.Description.Limits with { MaxBatchAttempts = maxBatch } };

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            Batches.Add(attempts.Count);
            await Task.Delay(1, cancellationToken);
            return await base.CommitAsync(attempts, cancellationToken);
        }
    }

    private sealed class RecordsThread(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public int Thread { get; private set; }

        public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            Thread = Environment.CurrentManagedThreadId;
            return base.CommitAsync(attempts, cancellationToken);
        }
    }

    private sealed class CompletesLater(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public TaskCompletionSource Completion { get; } = new();

        public override async ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
        {
            await Completion.Task;
            return await base.CommitAsync(attempts, cancellationToken);
        }
    }

    private sealed class FailsOnce(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        private int failures = 1;

        public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
            IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default) =>
            Interlocked.Decrement(ref failures) >= 0
                ? throw new InvalidOperationException("a bug")
                : base.CommitAsync(attempts, cancellationToken);
    }

    private sealed class Numbers(int awaited) : IEventSerializer
    {
        private volatile bool hasReadAwaited;

        public bool HasReadAwaited => hasReadAwaited;

        public string Name => "numbers";

        public string NameOf(Type type) => "number";

        public void Serialize(object value, IBufferWriter<byte> output) => output.Write(BitConverter.GetBytes((int)value));

        public object Deserialize(string typeName, ReadOnlyMemory<byte> payload)
        {
            var number = BitConverter.ToInt32(payload.Span);
            hasReadAwaited |= number == awaited;
            return number;
        }
    }

    private sealed class Renamed(IPersistenceEngine inner) : DelegatingEngine(inner)
    {
        public override EngineDescription Description => base.Description with { Name = "measured" };
    }
}

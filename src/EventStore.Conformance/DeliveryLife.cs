using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// A random life of a store and its readers. Streams are appended to, deleted and created again, while readers are started, paused and
/// stopped. From time to time everything settles, and every reader must have been given what the model holds.
/// </summary>
internal sealed class DeliveryLife
{
    private const int Steps = 16;
    private const int Readers = 7;
    private static readonly int[] Boundaries = [0, 1, 511, 512, 513, 1025];
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    private static readonly StreamId Target = DeliveryDraw.Target;
    private static readonly IReadOnlyList<StreamId> Streams = DeliveryDraw.Streams;

    private readonly Random random;
    private readonly IPersistenceEngine engine;
    private readonly FailingEngine? failing;
    private readonly Func<DeliveryLife, ValueTask<IEventStore>> build;
    private readonly DeliveryModel model = new();
    private readonly Dictionary<StreamId, SemaphoreSlim> turns = Streams.ToDictionary(stream => stream, _ => new SemaphoreSlim(1, 1));
    private readonly List<DeliveryReader> readers = [];
    private readonly List<Task> running = [];
    private readonly List<string> history = [];
    private IEventStore? store;

    /// <param name="seed">Decides everything that the life does; what runs at the same time is up to the scheduler.</param>
    /// <param name="engine">The engine.</param>
    /// <param name="failing">The same engine, if its calls fail by a plan.</param>
    /// <param name="build">Builds a store that dispatches to <see cref="Dispatch"/>.</param>
    public DeliveryLife(int seed, IPersistenceEngine engine, FailingEngine? failing, Func<DeliveryLife, ValueTask<IEventStore>> build)
    {
        (random, this.engine, this.failing, this.build) = (new Random(seed), engine, failing, build);
        Dispatched = new DeliveryLog { MayRepeat = failing is not null };
    }

    /// <summary>What was done, step by step.</summary>
    public string History => string.Join('\n', history.Select(line => "  " + line));

    private IEventStore Store => store ?? throw new InvalidOperationException("The life has not begun.");

    private DeliveryLog Dispatched { get; }

    public ValueTask Dispatch(Commit commit, CancellationToken cancellationToken)
    {
        foreach (var committed in commit.Events) Dispatched.Add(committed.Stream, committed.Checkpoint.Value);
        return default;
    }

    public async Task RunAsync()
    {
        failing?.Recover();
        store = await build(this);
        Dispatched.Begin();
        try
        {
            await Store.ReadStreams.CreateAsync(DeliveryDraw.Links, EventPredicate.Category("b"));
            await FillAsync(Boundaries[random.Next(Boundaries.Length)]);
            var draw = new DeliveryDraw(random, model, failing is not null);
            for (var i = 0; i < Readers; i++) readers.Add(draw.Draw(i));
            history.AddRange(readers.Select(reader => reader.ToString()));
            failing?.Fail();
            for (var step = 0; step < Steps; step++) await StepAsync(random.Next(100));
            await SettleAsync();
        }
        finally
        {
            failing?.Recover();
            foreach (var reader in readers) await reader.DisposeAsync();
            await Store.DisposeAsync();
        }
    }

    private async Task StepAsync(int choice)
    {
        var reader = readers[random.Next(readers.Count)];
        switch (choice)
        {
            case < 35: AppendLater(); break;
            case < 45: DeleteLater(Streams[random.Next(2)]); break;
            case < 70: await StartAgainAsync(reader); break;
            case < 80: await PauseAsync(reader); break;
            case < 88: Resume(reader); break;
            case < 93: await RestartStoreAsync(); break;
            default: await SettleAsync(); break;
        }
    }

    private async Task FillAsync(int events)
    {
        history.Add($"{events} events of '{Target}' are stored");
        for (var stored = 0; stored < events; stored += 100)
        {
            await AppendAsync(Streams[random.Next(1, Streams.Count)], random.Next(1, 4));
            await AppendAsync(Target, Math.Min(100, events - stored));
        }
    }

    private void AppendLater()
    {
        var commits = Enumerable.Range(0, random.Next(1, 25)).Select(
            _ => (Stream: Streams[random.Next(Streams.Count)], Count: random.Next(1, 4))).ToList();
        history.Add($"append {commits.Count} commits in the background");
        running.Add(Task.Run(async () =>
        {
            foreach (var (stream, count) in commits) await AppendAsync(stream, count);
        }));
    }

    private void DeleteLater(StreamId stream)
    {
        history.Add($"delete '{stream}' in the background");
        running.Add(Task.Run(() => InTurnAsync(stream, async () =>
        {
            await RetryAsync(() => Store.DeleteStreamAsync(stream));
            model.Delete(stream);
        })));
    }

    private Task AppendAsync(StreamId stream, int count)
    {
        EventMessage[] events = [.. Enumerable.Range(0, count).Select(_ => new EventMessage("x"))];
        return InTurnAsync(stream, async () =>
        {
            var id = SequentialGuid.Next();
            model.Append(stream, await RetryAsync(() => Store.AppendAsync(stream, ExpectedRevision.Any, events, id)), count);
        });
    }

    // The order of appends and deletions of one stream is known to the model.
    private async Task InTurnAsync(StreamId stream, Func<Task> act)
    {
        await turns[stream].WaitAsync();
        try
        {
            await act();
        }
        finally
        {
            turns[stream].Release();
        }
    }

    private async Task StartAgainAsync(DeliveryReader reader)
    {
        history.Add($"{(reader.IsStarted ? "stop and start" : "start")} {reader.Name}");
        await reader.StopAsync();
        await StartAsync(reader);
    }

    private async Task StartAsync(DeliveryReader reader)
    {
        // How a start survives failures is a matter of leases, which have facts of their own.
        failing?.Recover();
        if (reader is { Start.IsCurrent: true, Present: null })
        {
            var before = await FindHeadAsync();
            await reader.StartAsync(Store);
            reader.BeganBetween(before, await FindHeadAsync());
        }
        else
        {
            await reader.StartAsync(Store);
        }

        failing?.Fail();
    }

    private async Task PauseAsync(DeliveryReader reader)
    {
        if (reader.Consumer is null || !reader.IsStarted) return;
        history.Add($"pause {reader.Name}");
        await reader.Consumer.PauseAsync();
    }

    private void Resume(DeliveryReader reader)
    {
        if (reader.Consumer is null || !reader.IsStarted) return;
        history.Add($"resume {reader.Name}");
        reader.Consumer.Resume();
    }

    private async Task RestartStoreAsync()
    {
        history.Add("dispose the store, build it again, and start the readers again");
        await Task.WhenAll(running);
        running.Clear();
        var started = readers.Where(reader => reader.IsStarted).ToList();
        failing?.Recover();
        foreach (var reader in started) await reader.StopAsync();
        await Store.DisposeAsync();
        store = await build(this);
        Dispatched.Begin();
        foreach (var reader in started) await StartAsync(reader);
    }

    // Everything is delivered that was stored.
    private async Task SettleAsync()
    {
        history.Add("settle");
        await Task.WhenAll(running);
        running.Clear();
        foreach (var reader in readers)
        {
            if (!reader.IsStarted) await StartAsync(reader);
            reader.Consumer?.Resume();
        }

        using var patience = new CancellationTokenSource(Patience);
        foreach (var reader in readers) await UntilGivenAsync(reader, patience.Token);
        failing?.Recover();
        var everything = new Expectation(_ => true, ConsumerStart.Origin, IsOfStream: false);
        while (!patience.IsCancellationRequested)
        {
            var added = Dispatched.NextAdded;
            if (Dispatched.MissingFrom(everything.Of(model).Required).Count == 0) break;
            await added.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Dispatched.Check("dispatch", everything.Of(model));
        foreach (var reader in readers)
        {
            if (reader.Consumer is not null) await reader.Consumer.WaitUntilCaughtUpAsync(patience.Token);
            reader.Check(model);
        }

        await CheckReadStreamAsync();
        failing?.Fail();
    }

    private async Task UntilGivenAsync(DeliveryReader reader, CancellationToken patience)
    {
        while (true)
        {
            var added = reader.Log.NextAdded;
            var missing = reader.MissingFrom(model);
            if (missing.Count == 0) return;
            if (reader.Failure is { } failure) Assert.Fail($"{reader} ended with {failure.GetType().Name}: {failure.Message}");
            if (patience.IsCancellationRequested)
                Assert.Fail($"{reader} does not move on; not given are {missing.Count} events: {string.Join(' ', missing.Take(20))}");
            await reader.WaitForMoreAsync(added, missing[0], patience);
        }
    }

    private async Task CheckReadStreamAsync()
    {
        var expected = model.Events
            .Where(stored => stored is { IsDeleted: false, Stream.Category: "b" })
            .Select(stored => stored.Checkpoint);
        foreach (var direction in new[] { ReadDirection.Forward, ReadDirection.Backward })
        {
            var read = new List<long>();
            await foreach (var link in Store.ReadStreams.ReadAsync(DeliveryDraw.Links, direction: direction))
                read.Add(link.Event.Checkpoint.Value);
            Assert.Equal(direction == ReadDirection.Forward ? expected : expected.Reverse(), read);
        }
    }

    private async Task<long> FindHeadAsync()
    {
        var read = new StoreRead(
            EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Backward, new PageLimit(1, 1));
        return (await engine.ReadAllAsync(read)).Head.Value;
    }

    private async Task<T> RetryAsync<T>(Func<ValueTask<T>> call)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (EventStoreException error) when (failing is not null && error is StorageException or CommitOutcomeUnknownException)
            {
                await Task.Yield();
            }
        }
    }
}

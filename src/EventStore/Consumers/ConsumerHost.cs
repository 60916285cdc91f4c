using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using EventStore.Diagnostics;
using EventStore.Feeds;
using EventStore.Leases;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

namespace EventStore.Consumers;

/// <summary>Starts consumers, knows those of this process, and stops them with the store.</summary>
internal sealed class ConsumerHost(
    IPersistenceEngine engine,
    IPersistenceEngine documents,
    ReadPath reads,
    EventCodec codec,
    SharedPages pages,
    Func<string, IFeed> feedOfReadStream,
    TimeProvider time,
    Telemetry telemetry,
    ILogger logger,
    Liveness liveness) : IConsumers, IAsyncDisposable
{
    private const int ListPageSize = 200;

    // The consumers of this process by name; a name is there, without one, while it is being started.
    private readonly ConcurrentDictionary<string, RunningConsumer?> running = new(StringComparer.Ordinal);

    public async ValueTask<IConsumer> StartAsync(
        string name, ConsumerSource source, Func<CommittedEvent, CancellationToken, ValueTask> handle, ConsumerOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var setup = Prepare(name, source, options);
        return await StartAsync(new RunningConsumer(setup, Pump), cancellationToken).ConfigureAwait(false);

        IPump Pump(PumpContext context) => setup.Options.Parallelism == 1
            ? new EventPump(context, new DelegateHandler(handle))
            : new UnitPump(context, (events, token) => handle(events[0], token), unitSize: 1);
    }

    public async ValueTask<IConsumer> StartBatchesAsync(
        string name,
        ConsumerSource source,
        Func<IReadOnlyList<CommittedEvent>, CancellationToken, ValueTask> handle,
        ConsumerOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var setup = Prepare(name, source, options);
        return await StartAsync(new RunningConsumer(setup, context => new UnitPump(context, handle, setup.Options.BatchSize)), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask<IConsumer<TState>> StartAsync<TState>(
        string name, ConsumerSource source, Projection<TState> projection, ConsumerOptions? options = null, CancellationToken cancellationToken = default)
        where TState : class
    {
        ArgumentNullException.ThrowIfNull(projection);
        if (options?.Parallelism > 1)
            throw new ArgumentException($"ConsumerOptions.Parallelism is {options.Parallelism}, but a consumer with a state handles one event after the other: set it to 1.", nameof(options));
        var owner = new StreamId("consumers", "", name);
        var setup = Prepare(name, source, options) with
        {
            InitialState = projection.Initial,
            StateVersion = projection.SchemaVersion,
            EncodeState = (state, record) => (record.StateType, record.State) = codec.EncodeState(owner, state!),
            DecodeState = record => record.State is null ? null : codec.DecodeState(owner, record.StateType!, record.State),
        };
        var consumer = new StatefulConsumer<TState>(setup, context => new EventPump(context, new ProjectionHandler<TState>(projection)));
        await StartAsync(consumer, cancellationToken).ConfigureAwait(false);
        return consumer;
    }

    public async ValueTask<IPullConsumer> OpenAsync(string name, ConsumerSource source, ConsumerOptions? options = null, CancellationToken cancellationToken = default)
    {
        var setup = Prepare(name, source, options);
        var consumer = new PullConsumer(setup, new PullPump(setup.Options.Window));
        await StartAsync(consumer, cancellationToken).ConfigureAwait(false);
        return consumer;
    }

    public async IAsyncEnumerable<CommittedEvent> SubscribeAsync(
        ConsumerSource source, ConsumerStart startFrom = default, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        RequireFitting(startFrom, source);
        var poll = new ConsumerOptions().PollInterval;
        var feed = FeedOf(source);
        var position = startFrom.IsCurrent
            ? await feed.FindCurrentAsync(cancellationToken).ConfigureAwait(false)
            : new FeedPosition(startFrom.Checkpoint.Value, startFrom.Revision.Value);
        while (true)
        {
            liveness.ThrowIfDisposed();
            var page = await feed.ReadAsync(position, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < page.Events.Length; i++) yield return page.Events.Span[i].Committed;
            position = page.Position;
            cancellationToken.ThrowIfCancellationRequested();
            if (page.IsEnd) await engine.WaitForCommitsAsync(new Checkpoint(position.Checkpoint), poll, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        ArgumentException.ThrowIfNullOrEmpty(name);
        var document = NamedDocument.RequireName(ConsumerRecord.DocumentOf(name));
        if (running.ContainsKey(name)) throw new ConsumerTakenException(name, "it runs in this process.");
        var options = new ConsumerOptions();
        var ledger = new Ledger<ConsumerRecord>(documents, document);
        if (!(await ledger.LoadAsync(cancellationToken).ConfigureAwait(false)).IsStarted) return false;

        // Whoever holds the name must have shown no life for a term before it is taken from him.
        var lease = new Lease<ConsumerRecord>(ledger, options.LeaseTerm, options.PollInterval, time);
        var watch = new Lease<ConsumerRecord>.Watch();
        while (!await lease.TryAcquireAsync(watch, cancellationToken).ConfigureAwait(false))
        {
            if (watch.IsHolderAlive) throw new ConsumerTakenException(name, "another process shows signs of life.");
            await Task.Delay(lease.WaitAfter(watch), time, cancellationToken).ConfigureAwait(false);
        }

        var found = await documents.FindDocumentAsync(document, cancellationToken).ConfigureAwait(false);
        return found is not null && await documents.DeleteDocumentAsync(document, found.Version, cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<string> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var after = "";
        IReadOnlyList<NamedDocument> page;
        do
        {
            liveness.ThrowIfDisposed();
            page = await documents.ListDocumentsAsync(ConsumerRecord.Prefix, after, ListPageSize, cancellationToken).ConfigureAwait(false);
            foreach (var document in page) yield return ConsumerRecord.NameIn(document.Name)!;
            if (page.Count > 0) after = page[^1].Name;
        }
        while (page.Count == ListPageSize);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var consumer in running.Values.ToArray())
        {
            if (consumer is not null) await consumer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private ConsumerSetup Prepare(string name, ConsumerSource source, ConsumerOptions? options)
    {
        liveness.ThrowIfDisposed();
        ArgumentException.ThrowIfNullOrEmpty(name);
        NamedDocument.RequireName(ConsumerRecord.DocumentOf(name));
        ArgumentNullException.ThrowIfNull(source);
        options = (options ?? new ConsumerOptions()).Validated();
        RequireFitting(options.StartFrom, source);
        return new ConsumerSetup(name, options, () => FeedOf(source), engine, documents, reads, time, telemetry.LagOf(name), logger, () => running.TryRemove(name, out _));
    }

    // A revision is a place in one sequence; of the store, a bucket or a category there is none.
    private static void RequireFitting(ConsumerStart start, ConsumerSource source)
    {
        if (start.Revision.Value > 0 && source.Stream is null && source.ReadStream is null)
            throw new ArgumentException(
                $"ConsumerStart.AfterRevision({start.Revision}) names a revision of one stream, but the source has many. Start AfterCheckpoint, or consume one stream.");
        if (start.Checkpoint.Value > 0 && source.ReadStream is not null)
            throw new ArgumentException(
                $"ConsumerStart.AfterCheckpoint({start.Checkpoint}) names a place in the store, but a read stream has revisions of its own. Start AfterRevision.");
    }

    private async ValueTask<RunningConsumer> StartAsync(RunningConsumer consumer, CancellationToken cancellationToken)
    {
        if (!running.TryAdd(consumer.Name, null)) throw new ConsumerTakenException(consumer.Name, "it runs in this process.");
        try
        {
            await consumer.StartAsync(cancellationToken).ConfigureAwait(false);
            running[consumer.Name] = consumer;
            return consumer;
        }
        catch
        {
            await consumer.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private IFeed FeedOf(ConsumerSource source) =>
        source.Stream is { } stream ? new StreamFeed(pages, reads, engine, stream, source.Filter)
        : source.ReadStream is { } readStream ? feedOfReadStream(readStream)
        : new FilterFeed(pages, reads, source.Filter, source.Condition);
}

using EventStore.Consumers;
using EventStore.Diagnostics;
using EventStore.Dispatch;
using EventStore.Feeds;
using EventStore.Leases;
using EventStore.Pipeline;
using EventStore.ReadStreams;
using EventStore.Serialization;
using EventStore.Streams;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Composition;

/// <summary>Makes the store of the sheet: the only place where its parts are put together, and the picture of how they hang together.</summary>
internal static class StoreBuilder
{
    private static readonly TimeSpan StorageInterval = TimeSpan.FromMilliseconds(100);

    public static async ValueTask<IEventStore> BuildAsync(Wireup wireup, CancellationToken cancellationToken)
    {
        var time = wireup.Find<TimeProvider>() ?? TimeProvider.System;
        var loggers = wireup.Find<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        var logger = loggers.CreateLogger("EventStore");
        var scheduling = RequireConsistent(wireup);
        var persistence = wireup.Find<PersistenceChoice>()!;
        var serializer = wireup.Find<SerializerChoice>()!.Serializer;
        var keep = wireup.Find<SnapshotsChoice>()?.Keep;

        var hooks = new PipelineHooks(wireup.All<IPipelineHook>(), loggers.CreateLogger("EventStore.Hooks"));
        var upconverters = wireup.All<EventUpconverter>();
        var envelope = EnvelopeOf(wireup);
        var mapper = wireup.Find<MappingsChoice>() is { } mapping ? new EnvelopeMapper(mapping.Mappings) : null;
        var codec = new EventCodec(serializer, envelope, new Upconversion(upconverters), mapper);

        var mayCreate = wireup.Find<InitializationChoice>() is not null;
        var readOnly = wireup.Find<ReadOnlyChoice>();
        var context = new EngineContext(time, loggers) { MayCreateStorage = mayCreate, IsReadOnly = readOnly is not null };
        var engine = persistence.Create(context);
        if (readOnly is not null) engine = new ReadOnlyEngine(engine);
        IPersistenceEngine? documents = null;
        try
        {
            if (persistence.IsOwned || mayCreate) await InitializeAsync(engine, readOnly, time, cancellationToken).ConfigureAwait(false);
            documents = await OpenDocumentsAsync(wireup, engine, context, cancellationToken).ConfigureAwait(false);

            var telemetry = new Telemetry(engine.Description.Name);
            var liveness = new Liveness();
            var reads = new ReadPath(engine, codec, hooks, liveness, telemetry);
            var group = new GroupCommit(engine, new Settlement(engine, time, loggers.CreateLogger("EventStore.Commits")), telemetry);
            var commits = new CommitPath(engine, codec, hooks, group, reads, telemetry, loggers.CreateLogger("EventStore.Commits"));
            var snapshots = new SnapshotStore(engine, codec, keep, liveness);

            var ledger = new Ledger<DispatchProgress>(engine, DispatchProgress.DocumentName);
            var target = wireup.Find<DispatcherChoice>() is { } choice ? new DispatchTarget(choice.Dispatcher, choice.IsPerEvent) : null;
            var scheduler = scheduling.Kind == SchedulerKind.None ? null
                : new DispatchScheduler(engine, reads, ledger, target!, scheduling.Options, time, telemetry, loggers.CreateLogger("EventStore.Dispatch"));
            IDispatch dispatch = wireup.Find<UntrackedChoice>() is null
                ? new TrackedDispatch(engine, reads, ledger, scheduler, target, time, liveness)
                : new UntrackedDispatch(liveness);

            var readStreams = new ReadStreamHost(documents, reads, wireup.Find<SigningChoice>()?.Key ?? default, isReadOnly: documents is ReadOnlyEngine, liveness);
            var pages = new SharedPages(reads, time);
            var consumers = new ConsumerHost(engine, documents, reads, codec, pages, readStreams.FeedOf, time, telemetry, loggers.CreateLogger("EventStore.Consumers"), liveness);

            var description = new StoreDescription(
                engine.Description, serializer.Name, envelope.AppliedIds, hooks.Names, [.. upconverters.Select(converter => converter.From)], Describe(wireup, scheduling), keep);
            var store = new OptimisticEventStore(engine, commits, reads, pages, hooks, snapshots, dispatch, consumers, readStreams, liveness, description, DisposePartsAsync);

            if (scheduler is not null && scheduling.Kind == SchedulerKind.Synchronous) commits.DispatchBeforeReturn = scheduler.WaitUntilDispatchedAsync;
            if (scheduler is not null && StartupOf(wireup) == DispatchStartup.Auto) await StartAsync(scheduler, cancellationToken).ConfigureAwait(false);
            LogBuilt(logger, engine.Description);
            return store;

            // First consumers and the bus are left alone, which lets go of commits that wait for it; then accepted commits are finished; then the engine ends.
            async ValueTask DisposePartsAsync()
            {
                await consumers.DisposeAsync().ConfigureAwait(false);
                if (scheduler is not null) await scheduler.DisposeAsync().ConfigureAwait(false);
                await group.DisposeAsync().ConfigureAwait(false);
                await DisposeEnginesAsync(wireup, persistence, engine, documents).ConfigureAwait(false);
            }
        }
        catch
        {
            await DisposeEnginesAsync(wireup, persistence, engine, documents).ConfigureAwait(false);
            throw;
        }
    }

    // Whoever opens for reading only may wait for a storage that its writer is yet to make, or is just making.
    private static async ValueTask InitializeAsync(IPersistenceEngine engine, ReadOnlyChoice? readOnly, TimeProvider time, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                await engine.InitializeAsync(cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (StorageException error) when (readOnly is not null && error is StorageNotFoundException or StorageUnavailableException && time.GetElapsedTime(started) < readOnly.WaitForStorage)
            {
                await Task.Delay(StorageInterval, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    // Consumers and read streams are kept beside the events, if no other place was named.
    private static async ValueTask<IPersistenceEngine> OpenDocumentsAsync(Wireup wireup, IPersistenceEngine engine, EngineContext context, CancellationToken cancellationToken)
    {
        if (wireup.Find<ConsumerStorageChoice>() is not { } choice) return engine;
        var documents = choice.Create(context with { MayCreateStorage = true, IsReadOnly = false });
        try
        {
            if (choice.IsOwned) await documents.InitializeAsync(cancellationToken).ConfigureAwait(false);
            return documents;
        }
        catch when (choice.IsOwned)
        {
            await documents.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask DisposeEnginesAsync(Wireup wireup, PersistenceChoice persistence, IPersistenceEngine engine, IPersistenceEngine? documents)
    {
        if (documents is not null && documents != engine && wireup.Find<ConsumerStorageChoice>()!.IsOwned) await documents.DisposeAsync().ConfigureAwait(false);
        if (persistence.IsOwned) await engine.DisposeAsync().ConfigureAwait(false);
    }

    // A start that is cancelled leaves nobody behind who dispatches.
    private static async ValueTask StartAsync(DispatchScheduler scheduler, CancellationToken cancellationToken)
    {
        try
        {
            await scheduler.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await scheduler.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Says what is missing or contradicts itself, before anything is opened.
    private static SchedulerChoice RequireConsistent(Wireup wireup)
    {
        var scheduling = wireup.Find<SchedulerChoice>() ?? new SchedulerChoice(SchedulerKind.None, new DispatchOptions());
        var hasDispatcher = wireup.Find<DispatcherChoice>() is not null;
        if (wireup.Find<PersistenceChoice>() is null)
            throw new WireupException("No persistence was chosen. Choose one: UsingInMemoryPersistence() for tests, UsingPersistence(\"scheme:address\", engines => …), or the verb of a backend's package.");
        if (wireup.Find<SerializerChoice>() is null)
            throw new WireupException("No serializer was chosen. Choose one: UsingJsonSerialization(types => types.Register<OrderPlaced>(\"order-placed\")) or UsingCustomSerialization(serializer).");
        if (wireup.Find<UntrackedChoice>() is not null && (hasDispatcher || scheduling.Kind != SchedulerKind.None))
            throw new WireupException($"DoNotDispatchCommits() contradicts {wireup.VerbOf<DispatcherChoice>() ?? wireup.VerbOf<SchedulerChoice>()}. Remove one of the two calls.");
        if (scheduling.Kind != SchedulerKind.None && !hasDispatcher)
            throw new WireupException($"{wireup.VerbOf<SchedulerChoice>()} has nobody to dispatch to. Add DispatchTo(…).");
        if (hasDispatcher && scheduling.Kind == SchedulerKind.None)
            throw new WireupException("DispatchTo(…) has no scheduler. Add UsingAsynchronousDispatchScheduler() or UsingSynchronousDispatchScheduler().");
        if (wireup.Find<StartupChoice>() is not null && scheduling.Kind == SchedulerKind.None)
            throw new WireupException("Startup(…) says when a dispatch scheduler starts, but there is none. Add one, or remove the call.");
        if (wireup.Find<ReadOnlyChoice>() is not null && (scheduling.Kind != SchedulerKind.None || wireup.Find<InitializationChoice>() is not null))
            throw new WireupException($"OpenReadOnly() contradicts {wireup.VerbOf<SchedulerChoice>() ?? wireup.VerbOf<InitializationChoice>()}: it writes. Remove one of the two calls.");
        wireup.Find<SerializerChoice>()!.Verify();
        return scheduling;
    }

    // Compressed first, encrypted last: what is encrypted no longer gets smaller. Both ways of compression can always be read.
    private static PayloadEnvelope EnvelopeOf(Wireup wireup)
    {
        List<IPayloadTransform> applied = [.. wireup.All<TransformChoice>().Select(choice => choice.Transform)];
        if (wireup.Find<EncryptionChoice>() is { } encryption) applied.Add(encryption.Transform);
        if (applied.GroupBy(transform => transform.Id, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new WireupException($"The transform '{twice.Key}' was chosen twice. Choose it once.");
        return new PayloadEnvelope(applied, [CompressionTransform.Of(CompressionAlgorithm.Gzip), CompressionTransform.Of(CompressionAlgorithm.Brotli)]);
    }

    private static DispatchStartup StartupOf(Wireup wireup) => wireup.Find<StartupChoice>()?.Startup ?? DispatchStartup.Auto;

    private static string Describe(Wireup wireup, SchedulerChoice scheduling)
    {
        if (wireup.Find<UntrackedChoice>() is not null) return "not tracked";
        if (scheduling.Kind == SchedulerKind.None) return "tracked; the application dispatches and marks";
        var what = wireup.Find<DispatcherChoice>()!.IsPerEvent ? "event by event" : "commit by commit";
        return $"{scheduling.Kind}, {what}, started {StartupOf(wireup)}, {scheduling.Options.Parallelism} at once";
    }

    private static void LogBuilt(ILogger logger, EngineDescription engine)
    {
        Log.Built(logger, engine.Name, engine.Durability.Level);
        foreach (var finding in engine.Findings) Log.Found(logger, engine.Name, finding);
        foreach (var warning in engine.Durability.Warnings) Log.DurabilityWarning(logger, engine.Name, warning);
    }
}

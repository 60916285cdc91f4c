using EventStore.Consumers;
using EventStore.Diagnostics;
using EventStore.Dispatch;
using EventStore.Feeds;
using EventStore.Imports;
using EventStore.Leases;
using EventStore.Pipeline;
using EventStore.ReadStreams;
using EventStore.Retention;
using EventStore.Streams;
using Microsoft.Extensions.Logging;

namespace EventStore.Composition;

/// <summary>
/// Puts the parts of a store together. This is the only place where that happens, and shows how they depend on each other.
/// </summary>
internal sealed class StoreBuilder(StorePlan plan)
{
    // Parts are added in the order of their creation and disposed in the reverse order: consumers, the dispatch scheduler, the group
    // commit, the engines.
    private readonly StoreLifetime lifetime = new();

    public static async ValueTask<IEventStore> BuildAsync(Wireup wireup, CancellationToken cancellationToken)
    {
        var builder = new StoreBuilder(new StorePlan(wireup));
        try
        {
            return await builder.AssembleAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await builder.lifetime.EndAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async ValueTask<IEventStore> AssembleAsync(CancellationToken cancellationToken)
    {
        var hooks = new PipelineHooks(plan.Hooks, plan.CommitLoggerOf("Hooks"));
        var storage = new StorageOpener(plan, lifetime);
        var (engine, documents) = await storage.OpenAsync(cancellationToken).ConfigureAwait(false);
        var storeId = await storage.IdentifyAsync(engine, cancellationToken).ConfigureAwait(false);
        var codec = new EventCodec(plan.Serializer, plan.EnvelopeOf(storeId).Within(engine.Description.Limits), plan.Conversion);
        var states = new EventCodec(
            plan.Serializer, plan.StateEnvelopeOf(storeId).Within(engine.Description.Limits), plan.Conversion);
        var telemetry = new Telemetry(engine.Description.Name, plan.Time, plan.CommitLoggerOf("Telemetry"));

        var pages = new PageReader(engine, lifetime, telemetry, plan.Conversion.Names);
        var reads = new ReadPath(pages, codec, hooks);
        var settlement = new Settlement(engine, plan.Time, plan.CommitLoggerOf("Commits"));
        var group = lifetime.Own(new GroupCommit(settlement, telemetry, plan.Time, StartThread));
        var duplicates = new DuplicateCheck(pages, codec);
        var committer = new Committer(group, duplicates, telemetry);

        var ledger = new Ledger<DispatchProgress>(engine, DispatchProgress.DocumentName, progress => progress.In(storeId));
        var scheduler = MakeScheduler(ledger, reads, telemetry);
        var isSynchronous = plan.Dispatch?.Scheduling.Kind == SchedulerKind.Synchronous;
        Func<Checkpoint, ValueTask>? beforeReturn =
            scheduler is not null && isSynchronous ? scheduler.WaitUntilDispatchedAsync : null;
        var commits = new CommitPath(codec, hooks, committer, beforeReturn);

        var shared = new SharedPages(pages, plan.Time);
        var isReadOnly = plan.ReadOnly is not null && plan.ConsumerStorage is null;
        var signer = new ReadStreamSigner(plan.SigningKey, plan.BindsReadStreams ? storeId : Guid.Empty);
        var links = new ReadStreamDocuments(documents, signer, isReadOnly);
        var readStreams = new ReadStreamHost(links, reads, lifetime, plan.LoggerOf("ReadStreams"));
        var feeds = new EventFeeds(shared, reads, readStreams.OpenFeed);
        var consumerDocuments = new ConsumerDocuments(documents, storeId, plan.Time);
        var running = lifetime.Own(new RunningConsumers(consumerDocuments, telemetry, plan.LoggerOf("Consumers")));

        lifetime.Own(telemetry.Gauges);
        lifetime.RefuseFrom(running.FindCaller);
        lifetime.RefuseFrom(() => scheduler is { IsInside: true } ? "the dispatcher of this store" : null);
        lifetime.RefuseFrom(() => hooks.IsInside ? "a hook of this store" : null);
        var dispatch = MakeDispatch(new DispatchMarks(ledger, reads), scheduler, telemetry);

        var maintenance = new StoreMaintenance(engine, shared, hooks);
        var bounds = new RetentionBounds(plan.IsDispatchTracked ? ledger : null, scheduler is not null, consumerDocuments, plan.Time);
        var snapshots = new SnapshotRecords(engine, plan.SnapshotsKept, lifetime);
        var target = new ImportTarget(settlement, group, pages, duplicates)
        {
            StoreId = storeId,
            Maintenance = maintenance,
            Snapshots = snapshots,
        };
        var store = new OptimisticEventStore(commits, reads, maintenance, lifetime)
        {
            Retention = ApplyAtIntervals(new EventRetention(plan.Retention.Policies, pages, maintenance, bounds)),
            Imports = new ImportHost(target, engine, codec, plan.Time),
            Time = plan.Time,
            Loggers = plan.Loggers,
            Streams = new StreamOpener(commits, reads, plan.CommitLoggerOf("Commits")),
            Snapshots = new SnapshotStore(snapshots, codec, pages),
            Dispatch = dispatch,
            Consumers = new ConsumerHost(running, consumerDocuments, feeds, states),
            ReadStreams = readStreams,
            Units = new UnitPath(codec, hooks, committer, beforeReturn),
            Queries = new StoreQueries(reads, plan.SigningKey ?? default),
            Description = plan.Describe(engine.Description, hooks),
        };

        if (scheduler is not null && plan.Startup == DispatchStartup.Auto)
            await scheduler.StartAsync(cancellationToken).ConfigureAwait(false);
        LogBuilt(engine.Description);
        return store;
    }

    private IDispatch MakeDispatch(DispatchMarks marks, DispatchScheduler? scheduler, Telemetry telemetry)
    {
        IDispatch dispatch = plan.IsDispatchTracked
            ? new TrackedDispatch(marks, scheduler, lifetime, plan.Time)
            : new UntrackedDispatch(lifetime);
        if (scheduler is not null)
            telemetry.Gauges.ObserveBacklog(async token => (await dispatch.GetStatusAsync(token).ConfigureAwait(false)).Backlog);
        return dispatch;
    }

    private DispatchScheduler? MakeScheduler(Ledger<DispatchProgress> ledger, ReadPath reads, Telemetry telemetry)
    {
        if (plan.Dispatch is not { } dispatch) return null;
        var options = dispatch.Scheduling.Options;
        var target = new DispatchTarget(dispatch.Dispatcher.Dispatcher, dispatch.Dispatcher.IsPerEvent);
        var lease = new Lease<DispatchProgress>(ledger, options.LeaseTerm, options.PollInterval, plan.Time);
        var commits = new UndispatchedCommits(reads, ledger, target);
        var bus = new DispatchBus(target, options, new DispatchReport(telemetry, plan.LoggerOf("Dispatch")));
        return lifetime.Own(new DispatchScheduler(lease, commits, bus));
    }

    private EventRetention ApplyAtIntervals(EventRetention retention)
    {
        if (plan.Retention is { Policies.Count: > 0, Interval: { } interval })
            lifetime.Own(new RetentionLoop(retention, interval, plan.Time, plan.LoggerOf("Retention")));
        return retention;
    }

    // Without the context of the caller that happens to be the first to commit.
    private static void StartThread(Thread thread) => thread.UnsafeStart();

    private void LogBuilt(EngineDescription engine)
    {
        var logger = plan.LoggerOf();
        Log.Built(logger, engine.Name, engine.Durability.Level);
        foreach (var finding in engine.Findings) Log.Found(logger, engine.Name, finding);
        foreach (var warning in engine.Durability.Warnings) Log.DurabilityWarning(logger, engine.Name, warning);
    }
}

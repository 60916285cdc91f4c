using System.Collections.Frozen;
using EventStore.Diagnostics;
using EventStore.Pipeline;
using EventStore.Retention;
using EventStore.Serialization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Composition;

/// <summary>The choices of a wireup, checked: nothing is missing, and no two choices contradict each other.</summary>
internal sealed class StorePlan
{
    // How deep JSON of a serializer of the application may be, whose own limit is not known.
    private const int MaxDepthOfOtherJson = 1000;

    private readonly Wireup wireup;

    /// <exception cref="WireupException">A choice is missing, or two contradict each other; the message names the fix.</exception>
    public StorePlan(Wireup wireup)
    {
        this.wireup = wireup;
        Loggers = wireup.Find<ILoggerFactory>() ?? NullLoggerFactory.Instance;
        CommitLoggers = new ContainedLoggers(Loggers);
        Persistence = wireup.Find<PersistenceChoice>() ?? throw new WireupException(
            "No persistence was chosen. Choose one: UsingInMemoryPersistence() for tests, "
            + "UsingPersistence(\"scheme:address\", engines => …), or the method of a backend's package.");
        var serializer = wireup.Find<SerializerChoice>() ?? throw new WireupException(
            "No serializer was chosen. Choose one: UsingJsonSerialization(types => types.Register<OrderPlaced>(\"order-placed\")) "
            + "or UsingCustomSerialization(serializer).");
        RequireConsistentDispatch();
        RequireWritable();
        serializer.Json?.RequireContracts();
        Serializer = serializer.Serializer;
        Conversion = MakeConversion(serializer.Json);
        Applied = ApplicableTransforms();
        RequireEncryptionForPlaintext();
    }

    public PersistenceChoice Persistence { get; }

    public IEventSerializer Serializer { get; }

    /// <summary>
    /// Whether something is bound to the identity of the store: signatures, payloads, or what a process that only reads keeps elsewhere.
    /// </summary>
    public bool NeedsIdentity =>
        SigningKey is { IsEmpty: false } || Applied.Any(transform => transform is not CompressionTransform)
        || (ReadOnly is not null && ConsumerStorage is not null);

    /// <summary>Whether read streams are bound to the identity: they are signed, or kept where those of another store may be.</summary>
    public bool BindsReadStreams => SigningKey is { IsEmpty: false } || ConsumerStorage is not null;

    public BodyConversion Conversion { get; }

    /// <summary>The loggers of the application, or one that logs nothing.</summary>
    public ILoggerFactory Loggers { get; }

    public TimeProvider Time => wireup.Find<TimeProvider>() ?? TimeProvider.System;

    public IReadOnlyList<IPipelineHook> Hooks => wireup.All<IPipelineHook>();

    public IReadOnlyList<EventUpconverter> Upconverters => wireup.All<EventUpconverter>();

    /// <summary>How many snapshots of a stream are kept; null for all.</summary>
    public int? SnapshotsKept => wireup.Find<SnapshotsChoice>()?.Keep;

    /// <summary>How many events are kept.</summary>
    public RetentionPlan Retention => new(
        wireup.All<RetentionPolicy>(),
        wireup.Find<RetentionIntervalChoice>() is { } choice ? choice.Interval : RetentionPlan.DefaultInterval);

    public bool MayCreateStorage => wireup.Find<InitializationChoice>() is not null;

    /// <summary>How long to wait for a storage that is opened for reading only; null for a store that writes.</summary>
    public ReadOnlyChoice? ReadOnly => wireup.Find<ReadOnlyChoice>();

    /// <summary>Where consumers and read streams are kept; null for beside the events.</summary>
    public ConsumerStorageChoice? ConsumerStorage => wireup.Find<ConsumerStorageChoice>();

    /// <summary>The key of read streams; empty where they are left unsigned by choice, null where nothing was chosen.</summary>
    public ReadOnlyMemory<byte>? SigningKey => wireup.Find<SigningChoice>()?.Key;

    public bool IsDispatchTracked => wireup.Find<UntrackedChoice>() is null;

    /// <summary>How commits are dispatched; null where the application dispatches them itself.</summary>
    public (SchedulerChoice Scheduling, DispatcherChoice Dispatcher)? Dispatch =>
        wireup.Find<SchedulerChoice>() is { } scheduling && wireup.Find<DispatcherChoice>() is { } dispatcher
            ? (scheduling, dispatcher)
            : null;

    public DispatchStartup Startup => wireup.Find<StartupChoice>()?.Startup ?? DispatchStartup.Auto;

    // The transforms applied to new payloads, in this order.
    private IReadOnlyList<IPayloadTransform> Applied { get; }

    // For what runs during a commit, whose outcome no exception of a logger may change.
    private ContainedLoggers CommitLoggers { get; }

    /// <summary>The logger of a part of the store; of the store itself without a name.</summary>
    public ILogger LoggerOf(string? part = null) => Loggers.CreateLogger(part is null ? "EventStore" : $"EventStore.{part}");

    /// <summary>The logger of a part of the store that runs during a commit. It never throws.</summary>
    public ILogger CommitLoggerOf(string part) => CommitLoggers.CreateLogger($"EventStore.{part}");

    /// <summary>What an engine is created with.</summary>
    public EngineContext EngineContext =>
        new(Time, CommitLoggers) { MayCreateStorage = MayCreateStorage, IsReadOnly = ReadOnly is not null };

    public StoreDescription Describe(EngineDescription engine, PipelineHooks hooks) => new(
        engine,
        Serializer.Name,
        [.. Applied.Select(transform => transform.Id)],
        hooks.Names,
        [.. Upconverters.Select(converter => converter.From)],
        DescribeDispatch(),
        SnapshotsKept)
    {
        Plaintext = Plaintext is { } plaintext ? DescribePlaintext(plaintext) : null,
    };

    /// <summary>The envelope of payloads. Payloads of both compression algorithms can always be read.</summary>
    public PayloadEnvelope EnvelopeOf(Guid storeId) => MakeEnvelope(storeId, Applied);

    /// <summary>The envelope of consumer states, which are always compressed: they grow, and are written again and again.</summary>
    public PayloadEnvelope StateEnvelopeOf(Guid storeId) => MakeEnvelope(
        storeId, Applied.Any(transform => transform is CompressionTransform) ? Applied : [CompressionTransform.OfStates, .. Applied]);

    private PayloadEnvelope MakeEnvelope(Guid storeId, IEnumerable<IPayloadTransform> applied) => new(
        applied,
        [CompressionTransform.Of(CompressionAlgorithm.Gzip), CompressionTransform.Of(CompressionAlgorithm.Brotli)],
        new PayloadProtection(storeId, wireup.Find<EncryptionChoice>() is not null, Plaintext));

    // Null where everything must be encrypted, or nothing needs to be.
    private AcceptedPlaintext? Plaintext => (wireup.Find<PlaintextUntilChoice>(), wireup.Find<PlaintextTypesChoice>()) switch
    {
        (null, null) => null,
        var (until, types) => new AcceptedPlaintext(until?.Until ?? Checkpoint.Origin, types?.Types ?? FrozenSet<string>.Empty),
    };

    private static string DescribePlaintext(AcceptedPlaintext plaintext)
    {
        List<string> accepted = [];
        if (plaintext.Until != Checkpoint.Origin) accepted.Add($"up to checkpoint {plaintext.Until}");
        if (plaintext.Types.Count > 0) accepted.Add($"of the types {string.Join(", ", plaintext.Types.Order(StringComparer.Ordinal))}");
        return accepted.Count == 0 ? "none is accepted" : $"accepted {string.Join(" and ", accepted)}";
    }

    private string DescribeDispatch()
    {
        if (!IsDispatchTracked) return "not tracked";
        if (Dispatch is not { } dispatch) return "tracked; the application dispatches and marks";
        var unit = dispatch.Dispatcher.IsPerEvent ? "event by event" : "commit by commit";
        return $"{dispatch.Scheduling.Kind}, {unit}, started {Startup}, {dispatch.Scheduling.Options.Parallelism} at once";
    }

    private void RequireConsistentDispatch()
    {
        var hasScheduler = wireup.Find<SchedulerChoice>() is not null;
        var hasDispatcher = wireup.Find<DispatcherChoice>() is not null;
        if (!IsDispatchTracked && (hasDispatcher || hasScheduler))
        {
            var contradicted = wireup.VerbOf<DispatcherChoice>() ?? wireup.VerbOf<SchedulerChoice>();
            throw new WireupException($"DoNotDispatchCommits() contradicts {contradicted}. Remove one of the two calls.");
        }

        if (hasScheduler && !hasDispatcher)
            throw new WireupException($"{wireup.VerbOf<SchedulerChoice>()} has no dispatcher. Add DispatchTo(…).");
        if (hasDispatcher && !hasScheduler)
            throw new WireupException(
                "DispatchTo(…) has no scheduler. Add UsingAsynchronousDispatchScheduler() or UsingSynchronousDispatchScheduler().");
        if (wireup.Find<StartupChoice>() is not null && !hasScheduler)
            throw new WireupException("Startup(…) sets when a dispatch scheduler starts, but there is none. Add one, or remove the call.");
    }

    private void RequireWritable()
    {
        var writing = wireup.VerbOf<SchedulerChoice>() ?? wireup.VerbOf<InitializationChoice>()
            ?? (Retention.Policies.Count > 0 ? "KeepEvents(…)" : null);
        if (ReadOnly is null || writing is null) return;
        throw new WireupException($"OpenReadOnly() contradicts {writing}, which writes. Remove one of the two calls.");
    }

    private BodyConversion MakeConversion(JsonEventSerializer? json)
    {
        var upconversion = new Upconversion(Upconverters);
        var names = new TypeNames(upconversion.Steps(Serializer).Concat(json?.Aliases() ?? []));
        var mapper = wireup.Find<MappingsChoice>() is { } choice ? new EnvelopeMapper(choice.Mappings) : null;
        return new BodyConversion(upconversion, mapper, json?.DocumentOptions ?? new() { MaxDepth = MaxDepthOfOtherJson }, names);
    }

    private void RequireEncryptionForPlaintext()
    {
        if ((wireup.VerbOf<PlaintextUntilChoice>() ?? wireup.VerbOf<PlaintextTypesChoice>()) is { } verb
            && wireup.Find<EncryptionChoice>() is null)
            throw new WireupException($"{verb} has no meaning without encryption. Add EncryptWith(…), or remove the call.");
    }

    // Compressed first, encrypted last: encrypted bytes cannot be compressed.
    private List<IPayloadTransform> ApplicableTransforms()
    {
        List<IPayloadTransform> applied = [.. wireup.All<TransformChoice>().Select(choice => choice.Transform)];
        if (wireup.Find<EncryptionChoice>() is { } encryption) applied.Add(encryption.Transform);
        if (applied.GroupBy(transform => transform.Id, StringComparer.Ordinal).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new WireupException($"The transform '{Names.Printable(twice.Key)}' was chosen twice. Choose it once.");
        if (applied.Count > PayloadEnvelope.MaxTransforms)
            throw new WireupException(
                $"At most {PayloadEnvelope.MaxTransforms} transforms can be applied, but {applied.Count} were chosen.");
        return applied;
    }
}

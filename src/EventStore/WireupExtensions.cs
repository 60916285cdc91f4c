using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EventStore.Composition;
using EventStore.InMemory;
using EventStore.Retention;
using EventStore.Serialization;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>The wireup methods of core: persistence, serialization, payloads, hooks, clock and logging, and the build.</summary>
public static class WireupExtensions
{
    /// <summary>Stores in the memory of this process, for tests. Each store that is built has its own memory.</summary>
    public static Wireup UsingInMemoryPersistence(this Wireup wireup) =>
        Require(wireup).UsingPersistence(nameof(UsingInMemoryPersistence), context => new InMemoryPersistenceEngine(context.Time));

    /// <summary>
    /// Adds the in-memory engine as <c>memory:</c>. <see cref="BuildAsync"/> adds it if the scheme is not used.
    /// </summary>
    public static EngineCatalogue AddInMemory(this EngineCatalogue engines)
    {
        ArgumentNullException.ThrowIfNull(engines);
        return engines.Add("memory", (rest, context) => string.IsNullOrWhiteSpace(rest)
            ? new InMemoryPersistenceEngine(context.Time)
            : throw new WireupException(
                "The address 'memory:' has something after the colon, but every store has its own memory, without a name. "
                + "Write 'memory:' alone."));
    }

    /// <summary>
    /// Creates missing storage when the store is built. Without this method the storage must exist, and is only checked.
    /// </summary>
    public static Wireup InitializeStorageEngine(this Wireup wireup) =>
        Require(wireup).Choose(nameof(InitializeStorageEngine), new InitializationChoice());

    /// <summary>Serializes bodies as JSON, by reflection over the registered types.</summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="types">Registers the types that are stored.</param>
    /// <param name="options">The options of the serializer; null for the web defaults (camel case).</param>
    [RequiresUnreferencedCode("Types are found by reflection. Pass a JsonSerializerContext where code is trimmed.")]
    [RequiresDynamicCode("Types are found by reflection. Pass a JsonSerializerContext where code is compiled ahead of time.")]
    public static Wireup UsingJsonSerialization(this Wireup wireup, Action<EventTypes> types, JsonSerializerOptions? options = null)
    {
        var chosen = new JsonSerializerOptions(options ?? JsonSerializerOptions.Web);
        chosen.TypeInfoResolver ??= new DefaultJsonTypeInfoResolver();
        return UseJson(wireup, types, chosen);
    }

    /// <summary>
    /// Serializes bodies as JSON, by generated contracts. Works in trimmed code and code compiled ahead of time.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="context">The generated contracts of all types that are stored.</param>
    /// <param name="types">Registers the types that are stored.</param>
    public static Wireup UsingJsonSerialization(this Wireup wireup, JsonSerializerContext context, Action<EventTypes> types)
    {
        ArgumentNullException.ThrowIfNull(context);
        return UseJson(wireup, types, context.Options);
    }

    /// <summary>Serializes bodies with a serializer of the application.</summary>
    public static Wireup UsingCustomSerialization(this Wireup wireup, IEventSerializer serializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        return Require(wireup).Choose(nameof(UsingCustomSerialization), new SerializerChoice(serializer, Json: null));
    }

    /// <summary>Compresses each payload by itself. Payloads stored with and without compression are always readable.</summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="algorithm">The algorithm.</param>
    /// <param name="level">The level.</param>
    /// <param name="minBytes">Smaller payloads are not compressed.</param>
    /// <exception cref="InvalidOptionException">There is no such algorithm or level, or the number is negative.</exception>
    public static Wireup Compress(
        this Wireup wireup,
        CompressionAlgorithm algorithm = CompressionAlgorithm.Brotli,
        CompressionLevel level = CompressionLevel.Fastest,
        int minBytes = 128)
    {
        OptionRules.RequireDefinedOf(nameof(Compress), algorithm);
        OptionRules.RequireDefinedOf(nameof(Compress), level);
        OptionRules.RequireOf(nameof(Compress), minBytes >= 0, minBytes, "0 or more");
        return Require(wireup).Collect(nameof(Compress), new TransformChoice(new CompressionTransform(algorithm, level, minBytes)));
    }

    /// <summary>
    /// Encrypts bodies, headers, snapshots and states of consumers with AES-GCM, and refuses to read what is not encrypted. Names of
    /// streams, categories, buckets and types, ids, positions and times are not encrypted.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="current">The key for new payloads.</param>
    /// <param name="earlier">Further keys for older payloads. To rotate, pass a new current key, and the old one here.</param>
    public static Wireup EncryptWith(this Wireup wireup, EncryptionKey current, params IEnumerable<EncryptionKey> earlier)
    {
        ArgumentNullException.ThrowIfNull(current);
        ArgumentNullException.ThrowIfNull(earlier);
        var keys = new Dictionary<string, EncryptionKey>(StringComparer.Ordinal);
        foreach (var key in earlier.Prepend(current))
        {
            ArgumentNullException.ThrowIfNull(key, nameof(earlier));
            if (!keys.TryAdd(key.Id, key))
                throw new WireupException($"Two encryption keys have the id '{key}'. Give every key its own id.");
        }

        return Require(wireup).Choose(nameof(EncryptWith), new EncryptionChoice(new EncryptionTransform(current, keys)));
    }

    /// <summary>
    /// Reads events up to a checkpoint although they are not encrypted: those stored before <see cref="EncryptWith"/> was chosen. An
    /// attacker who can write to the storage can replace them.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="checkpoint">The store's head when encryption was chosen. Snapshots and states of consumers are not included.</param>
    public static Wireup AcceptPlaintextUntil(this Wireup wireup, Checkpoint checkpoint) =>
        Require(wireup).Choose(nameof(AcceptPlaintextUntil), new PlaintextUntilChoice(checkpoint));

    /// <summary>
    /// Reads events, snapshots and states of these types although they are not encrypted. An attacker who can write to the storage
    /// can replace them.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="types">Their stable type names.</param>
    public static Wireup AcceptPlaintextOf(this Wireup wireup, params IEnumerable<string> types)
    {
        ArgumentNullException.ThrowIfNull(types);
        var names = types.Select(EventRecord.RequireType).ToFrozenSet(StringComparer.Ordinal);
        if (names.Count == 0) throw new WireupException("AcceptPlaintextOf(…) names no type. Name the types, or remove the call.");
        return Require(wireup).Choose(nameof(AcceptPlaintextOf), new PlaintextTypesChoice(names));
    }

    /// <summary>
    /// Applies a transform of the application to payloads. Several are applied in the order of the calls, encryption last.
    /// </summary>
    public static Wireup TransformPayloadsUsing(this Wireup wireup, IPayloadTransform transform)
    {
        ArgumentNullException.ThrowIfNull(transform);
        return Require(wireup).Collect(nameof(TransformPayloadsUsing), new TransformChoice(transform));
    }

    /// <summary>Converts events of an old class into those of a newer one while reading.</summary>
    public static Wireup UpconvertEventsUsing<TOld, TNew>(
        this Wireup wireup, Func<TOld, TNew> convert) where TOld : notnull where TNew : notnull =>
        UpconvertEventsUsing(wireup, EventUpconverter.OfObjects(convert));

    /// <summary>Converts the JSON of an old event type into that of a newer one while reading.</summary>
    public static Wireup UpconvertEventsUsing(
        this Wireup wireup, string fromEventType, string toEventType, Func<JsonNode, JsonNode> convert) =>
        UpconvertEventsUsing(wireup, EventUpconverter.OfJson(fromEventType, toEventType, convert));

    /// <summary>Converts old events into their present form while reading.</summary>
    public static Wireup UpconvertEventsUsing(this Wireup wireup, EventUpconverter converter)
    {
        ArgumentNullException.ThrowIfNull(converter);
        return Require(wireup).Collect(nameof(UpconvertEventsUsing), converter);
    }

    /// <summary>Copies envelope values into JSON bodies while reading.</summary>
    public static Wireup DefineEventMappings(this Wireup wireup, Action<EventMappings> define)
    {
        ArgumentNullException.ThrowIfNull(define);
        var mappings = new EventMappings();
        define(mappings);
        return Require(wireup).Choose(nameof(DefineEventMappings), new MappingsChoice(mappings));
    }

    /// <summary>Runs hooks around commits and reads, in the order of the calls.</summary>
    public static Wireup HookIntoPipelineUsing(this Wireup wireup, params IEnumerable<IPipelineHook> hooks)
    {
        Require(wireup);
        ArgumentNullException.ThrowIfNull(hooks);
        foreach (var hook in hooks)
        {
            ArgumentNullException.ThrowIfNull(hook, nameof(hooks));
            wireup.Collect(nameof(HookIntoPipelineUsing), hook);
        }

        return wireup;
    }

    /// <summary>Keeps only the newest snapshots of each stream. Without this method all are kept.</summary>
    /// <exception cref="InvalidOptionException">The number is below 1.</exception>
    public static Wireup KeepSnapshots(this Wireup wireup, int newest)
    {
        OptionRules.RequireOf(nameof(KeepSnapshots), newest >= 1, newest, "at least 1");
        return Require(wireup).Choose(nameof(KeepSnapshots), new SnapshotsChoice(newest));
    }

    /// <summary>
    /// Keeps only the newest events of each stream of a category. Older ones are truncated, except what a snapshot, the dispatcher or a
    /// durable consumer still needs. May be called for several categories.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="category">The category; empty for streams without one.</param>
    /// <param name="maxEvents">How many of the newest events of each stream are kept; null for any number.</param>
    /// <param name="maxAge">How old an event may be; null for any age.</param>
    /// <exception cref="InvalidOptionException">There is neither a number nor an age, or one is out of its range.</exception>
    /// <exception cref="InvalidNameException">The category is too long or ill-formed.</exception>
    public static Wireup KeepEvents(this Wireup wireup, string category, long? maxEvents = null, TimeSpan? maxAge = null) =>
        KeepEvents(wireup, category, options => (options.MaxEvents, options.MaxAge) = (maxEvents, maxAge));

    /// <summary>Keeps only the newest events of each stream of a category.</summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="category">The category; empty for streams without one.</param>
    /// <param name="configure">Sets the limits, and what they may ignore.</param>
    /// <exception cref="InvalidOptionException">There is neither a number nor an age, or one is out of its range.</exception>
    /// <exception cref="InvalidNameException">A name is too long or ill-formed.</exception>
    public static Wireup KeepEvents(this Wireup wireup, string category, Action<RetentionOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new RetentionOptions();
        configure(options);
        return Require(wireup).Collect(
            nameof(KeepEvents), new RetentionPolicy(StreamId.RequireCategory(category), options.Validated()));
    }

    /// <summary>
    /// Sets how often the store applies <see cref="KeepEvents(Wireup, string, long?, TimeSpan?)"/> by itself. Default: every hour.
    /// </summary>
    /// <param name="wireup">The wireup.</param>
    /// <param name="interval">
    /// The time between two applications, the first one after the start included; null for only when the application calls for it.
    /// </param>
    /// <exception cref="InvalidOptionException">It is shorter than a millisecond, or longer than 24 days.</exception>
    public static Wireup ApplyRetentionEvery(this Wireup wireup, TimeSpan? interval)
    {
        OptionRules.RequireOf(
            nameof(ApplyRetentionEvery),
            interval is null || (interval >= TimeSpan.FromMilliseconds(1) && interval <= TimeSpan.FromDays(24)),
            interval,
            "null, or from 1 millisecond to 24 days");
        return Require(wireup).Choose(nameof(ApplyRetentionEvery), new RetentionIntervalChoice(interval));
    }

    /// <summary>Uses this clock. Default: the system clock.</summary>
    public static Wireup UsingTimeProvider(this Wireup wireup, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return Require(wireup).Choose(nameof(UsingTimeProvider), time);
    }

    /// <summary>Logs to this factory. Default: no logging.</summary>
    public static Wireup UsingLoggerFactory(this Wireup wireup, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(loggers);
        return Require(wireup).Choose(nameof(UsingLoggerFactory), loggers);
    }

    /// <summary>Builds the store. The wireup cannot be used again.</summary>
    /// <exception cref="WireupException">A choice is missing, or two contradict each other; the message names the fix.</exception>
    /// <exception cref="StorageException">The storage cannot be opened.</exception>
    public static ValueTask<IEventStore> BuildAsync(this Wireup wireup, CancellationToken cancellationToken = default)
    {
        Require(wireup).Close();
        wireup.Find<PersistenceChoice>()?.Catalogue?.AddInMemoryIfMissing();
        return StoreBuilder.BuildAsync(wireup, cancellationToken);
    }

    internal static void AddInMemoryIfMissing(this EngineCatalogue catalogue)
    {
        if (!catalogue.Schemes.Contains("memory", StringComparer.OrdinalIgnoreCase)) catalogue.AddInMemory();
    }

    private static Wireup UseJson(Wireup wireup, Action<EventTypes> register, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(register);
        var types = new EventTypes();
        register(types);
        var serializer = new JsonEventSerializer(types, options);
        return Require(wireup).Choose(nameof(UsingJsonSerialization), new SerializerChoice(serializer, serializer));
    }

    private static Wireup Require(Wireup wireup)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        return wireup;
    }
}

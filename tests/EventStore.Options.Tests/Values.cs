using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Options.Tests;

/// <summary>Values to try: nothing, the smallest and largest ones, long times, undefined members, odd texts; and sound ones.</summary>
internal static class Values
{
    public static IEnumerable<object?> Of(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying) return Of(underlying).Prepend(null);
        if (type == typeof(TimeSpan))
            return
            [
                TimeSpan.Zero, TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(-1), TimeSpan.FromSeconds(1),
                TimeSpan.FromDays(24), TimeSpan.FromDays(50), TimeSpan.FromDays(200), TimeSpan.FromDays(3650), TimeSpan.MaxValue,
                TimeSpan.MinValue,
            ];
        if (type == typeof(int)) return [0, 1, -1, int.MaxValue, int.MinValue];
        if (type == typeof(long)) return [0L, 1L, -1L, long.MaxValue, long.MinValue];
        if (type == typeof(bool)) return [false, true];
        if (type == typeof(string)) return [null, "", " ", "a", "a\nb", "a\0", "a\ud83d", "CON", "../a", new string('n', 5000)];
        if (type == typeof(ConsumerStart))
            return
            [
                ConsumerStart.Current, ConsumerStart.AfterCheckpoint(Checkpoint.Max), ConsumerStart.AfterRevision(new Revision(1L << 62)),
            ];
        if (type.IsEnum) return [.. Enum.GetValues(type).Cast<object>(), Enum.ToObject(type, 99), Enum.ToObject(type, -1)];
        return type.IsValueType ? [] : [null];
    }

    /// <summary>A value that is accepted; null where none can be made here.</summary>
    public static object? Sound(Type type, Type verbs, string place) =>
        type == typeof(Wireup) ? Wireup.Init()
        : type == typeof(string) ? AddressFor(verbs, place)
        : type == typeof(IPersistenceEngine) ? new EngineCatalogue().AddInMemory().Create("memory:", EngineContext.Default)
        : type == typeof(Action<EngineCatalogue>) ? new Action<EngineCatalogue>(_ => { })
        : type == typeof(Action<EventTypes>) ? new Action<EventTypes>(_ => { })
        : type == typeof(Action<EventMappings>) ? new Action<EventMappings>(_ => { })
        : type == typeof(JsonSerializerContext) ? NoContracts.Default
        : type == typeof(EncryptionKey) ? new EncryptionKey("k", new byte[16])
        : type == typeof(IEnumerable<EncryptionKey>) ? Array.Empty<EncryptionKey>()
        : type == typeof(IEnumerable<IPipelineHook>) ? Array.Empty<IPipelineHook>()
        : type == typeof(EventUpconverter) ? EventUpconverter.OfJson("a", "b", node => node)
        : type == typeof(Func<JsonNode, JsonNode>) ? new Func<JsonNode, JsonNode>(node => node)
        : type == typeof(Func<string, Version>) ? new Func<string, Version>(text => new Version(text))
        : type == typeof(TimeProvider) ? TimeProvider.System
        : type == typeof(Microsoft.Extensions.Logging.ILoggerFactory) ? NullLoggerFactory.Instance
        : type == typeof(Func<Commit, CancellationToken, ValueTask>) ? new Func<Commit, CancellationToken, ValueTask>((_, _) => default)
        : type == typeof(Func<CommittedEvent, CancellationToken, ValueTask>)
            ? new Func<CommittedEvent, CancellationToken, ValueTask>((_, _) => default)
        : type == typeof(Action<RetentionOptions>) ? new Action<RetentionOptions>(options => options.MaxEvents = 1)
        : type == typeof(int) ? 1
        : type == typeof(long?) ? 1L
        : type == typeof(TimeSpan?) ? TimeSpan.FromHours(1)
        : type.IsEnum ? Enum.GetValues(type).GetValue(0)
        : type.IsValueType ? Activator.CreateInstance(type)
        : null;

    private static string AddressFor(Type verbs, string place) => verbs.Name switch
    {
        nameof(SqliteWireupExtensions) => Path.Combine(place, "events.db"),
        nameof(PostgresWireupExtensions) => "Host=localhost",
        nameof(RedisWireupExtensions) => "localhost",
        nameof(MongoWireupExtensions) => "mongodb://localhost",
        nameof(FileSystemWireupExtensions) => place,
        _ => "memory:",
    };
}

/// <summary>Contracts of one type.</summary>
[JsonSerializable(typeof(string))]
internal sealed partial class NoContracts : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>
/// The document of a consumer: its position, its state at that position, the parked events, and the process that runs it.
/// </summary>
internal sealed class ConsumerRecord : ILeased<ConsumerRecord>
{
    private const string Folder = "consumers/";

    public static ConsumerRecord Empty => new();

    /// <summary>Whether the consumer was ever started. Where it begins, and what it reads, is decided once.</summary>
    public bool IsStarted { get; set; }

    /// <summary>What it reads: a fingerprint of its source.</summary>
    public string? Source { get; set; }

    /// <summary>Where it began. A state of another schema version is computed from here.</summary>
    public FeedPosition Origin { get; set; }

    /// <summary>Everything of its source up to here is handled, parked or skipped.</summary>
    public long Checkpoint { get; set; }

    /// <summary>The revision of the last event handled, where a stream or a read stream is consumed.</summary>
    public long Revision { get; set; }

    /// <summary>The revision after which delivery begins, while the stream or read stream has none after it; otherwise 0.</summary>
    public long Awaited { get; set; }

    /// <summary>The state, encoded; null without a state, before the first event, or where a document of its own holds it.</summary>
    public byte[]? State { get; set; }

    /// <summary>Which document holds a large state; 0 for none.</summary>
    public int StateSlot { get; set; }

    /// <summary>The version of that document.</summary>
    public long StateDocument { get; set; }

    /// <summary>The bytes of the encoded state.</summary>
    public long StateBytes { get; set; }

    public string? StateType { get; set; }

    public int StateVersion { get; set; }

    /// <summary>The type of the state with which the projection begins; null for a consumer without state.</summary>
    public string? InitialType { get; set; }

    /// <summary>The checkpoints of parked events, ascending.</summary>
    public List<long> Parked { get; set; } = [];

    public long Skipped { get; set; }

    public string? Owner { get; set; }

    public long Renewals { get; set; }

    /// <summary>Its position.</summary>
    [JsonIgnore]
    public FeedPosition Position
    {
        get => new(Checkpoint, Revision, Awaited);
        set => (Checkpoint, Revision, Awaited) = (value.Checkpoint, value.Revision, value.Awaited);
    }

    public static string DocumentOf(string name) => Folder + name;

    public static string NameIn(string document) => document[Folder.Length..];

    public static string Prefix => Folder;

    public static ConsumerRecord Read(string document, ReadOnlyMemory<byte> content) =>
        JsonSerializer.Deserialize(content.Span, ConsumerJson.Default.ConsumerRecord)
        ?? throw new CorruptStorageException($"document '{document}'", "it holds no consumer.", "Verify the store.");

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ConsumerJson.Default.ConsumerRecord);

    /// <summary>
    /// Sets the first position, without a state. Nothing is parked or skipped, because every event from here on is delivered again.
    /// </summary>
    public void Begin(FeedPosition position, IConsumerState state)
    {
        (IsStarted, Position, Parked, Skipped) = (true, position, [], 0);
        (State, StateType, StateVersion, InitialType) = (null, null, state.SchemaVersion, state.InitialType);
        (StateSlot, StateDocument, StateBytes) = (0, 0, 0);
    }

    public ConsumerRecord Copy()
    {
        var copy = (ConsumerRecord)MemberwiseClone();
        copy.Parked = [.. Parked];
        return copy;
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(ConsumerRecord))]
internal sealed partial class ConsumerJson : JsonSerializerContext;

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

    /// <summary>Whether the consumer was ever started. Where it begins is decided once.</summary>
    public bool IsStarted { get; set; }

    /// <summary>Everything of its source up to here is handled, parked or skipped.</summary>
    public long Checkpoint { get; set; }

    /// <summary>The revision of the last event handled, where a stream or a read stream is consumed.</summary>
    public long Revision { get; set; }

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

    /// <summary>The checkpoints of parked events, ascending.</summary>
    public List<long> Parked { get; set; } = [];

    public long Skipped { get; set; }

    public string? Owner { get; set; }

    public long Renewals { get; set; }

    public static string DocumentOf(string name) => Folder + name;

    public static string NameIn(string document) => document[Folder.Length..];

    public static string Prefix => Folder;

    public static ConsumerRecord Read(string document, ReadOnlyMemory<byte> content) =>
        JsonSerializer.Deserialize(content.Span, ConsumerJson.Default.ConsumerRecord)
        ?? throw new CorruptStorageException($"document '{document}'", "it holds no consumer.", "Verify the store.");

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ConsumerJson.Default.ConsumerRecord);

    /// <summary>Sets where the consumer begins, without a state.</summary>
    public void Begin(FeedPosition position, int stateVersion)
    {
        (IsStarted, Checkpoint, Revision) = (true, position.Checkpoint, position.Revision);
        (State, StateType, StateVersion) = (null, null, stateVersion);
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

using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore.Deliveries;
using EventStore.Feeds;
using EventStore.Leases;

namespace EventStore.Consumers;

/// <summary>
/// The document of a consumer: its position, its state at that position, the parked events, and the process that runs it.
/// </summary>
internal sealed record ConsumerRecord : ILeased<ConsumerRecord>
{
    private const string Folder = "consumers/";

    public static ConsumerRecord Empty { get; } = new();

    /// <summary>Whether the consumer was ever started. Where it begins, and what it reads, is decided once.</summary>
    public bool IsStarted { get; init; }

    /// <summary>The identity of the store that it reads; empty where it was not known. It may be kept elsewhere.</summary>
    public Guid Store { get; init; }

    /// <summary>What it reads: a fingerprint of its source.</summary>
    public string? Source { get; init; }

    /// <summary>Where it began. A state of another schema version is computed from here.</summary>
    public FeedPosition Origin { get; init; }

    /// <summary>Everything of its source up to here is handled, parked or skipped.</summary>
    public long Checkpoint { get; init; }

    /// <summary>The revision of the last event handled, where a stream or a read stream is consumed.</summary>
    public long Revision { get; init; }

    /// <summary>The revision after which delivery begins, while the stream or read stream has none after it; otherwise 0.</summary>
    public long Awaited { get; init; }

    /// <summary>The state, encoded; null without a state, before the first event, or where a document of its own holds it.</summary>
    public byte[]? State { get; init; }

    /// <summary>Which document holds a large state; 0 for none.</summary>
    public int StateSlot { get; init; }

    /// <summary>The version of that document.</summary>
    public long StateDocument { get; init; }

    /// <summary>The bytes of the encoded state.</summary>
    public long StateBytes { get; init; }

    public string? StateType { get; init; }

    public int StateVersion { get; init; }

    /// <summary>The type of the state with which the projection begins; null for a consumer without state.</summary>
    public string? InitialType { get; init; }

    /// <summary>The checkpoints of parked events, ascending.</summary>
    public IReadOnlyList<long> Parked { get; init => field = value ?? []; } = [];

    public long Skipped { get; init; }

    public string? Owner { get; init; }

    public long Renewals { get; init; }

    /// <summary>Its position.</summary>
    [JsonIgnore]
    public FeedPosition Position
    {
        get => new(Checkpoint, Revision, Awaited);
        init => (Checkpoint, Revision, Awaited) = (value.Checkpoint, value.Revision, value.Awaited);
    }

    public static string DocumentOf(string name) => Folder + name;

    public static string NameIn(string document) => document[Folder.Length..];

    public static string Prefix => Folder;

    public static ConsumerRecord Read(string document, ReadOnlyMemory<byte> content) =>
        LedgerContent.Read(document, content, ConsumerJson.Default.ConsumerRecord, static record =>
            record.Position.IsPossible && record.Origin.IsPossible
            && record.StateDocument >= 0 // a version may be any number, and is never added to another
            && LedgerContent.AreCounts(record.StateBytes, record.Skipped, record.Renewals)
            && record.StateSlot is >= 0 and <= StateDocuments.Slots && record.Parked.AreSound());

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, ConsumerJson.Default.ConsumerRecord);

    public ConsumerRecord RenewedBy(string? owner) => this with { Owner = owner, Renewals = Renewals + 1 };

    /// <summary>
    /// The record at its first position, without a state. Nothing is parked or skipped: every event from here on is delivered again.
    /// </summary>
    public ConsumerRecord Begin(FeedPosition position, IConsumerState state) => this with
    {
        IsStarted = true,
        Position = position,
        Parked = [],
        Skipped = 0,
        State = null,
        StateType = null,
        StateVersion = state.SchemaVersion,
        InitialType = state.InitialType,
        StateSlot = 0,
        StateDocument = 0,
        StateBytes = 0,
    };
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(ConsumerRecord))]
internal sealed partial class ConsumerJson : JsonSerializerContext;

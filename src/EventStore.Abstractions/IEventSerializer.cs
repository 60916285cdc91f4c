using System.Buffers;

namespace EventStore;

/// <summary>
/// Serializes bodies of events and states of snapshots under stable type names. Thread-safe; equal objects give equal bytes.
/// </summary>
public interface IEventSerializer
{
    /// <summary>Its name, for <see cref="IEventStore.Describe"/>.</summary>
    string Name { get; }

    /// <summary>The stable name under which objects of a type are stored.</summary>
    /// <exception cref="TypeNotRegisteredException">The type has no name.</exception>
    string NameOf(Type type);

    /// <summary>Writes an object.</summary>
    void Serialize(object value, IBufferWriter<byte> output);

    /// <summary>Reads an object; an <see cref="UnknownEvent"/> if the name is not known, which is not an error.</summary>
    object Deserialize(string typeName, ReadOnlyMemory<byte> payload);
}

/// <summary>Gives a class its stable type name, unless it is registered under another one.</summary>
/// <param name="name">The name, which does not change when the class is renamed.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class EventTypeAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>What a payload is.</summary>
public enum PayloadKind
{
    /// <summary>The body of an event.</summary>
    EventBody,

    /// <summary>The headers of an event.</summary>
    EventHeaders,

    /// <summary>The headers of a commit.</summary>
    CommitHeaders,

    /// <summary>The state of a snapshot.</summary>
    Snapshot,

    /// <summary>The state of a consumer.</summary>
    ConsumerState,
}

/// <summary>The place of a payload, to which a transform may bind it.</summary>
/// <param name="Stream">The stream; for the state of a consumer, its name as the id of a stream.</param>
/// <param name="Kind">What the payload is.</param>
/// <param name="Type">The stable type name of the event or state; empty for the headers of a commit.</param>
public readonly record struct PayloadContext(StreamId Stream, PayloadKind Kind, string Type)
{
    /// <summary>The event id, or the commit id for the headers of a commit; empty for a state.</summary>
    public Guid Id { get; init; }

    /// <summary>The revision of a snapshot, or the checkpoint of a consumer's state; 0 otherwise.</summary>
    public long Position { get; init; }

    /// <summary>The schema version of a state; 0 otherwise.</summary>
    public int SchemaVersion { get; init; }

    /// <summary>The identity of the store, which its backups share.</summary>
    public Guid StoreId { get; init; }

    /// <summary>The ids of the transforms applied before this one, in order, separated by commas; empty for none.</summary>
    public string AppliedBefore { get; init; } = "";
}

/// <summary>
/// Transforms serialized payloads before they are stored, and back: compression, encryption. Its id is stored with each payload, so that
/// payloads written with other transforms stay readable. Thread-safe.
/// </summary>
public interface IPayloadTransform
{
    /// <summary>A stable id of 1 to 32 ASCII characters.</summary>
    string Id { get; }

    /// <summary>
    /// Writes the transformed payload. Returns false to store this payload unchanged; then nothing may have been written.
    /// </summary>
    bool TryApply(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output);

    /// <summary>Writes the original payload.</summary>
    /// <exception cref="PayloadTransformException">The payload cannot be restored.</exception>
    void Restore(ReadOnlySpan<byte> payload, in PayloadContext context, IBufferWriter<byte> output);
}

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

/// <summary>The place of a payload, to which a transform may bind it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Role">The event type, or what else the payload is.</param>
public readonly record struct PayloadContext(StreamId Stream, string Role);

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
    bool TryApply(ReadOnlySpan<byte> payload, PayloadContext context, IBufferWriter<byte> output);

    /// <summary>Writes the original payload.</summary>
    /// <exception cref="PayloadTransformException">The payload cannot be restored.</exception>
    void Restore(ReadOnlySpan<byte> payload, PayloadContext context, IBufferWriter<byte> output);
}

using System.Buffers;

namespace EventStore;

/// <summary>Turns bodies of events and states of snapshots into bytes under a stable type name, and back. Thread-safe; the same object gives the same bytes.</summary>
public interface IEventSerializer
{
    /// <summary>What it is, for <see cref="IEventStore.Describe"/>.</summary>
    string Name { get; }

    /// <summary>The stable name under which objects of a type are stored.</summary>
    /// <exception cref="TypeNotRegisteredException">The type has none.</exception>
    string NameOf(Type type);

    /// <summary>Writes an object.</summary>
    void Serialize(object value, IBufferWriter<byte> output);

    /// <summary>Reads an object; an <see cref="UnknownEvent"/> where the name is not known, which is never an error.</summary>
    object Deserialize(string typeName, ReadOnlyMemory<byte> payload);
}

/// <summary>Puts a stable type name on a class, used where it is not registered by another one.</summary>
/// <param name="name">The name, which outlives renaming the class.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct, Inherited = false)]
public sealed class EventTypeAttribute(string name) : Attribute
{
    /// <summary>The name.</summary>
    public string Name { get; } = name;
}

/// <summary>What a payload belongs to; a transform may bind it to that place.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Role">The event type, or what else the payload is.</param>
public readonly record struct PayloadContext(StreamId Stream, string Role);

/// <summary>
/// Changes serialized payloads on their way to the engine and back: compression, encryption. Its id is stored with each payload, so that
/// payloads written under other choices stay readable. Thread-safe.
/// </summary>
public interface IPayloadTransform
{
    /// <summary>A stable id of 1 to 32 ASCII characters.</summary>
    string Id { get; }

    /// <summary>Writes the changed payload. May answer false to leave this payload as it is; then nothing may have been written.</summary>
    bool TryApply(ReadOnlySpan<byte> payload, PayloadContext context, IBufferWriter<byte> output);

    /// <summary>Writes the original payload.</summary>
    /// <exception cref="PayloadTransformException">It cannot be restored.</exception>
    void Restore(ReadOnlySpan<byte> payload, PayloadContext context, IBufferWriter<byte> output);
}

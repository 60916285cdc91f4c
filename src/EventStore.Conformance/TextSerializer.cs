using System.Buffers;
using System.Text;

namespace EventStore.Conformance;

/// <summary>The simplest serializer, for events that are texts, stored as UTF-8.</summary>
internal sealed class TextSerializer : IEventSerializer
{
    public const string TypeName = "text";

    public static TextSerializer Instance { get; } = new();

    public string Name => "text";

    public string NameOf(Type type) => type == typeof(string) ? TypeName : throw new TypeNotRegisteredException(type);

    public void Serialize(object value, IBufferWriter<byte> output) => output.Write(Encoding.UTF8.GetBytes((string)value));

    public object Deserialize(string typeName, ReadOnlyMemory<byte> payload) =>
        typeName == TypeName ? Encoding.UTF8.GetString(payload.Span) : new UnknownEvent(typeName, payload);
}

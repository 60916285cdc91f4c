using System.Buffers;

namespace EventStore.Benchmarks;

/// <summary>Bytes as they are, so that only the store is measured.</summary>
internal sealed class IdentitySerializer : IEventSerializer
{
    public string Name => "identity";

    public string NameOf(Type type) => "order-placed";

    public void Serialize(object value, IBufferWriter<byte> output) => output.Write((byte[])value);

    public object Deserialize(string typeName, ReadOnlyMemory<byte> payload) => payload;
}

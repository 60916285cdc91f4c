using System.Globalization;
using System.Text;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using EventStore;
using EventStore.Engines;

namespace AkkaPersistence;

/// <summary>
/// Objects as the serializers of an actor system write them. The bytes are the body of an event, and the manifest is its type. A header
/// names the serializer.
/// </summary>
/// <param name="system">The actor system.</param>
/// <param name="plugin">The plugin's part of the configuration, which names the serializer of types that are bound to no other.</param>
internal sealed class PayloadCodec(ExtendedActorSystem system, Config plugin)
{
    private const string SerializerHeader = "akka-serializer";
    private const string ManifestHeader = "akka-manifest";
    private const string Unnamed = "akka";

    private readonly string defaultSerializer = plugin.GetString("serializer");

    /// <summary>Serializes an object.</summary>
    /// <exception cref="Exception">What the serializer throws.</exception>
    public EventMessage Encode(object payload, Dictionary<string, string> headers, IEnumerable<string>? tags = null) =>
        Serialization.WithTransport(system, () =>
        {
            var serializer = system.Serialization.FindSerializerFor(payload, defaultSerializer);
            var manifest = Serialization.ManifestFor(serializer, payload);
            headers[SerializerHeader] = serializer.Identifier.ToString(CultureInfo.InvariantCulture);

            // A manifest may be empty, or longer than the name of a type.
            var isName = Encoding.UTF8.GetByteCount(manifest) is > 0 and <= EventRecord.MaxTypeBytes;
            if (!isName) headers[ManifestHeader] = manifest;
            return new EventMessage(new UnknownEvent(isName ? manifest : Unnamed, serializer.ToBinary(payload)), headers, tags: tags);
        });

    /// <summary>Deserializes the object of an event.</summary>
    /// <exception cref="Exception">What the serializer throws.</exception>
    public object Decode(CommittedEvent committed) => system.Serialization.Deserialize(
        committed.Payload.ToArray(),
        int.Parse(committed.Headers[SerializerHeader], CultureInfo.InvariantCulture),
        committed.Headers.GetValueOrDefault(ManifestHeader, committed.StoredEventType));
}

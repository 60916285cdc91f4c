using System.Runtime.CompilerServices;
using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Conventions;
using MongoDB.Bson.Serialization.Serializers;

namespace EventStore.Mongo.Tests;

/// <summary>
/// What an application may have registered for its own types. All tests of this assembly, the kit's as well, run with it.
/// </summary>
internal static class HostileConventions
{
    [ModuleInitializer]
    internal static void Register()
    {
        ConventionRegistry.Register(
            "hostile",
            new ConventionPack { new CamelCaseElementNameConvention(), new EnumRepresentationConvention(BsonType.String),
                new IgnoreIfDefaultConvention(true), new StringIdStoredAsObjectIdConvention() },
            _ => true);
        BsonSerializer.RegisterSerializer(new GuidSerializer(GuidRepresentation.CSharpLegacy));
        BsonSerializer.RegisterSerializer(new Int64Serializer(BsonType.String));
        BsonSerializer.RegisterSerializer(new Int32Serializer(BsonType.Double));
        BsonSerializer.RegisterSerializer(new ByteArraySerializer(BsonType.String));
        BsonSerializer.RegisterSerializer(new Shouting());
    }

    /// <summary>Strings in capitals.</summary>
    private sealed class Shouting : SerializerBase<string>
    {
        public override string Deserialize(BsonDeserializationContext context, BsonDeserializationArgs args) =>
            context.Reader.ReadString().ToUpperInvariant();

        public override void Serialize(BsonSerializationContext context, BsonSerializationArgs args, string value) =>
            context.Writer.WriteString(value.ToUpperInvariant());
    }
}

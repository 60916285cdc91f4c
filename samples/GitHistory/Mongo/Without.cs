using EventStore;

namespace GitHistory;

/// <summary>Stands in for the verb of EventStore.Mongo where its driver was not asked for, so that the address is refused with the way to it.</summary>
internal static class WithoutMongo
{
    public static EngineCatalogue AddMongo(this EngineCatalogue engines) => engines.Add("mongodb", (_, _) =>
        throw new WireupException("This was built without MongoDB. Build with -p:WithMongo=true, where MongoDB.Driver can be restored."));
}

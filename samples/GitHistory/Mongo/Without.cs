using EventStore;

namespace GitHistory;

/// <summary>Stands in for the verb of EventStore.Mongo where MongoDB.Driver could not be restored, so that the address is refused with the reason.</summary>
internal static class WithoutMongo
{
    public static EngineCatalogue AddMongo(this EngineCatalogue engines) => engines.Add("mongodb", (_, _) =>
        throw new WireupException("This was built with WithoutMongo=true, because the package MongoDB.Driver was not to be had. Build it where it is."));
}

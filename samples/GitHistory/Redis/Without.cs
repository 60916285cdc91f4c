using EventStore;

namespace GitHistory;

/// <summary>Stands in for the verb of EventStore.Redis where its driver was not asked for, so that the address is refused with the way to it.</summary>
internal static class WithoutRedis
{
    public static EngineCatalogue AddRedis(this EngineCatalogue engines) => engines.Add("redis", (_, _) => throw new WireupException(
        "This was built without Redis. Build with -p:WithRedis=true; where StackExchange.Redis 3.1.31 cannot be restored, with -p:StackExchangeRedisVersion=1.2.6 as well."));
}

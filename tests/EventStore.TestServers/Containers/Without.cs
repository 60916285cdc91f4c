namespace EventStore.TestServers;

/// <summary>Servers in containers, where no container engine was found when this was built: none.</summary>
internal static class Containers
{
    public static Task<ITestServer?> StartPostgresAsync() => Task.FromResult<ITestServer?>(null);

    public static Task<ITestServer?> StartRedisAsync() => Task.FromResult<ITestServer?>(null);

    public static Task<ITestServer?> StartMongoAsync() => Task.FromResult<ITestServer?>(null);
}

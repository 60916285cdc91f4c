using DotNet.Testcontainers.Containers;
using Testcontainers.MongoDb;
using Testcontainers.PostgreSql;
using Testcontainers.Redis;

namespace EventStore.TestServers;

/// <summary>Servers in containers. Their durability is switched on: by itself the module for PostgreSQL turns it off.</summary>
internal static class Containers
{
    public static async Task<ITestServer> StartPostgresAsync()
    {
        var container = new PostgreSqlBuilder("postgres:15")
            .WithCommand("-c", "fsync=on", "-c", "full_page_writes=on", "-c", "synchronous_commit=on", "-c", "max_connections=300").Build();
        await container.StartAsync();
        return new ContainerServer(container, container.GetConnectionString());
    }

    public static async Task<ITestServer> StartRedisAsync()
    {
        var container = new RedisBuilder("redis:7.0").WithCommand("redis-server", "--appendonly", "yes", "--appendfsync", "always").Build();
        await container.StartAsync();
        return new ContainerServer(container, container.GetConnectionString());
    }

    public static async Task<ITestServer> StartMongoAsync()
    {
        var container = new MongoDbBuilder("mongo:8.0").WithReplicaSet().Build();
        await container.StartAsync();
        return new ContainerServer(container, container.GetConnectionString());
    }

    private sealed class ContainerServer(IContainer container, string address) : ITestServer
    {
        public string Address => address;

        public string Origin => $"container {container.Image.FullName}";

        public ValueTask DisposeAsync() => container.DisposeAsync();
    }
}

using EventStore.Redis;
using StackExchange.Redis;

namespace EventStore;

/// <summary>The verbs of the Redis backend.</summary>
public static class RedisWireupExtensions
{
    /// <summary>
    /// Stores in a Redis server or cluster, which several processes may share. The connection is opened when the store is built, and closed
    /// with it.
    /// </summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="configuration">The configuration string of StackExchange.Redis, such as <c>localhost:6379</c>; TLS and credentials are
    /// said there.</param>
    /// <param name="options">Name, durability asked for and waits; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before, or the string cannot be read.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingRedisPersistence(this Wireup wireup, string configuration, RedisOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(configuration);
        var chosen = Chosen(options);
        var parsed = RedisConnection.Parse(configuration);
        return wireup.UsingPersistence(nameof(UsingRedisPersistence),
            context => new RedisPersistenceEngine(new RedisConnection(parsed, null), chosen, context));
    }

    /// <summary>
    /// Stores in a Redis server or cluster over a connection of the application's, which stays open when the store is disposed.
    /// </summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="connection">The connection, best opened with <c>allowAdmin=true</c>: otherwise the driver may keep durability from
    /// being asked for.</param>
    /// <param name="options">Name, durability asked for and waits; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingRedisPersistence(this Wireup wireup, IConnectionMultiplexer connection, RedisOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(connection);
        var chosen = Chosen(options);
        var parsed = RedisConnection.Parse(connection.Configuration);
        return wireup.UsingPersistence(nameof(UsingRedisPersistence),
            context => new RedisPersistenceEngine(new RedisConnection(parsed, connection), chosen, context));
    }

    /// <summary>
    /// Makes the backend known as <c>redis:</c>, followed by a configuration string of StackExchange.Redis: <c>redis:localhost:6379</c>.
    /// </summary>
    /// <param name="engines">The catalogue.</param>
    /// <param name="options">Name, durability asked for and waits; null for the defaults.</param>
    /// <exception cref="WireupException">The scheme is taken.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static EngineCatalogue AddRedis(this EngineCatalogue engines, RedisOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engines);
        var chosen = Chosen(options);
        return engines.Add("redis", (configuration, context) =>
            new RedisPersistenceEngine(new RedisConnection(RedisConnection.Parse(configuration), null), chosen, context));
    }

    private static RedisOptions Chosen(RedisOptions? options)
    {
        var chosen = (options ?? new RedisOptions()).Validated();
        return chosen;
    }
}

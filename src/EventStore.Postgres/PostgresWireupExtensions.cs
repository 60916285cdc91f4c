using EventStore.Postgres;
using Npgsql;

namespace EventStore;

/// <summary>The verbs of the PostgreSQL backend.</summary>
public static class PostgresWireupExtensions
{
    /// <summary>Stores in a schema of a PostgreSQL database. Any number of processes may write to it.</summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="connectionString">As Npgsql takes it; what it leaves open gets settings that suit the store.</param>
    /// <param name="options">Schema, durability and waits; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before, or the connection string cannot be read.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingPostgresPersistence(this Wireup wireup, string connectionString, PostgresOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(connectionString);
        var complete = PostgresConnections.Complete(connectionString);
        return wireup.Using(() => PostgresConnections.To(complete), options);
    }

    /// <summary>
    /// Stores in a schema of the database to which a data source of the application leads. It stays open when the store is disposed.
    /// </summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="dataSource">Where connections come from, with their settings as they are.</param>
    /// <param name="options">Schema, durability and waits; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingPostgresPersistence(this Wireup wireup, NpgsqlDataSource dataSource, PostgresOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(dataSource);
        return wireup.Using(() => PostgresConnections.Of(dataSource), options);
    }

    /// <summary>
    /// Stores inside a transaction of the application. What is committed to this store is visible to the transaction at once, and to all
    /// others when the application commits it. The store must be there. From its first commit until the transaction ends, no other writer
    /// goes on, so keep it short. The transaction stays open when the store is disposed.
    /// </summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="transaction">The open transaction. Nothing else may use its connection while a call to the store is under way.</param>
    /// <param name="options">The schema; durability is that of the transaction. Null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingPostgresPersistence(this Wireup wireup, NpgsqlTransaction transaction, PostgresOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(transaction);
        return wireup.Using(() => PostgresConnections.Inside(transaction), options);
    }

    /// <summary>
    /// Makes the backend known as <c>postgres:</c>, followed by a connection string: <c>postgres:Host=localhost;Database=orders</c>.
    /// </summary>
    /// <param name="engines">The catalogue.</param>
    /// <param name="options">Schema, durability and waits; null for the defaults.</param>
    /// <exception cref="WireupException">The scheme is taken.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static EngineCatalogue AddPostgres(this EngineCatalogue engines, PostgresOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engines);
        var chosen = (options ?? new PostgresOptions()).Validated();
        return engines.Add("postgres", (connectionString, context) =>
            new PostgresPersistenceEngine(PostgresConnections.To(PostgresConnections.Complete(connectionString)), chosen, context));
    }

    private static Wireup Using(this Wireup wireup, Func<PostgresConnections> connect, PostgresOptions? options)
    {
        var chosen = (options ?? new PostgresOptions()).Validated();
        return wireup.UsingPersistence(
            nameof(UsingPostgresPersistence), context => new PostgresPersistenceEngine(connect(), chosen, context));
    }
}

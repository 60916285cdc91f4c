using System.Diagnostics.CodeAnalysis;
using EventStore.Mongo;
using MongoDB.Driver;

namespace EventStore;

/// <summary>The verbs of the MongoDB engine.</summary>
public static class MongoWireupExtensions
{
    private const string Trimmed = "MongoDB.Driver reflects over types, and is not made to be trimmed.";
    private const string AheadOfTime = "MongoDB.Driver makes code while it runs, and is not made to be compiled ahead of time.";

    /// <summary>Stores in MongoDB, by a client of the store's own that is disposed with it.</summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="connectionString">As the driver takes it: <c>mongodb://…</c> or <c>mongodb+srv://…</c>.</param>
    /// <param name="options">Name, durability and times; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before, or the connection string cannot be read.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    [RequiresUnreferencedCode(Trimmed)]
    [RequiresDynamicCode(AheadOfTime)]
    public static Wireup UsingMongoPersistence(this Wireup wireup, string connectionString, MongoOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        var place = MongoPlace.Parse(connectionString, Valid(options));
        return wireup.UsingPersistence(nameof(UsingMongoPersistence), context => new MongoPersistenceEngine(place, context));
    }

    /// <summary>Stores in a database that is handed in. Its client stays open when the store is disposed.</summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="database">The database; its concerns and read preference are replaced by those the durability needs.</param>
    /// <param name="options">Name, durability and times; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    [RequiresUnreferencedCode(Trimmed)]
    [RequiresDynamicCode(AheadOfTime)]
    public static Wireup UsingMongoPersistence(this Wireup wireup, IMongoDatabase database, MongoOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        ArgumentNullException.ThrowIfNull(database);
        var place = MongoPlace.Of(database, Valid(options));
        return wireup.UsingPersistence(nameof(UsingMongoPersistence), context => new MongoPersistenceEngine(place, context));
    }

    /// <summary>
    /// Makes the MongoDB engine known as <c>mongodb:</c> and <c>mongodb+srv:</c>, so that a connection string is an address.
    /// </summary>
    /// <param name="engines">The catalogue.</param>
    /// <param name="options">Name, durability and times; null for the defaults.</param>
    /// <exception cref="WireupException">The scheme is taken.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    [RequiresUnreferencedCode(Trimmed)]
    [RequiresDynamicCode(AheadOfTime)]
    public static EngineCatalogue AddMongo(this EngineCatalogue engines, MongoOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engines);
        var chosen = Valid(options);
        foreach (var scheme in (string[])["mongodb", "mongodb+srv"])
            engines.Add(scheme, (rest, context) => new MongoPersistenceEngine(MongoPlace.Parse($"{scheme}:{rest}", chosen), context));
        return engines;
    }

    private static MongoOptions Valid(MongoOptions? options)
    {
        var chosen = (options ?? new MongoOptions()).Validated();
        return chosen;
    }
}

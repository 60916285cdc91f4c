using MongoDB.Driver;

namespace EventStore.Mongo;

/// <summary>Where a store is to be: found out without opening anything. Says so without secrets.</summary>
/// <param name="Address">The servers and the database, for descriptions.</param>
/// <param name="Options">What the application chose.</param>
/// <param name="Open">Opens the database; with the client to dispose, if it is the store's own.</param>
internal sealed record MongoPlace(string Address, MongoOptions Options, Func<(IMongoDatabase Database, IDisposable? Owned)> Open)
{
    private const string DefaultDatabase = "eventstore";

    public static MongoPlace Parse(string connectionString, MongoOptions options)
    {
        ArgumentNullException.ThrowIfNull(connectionString);
        MongoUrl url;
        try
        {
            url = MongoUrl.Create(connectionString);
        }
        catch (Exception error) when (error is MongoConfigurationException or ArgumentException or FormatException)
        {
            // The driver's message may repeat the string, and with it a password.
            throw new WireupException(
                "The MongoDB connection string cannot be read. It has the form 'mongodb://user:password@host:port/database?options', "
                    + "with reserved characters percent-encoded.");
        }

        var database = options.Database ?? url.DatabaseName ?? DefaultDatabase;
        return new MongoPlace(Describe(url.Servers, database), options, () =>
        {
            var client = new MongoClient(MongoClientSettings.FromUrl(url));
            return (client.GetDatabase(database), client);
        });
    }

    public static MongoPlace Of(IMongoDatabase given, MongoOptions options)
    {
        var database = options.Database is { } other ? given.Client.GetDatabase(other) : given;
        return new MongoPlace(Describe(given.Client.Settings.Servers, database.DatabaseNamespace.DatabaseName), options,
            () => (database, null));
    }

    private static string Describe(IEnumerable<MongoServerAddress> servers, string database) =>
        $"mongodb://{string.Join(',', servers)}/{database}";
}

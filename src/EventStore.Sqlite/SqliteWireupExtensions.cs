using EventStore.Sqlite;

namespace EventStore;

/// <summary>The verbs of the SQLite engine.</summary>
public static class SqliteWireupExtensions
{
    /// <summary>Stores in a SQLite database: a file, which several processes may share, or <c>:memory:</c>.</summary>
    /// <param name="wireup">The sheet.</param>
    /// <param name="database">The path of the file, <c>:memory:</c>, or a connection string such as <c>Data Source=orders.db</c>.</param>
    /// <param name="options">Name, durability, reading only; null for the defaults.</param>
    /// <exception cref="WireupException">A persistence was chosen before, or the connection string cannot be used.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static Wireup UsingSqlitePersistence(this Wireup wireup, string database, SqliteOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(wireup);
        var (location, chosen) = Checked(database, options);
        return wireup.UsingPersistence(nameof(UsingSqlitePersistence), context => new SqlitePersistenceEngine(location, chosen, context));
    }

    /// <summary>
    /// Makes the SQLite engine known as <c>sqlite:</c>, followed by a path, <c>:memory:</c> or a connection string:
    /// <c>sqlite:orders.db</c>.
    /// </summary>
    /// <param name="engines">The catalogue.</param>
    /// <param name="options">Name, durability, reading only; null for the defaults.</param>
    /// <exception cref="WireupException">The scheme is taken.</exception>
    /// <exception cref="InvalidOptionException">An option is out of its range.</exception>
    public static EngineCatalogue AddSqlite(this EngineCatalogue engines, SqliteOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engines);
        var chosen = (options ?? new SqliteOptions()).Validated();
        return engines.Add("sqlite", (database, context) =>
        {
            if (string.IsNullOrWhiteSpace(database)) throw new WireupException(
                "The address 'sqlite:' names no database. Write a path behind the colon, as in 'sqlite:orders.db', or 'sqlite::memory:'.");
            var (location, settled) = Checked(database, chosen);
            return new SqlitePersistenceEngine(location, settled, context);
        });
    }

    private static (SqliteLocation Location, SqliteOptions Options) Checked(string database, SqliteOptions? options)
    {
        var location = SqliteLocation.Parse(database);
        var chosen = (options ?? new SqliteOptions()).Validated();
        chosen.IsReadOnly |= location.IsReadOnly;
        if (location.IsMemory && chosen.IsReadOnly)
            throw new WireupException(
                "A database in memory is empty when it is opened, so it cannot be opened for reading only. Name a file.");
        return (location, chosen);
    }
}

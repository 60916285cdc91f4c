using System.Text.RegularExpressions;

namespace EventStore;

/// <summary>What an acknowledged commit of the SQLite engine survives.</summary>
public enum SqliteDurability
{
    /// <summary>Kill and power loss: every batch is flushed before it is acknowledged (<c>synchronous=FULL</c>).</summary>
    Durable,

    /// <summary>Kill of the process. A power loss may take the last moments, never part of a commit (<c>synchronous=NORMAL</c>).</summary>
    Fast,
}

/// <summary>How the SQLite engine keeps a store.</summary>
public sealed partial class SqliteOptions
{
    /// <summary>The store's name, with which the names of its tables begin: stores of several names may share a database. 1 to 64 lower-case letters, digits and <c>_</c>, a letter first. Default: <c>events</c>.</summary>
    public string Name { get; set; } = "events";

    /// <summary>What an acknowledged commit survives. Default: <see cref="SqliteDurability.Durable"/>.</summary>
    public SqliteDurability Durability { get; set; } = SqliteDurability.Durable;

    /// <summary>Whether the store is only read: nothing is created, and every write throws <see cref="ReadOnlyStorageException"/>. Default: false.</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>How long a writer waits for others that hold the database before it gives up with <see cref="StorageUnavailableException"/>. Default: 30 seconds.</summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often whoever waits for commits looks for those of other processes. At least a millisecond; default: 25 milliseconds.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(25);

    internal SqliteOptions Validated()
    {
        if (!NamePattern().IsMatch(Name ?? "") || Name!.StartsWith("sqlite_", StringComparison.Ordinal))
            throw new WireupException($"{nameof(SqliteOptions)}.{nameof(Name)} is '{Name}', but a store's name has 1 to 64 lower-case letters, digits and '_', begins with a letter and not with 'sqlite_'.");
        if (BusyTimeout < TimeSpan.Zero)
            throw new WireupException($"{nameof(SqliteOptions)}.{nameof(BusyTimeout)} is {BusyTimeout}, but must not be negative.");
        if (PollInterval < TimeSpan.FromMilliseconds(1))
            throw new WireupException($"{nameof(SqliteOptions)}.{nameof(PollInterval)} is {PollInterval}, but must be at least a millisecond.");
        return new() { Name = Name, Durability = Durability, IsReadOnly = IsReadOnly, BusyTimeout = BusyTimeout, PollInterval = PollInterval };
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,63}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}

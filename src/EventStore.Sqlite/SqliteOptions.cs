using System.Text.RegularExpressions;

namespace EventStore;

/// <summary>How the SQLite engine keeps a store.</summary>
public sealed partial class SqliteOptions
{
    /// <summary>
    /// The store's name, with which the names of its tables begin: stores of several names may share a database. 1 to 64 lower-case
    /// letters, digits and <c>_</c>, a letter first. Default: <c>events</c>.
    /// </summary>
    public string Name { get; set; } = "events";

    /// <summary>What an acknowledged commit survives. Default: <see cref="Durability.Durable"/>.</summary>
    public Durability Durability { get; set; } = Durability.Durable;

    /// <summary>
    /// Whether the store is only read: nothing is created, and every write throws <see cref="ReadOnlyStorageException"/>. Default: false.
    /// </summary>
    public bool IsReadOnly { get; set; }

    /// <summary>
    /// How long a writer waits for others that hold the database before it gives up with <see cref="StorageUnavailableException"/>.
    /// Default: 30 seconds.
    /// </summary>
    public TimeSpan BusyTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often a wait for commits looks for those of other processes. At least a millisecond; default: 25 milliseconds.
    /// </summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(25);

    internal SqliteOptions Validated()
    {
        OptionRules.Require(
            this,
            NamePattern().IsMatch(Name ?? "") && !Name!.StartsWith("sqlite_", StringComparison.Ordinal),
            Name,
            "1 to 64 lower-case letters, digits and '_' that begin with a letter and not with 'sqlite_'");
        OptionRules.Require(this, Durability is Durability.Durable or Durability.Fast, Durability,
            $"{nameof(Durability.Durable)} or {nameof(Durability.Fast)}");
        OptionRules.RequireBetween(this, BusyTimeout, TimeSpan.Zero, TimeSpan.FromHours(1));
        OptionRules.RequireBetween(this, PollInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        return (SqliteOptions)MemberwiseClone();
    }

    [GeneratedRegex("^[a-z][a-z0-9_]{0,63}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();
}

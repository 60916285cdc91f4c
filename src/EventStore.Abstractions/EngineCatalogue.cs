using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Engines;

/// <summary>What an engine is created with.</summary>
/// <param name="Time">The clock for stamps and waits.</param>
/// <param name="Loggers">For its log messages.</param>
public sealed record EngineContext(TimeProvider Time, ILoggerFactory Loggers)
{
    /// <summary>Whether initialization may create missing storage; otherwise it only checks the storage. Default: true.</summary>
    public bool MayCreateStorage { get; init; } = true;

    /// <summary>
    /// Whether the storage is only read: nothing is created, changed or locked, and commits of other processes are visible. Core refuses
    /// writes before they reach the engine. Default: false.
    /// </summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The system clock and no logging.</summary>
    public static EngineContext Default { get; } = new(TimeProvider.System, NullLoggerFactory.Instance);
}

/// <summary>
/// The backends of an application, each with the scheme of its addresses. The package of a backend has a method to add it, such as
/// <c>engines.AddSqlite()</c>. An address such as <c>sqlite:orders.db</c> then selects it by one configuration value.
/// </summary>
public sealed class EngineCatalogue
{
    private readonly Dictionary<string, Func<string, EngineContext, IPersistenceEngine>> factories = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The known schemes.</summary>
    public IReadOnlyCollection<string> Schemes => factories.Keys;

    /// <summary>Adds a backend.</summary>
    /// <param name="scheme">What its addresses begin with, without the colon.</param>
    /// <param name="create">Creates an engine from what follows the colon. Opens nothing yet.</param>
    /// <exception cref="ArgumentException">The scheme has a character that no scheme has.</exception>
    /// <exception cref="WireupException">The scheme was added before.</exception>
    public EngineCatalogue Add(string scheme, Func<string, EngineContext, IPersistenceEngine> create)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        ArgumentNullException.ThrowIfNull(create);
        if (scheme.Length == 0 || !scheme.All(one => char.IsAsciiLetterOrDigit(one) || one is '+' or '-' or '.'))
            throw new ArgumentException(
                "A scheme has letters, digits, '+', '-' and '.' only, and at least one. It is written without the colon.", nameof(scheme));
        if (!factories.TryAdd(scheme, create))
            throw new WireupException($"The scheme '{Names.Printable(scheme)}:' was added to the catalogue twice. Add each backend once.");
        return this;
    }

    /// <summary>Creates the engine of an address.</summary>
    /// <exception cref="WireupException">The address has no scheme or an unknown one, or its backend refuses it.</exception>
    public IPersistenceEngine Create(string address, EngineContext context)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(context);
        var colon = address.IndexOf(':', StringComparison.Ordinal);
        var known = string.Join(", ", factories.Keys.Order(StringComparer.Ordinal).Select(scheme => scheme + ":"));
        if (colon <= 0)
            throw new WireupException($"A persistence address has the form 'scheme:rest', such as 'memory:'. Known schemes: {known}.");
        if (colon == 1 && address.Length > 2 && address[2] is '\\' or '/')
            throw new WireupException(
                "A persistence address that begins with a drive letter looks like a path. "
                + $"Write the scheme before it, such as 'file:' for a directory. Known schemes: {known}.");
        // Without a scheme, what stands before the colon may be a secret, so it is not shown.
        if (!factories.TryGetValue(address[..colon], out var create))
            throw new WireupException(
                $"No backend for the scheme of this persistence address is known. Known schemes: {known}. "
                + "Reference the backend's package and add it where the address is given: engines => engines.Add…().");
        return create(address[(colon + 1)..], context);
    }
}

/// <summary>The chosen engine.</summary>
/// <param name="Create">Creates the engine, or returns the given one.</param>
/// <param name="IsOwned">Whether the store disposes it.</param>
/// <param name="Catalogue">The backends from which an address selects; null if the engine was chosen directly.</param>
public sealed record PersistenceChoice(Func<EngineContext, IPersistenceEngine> Create, bool IsOwned, EngineCatalogue? Catalogue = null);

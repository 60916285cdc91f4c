using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EventStore.Engines;

/// <summary>What an engine is given at its making.</summary>
/// <param name="Time">The clock for stamps and waits.</param>
/// <param name="Loggers">For its log messages.</param>
public sealed record EngineContext(TimeProvider Time, ILoggerFactory Loggers)
{
    /// <summary>Whether initialization may make storage that is missing; otherwise it only checks what must be there. Default: it may.</summary>
    public bool MayCreateStorage { get; init; } = true;

    /// <summary>
    /// Whether the storage is only read: nothing is made, changed or locked, and what others write meanwhile is followed. Core refuses writes before
    /// they reach the engine. Default: it is read and written.
    /// </summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The system clock and no logging.</summary>
    public static EngineContext Default { get; } = new(TimeProvider.System, NullLoggerFactory.Instance);
}

/// <summary>
/// The backends an application knows, each by the scheme of its addresses. A backend's package adds itself by a verb of its own, such as
/// <c>engines.AddSqlite()</c>; an address such as <c>sqlite:orders.db</c> then chooses it by one configuration value.
/// </summary>
public sealed class EngineCatalogue
{
    private readonly Dictionary<string, Func<string, EngineContext, IPersistenceEngine>> factories = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The schemes known.</summary>
    public IReadOnlyCollection<string> Schemes => factories.Keys;

    /// <summary>Makes a backend known.</summary>
    /// <param name="scheme">What its addresses begin with, without the colon.</param>
    /// <param name="create">Makes an engine for what follows the colon. Opens nothing yet.</param>
    /// <exception cref="WireupException">The scheme is taken.</exception>
    public EngineCatalogue Add(string scheme, Func<string, EngineContext, IPersistenceEngine> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(scheme);
        ArgumentNullException.ThrowIfNull(create);
        if (!factories.TryAdd(scheme, create))
            throw new WireupException($"The scheme '{scheme}:' was added to the catalogue twice. Add each backend once.");
        return this;
    }

    /// <summary>Makes the engine that an address names.</summary>
    /// <exception cref="WireupException">The address has no scheme, or one that nobody added.</exception>
    public IPersistenceEngine Create(string address, EngineContext context)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(address);
        var colon = address.IndexOf(':', StringComparison.Ordinal);
        var known = string.Join(", ", factories.Keys.Order(StringComparer.Ordinal).Select(scheme => scheme + ":"));
        if (colon <= 0)
            throw new WireupException($"A persistence address has the form 'scheme:rest', such as 'memory:'. Known schemes: {known}.");
        if (!factories.TryGetValue(address[..colon], out var create))
            throw new WireupException(
                $"No backend for the scheme '{address[..colon]}:' is known. Known schemes: {known}. "
                + "Reference the backend's package and add it: UsingPersistence(address, engines => engines.Add…()).");
        return create(address[(colon + 1)..], context);
    }
}

/// <summary>Which engine was chosen.</summary>
/// <param name="Create">Makes or hands over the engine.</param>
/// <param name="IsOwned">Whether the store disposes it.</param>
/// <param name="Catalogue">The backends it was chosen from by an address; null when it was named directly.</param>
public sealed record PersistenceChoice(Func<EngineContext, IPersistenceEngine> Create, bool IsOwned, EngineCatalogue? Catalogue = null);

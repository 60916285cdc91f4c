using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// Records how a store is to be built. Packages add extension methods to it; <c>BuildAsync</c> builds the store.
/// A second choice of the same kind throws, and so does every choice after the store was built.
/// </summary>
public sealed class Wireup
{
    private readonly Dictionary<Type, (string Verb, object Choice)> choices = [];
    private readonly Dictionary<Type, List<object>> collected = [];
    private bool built;

    private Wireup()
    {
    }

    /// <summary>Creates a wireup without any choice.</summary>
    public static Wireup Init() => new();

    /// <summary>Stores in a given engine. It stays open when the store is disposed.</summary>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    public Wireup UsingPersistence(IPersistenceEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return Choose(nameof(UsingPersistence), new PersistenceChoice(_ => engine, IsOwned: false));
    }

    /// <summary>Stores in an engine that is created when the store is built, and disposed with it. For the methods of backends.</summary>
    /// <param name="verb">The method that chose, for messages.</param>
    /// <param name="create">Creates the engine; opens nothing yet.</param>
    /// <exception cref="WireupException">A persistence was chosen before.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public Wireup UsingPersistence(string verb, Func<EngineContext, IPersistenceEngine> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        return Choose(verb, new PersistenceChoice(create, IsOwned: true));
    }

    /// <summary>Stores at an address, so that one configuration value selects the backend. <c>memory:</c> is always known.</summary>
    /// <param name="address">A scheme, a colon, and what the backend needs, such as <c>file:./data</c>.</param>
    /// <param name="engines">Adds the backends that may be selected: <c>engines => engines.AddSqlite().AddPostgres()</c>.</param>
    /// <exception cref="WireupException">A persistence was chosen before. An unknown scheme throws when the store is built.</exception>
    public Wireup UsingPersistence(string address, Action<EngineCatalogue> engines)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(engines);
        var catalogue = new EngineCatalogue();
        engines(catalogue);
        return Choose(
            nameof(UsingPersistence), new PersistenceChoice(context => catalogue.Create(address, context), IsOwned: true, catalogue));
    }

    /// <summary>Records the only choice of a kind. For the methods of packages.</summary>
    /// <param name="verb">The method that chose, for messages.</param>
    /// <param name="choice">The choice; its type is the kind.</param>
    /// <exception cref="WireupException">A choice of this kind was made before, or the store is built.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public Wireup Choose<T>(string verb, T choice) where T : class
    {
        ArgumentNullException.ThrowIfNull(choice);
        RefuseIfBuilt(verb);
        if (choices.TryGetValue(typeof(T), out var first))
            throw new WireupException(
                $"{verb} was called after {first.Verb}, but only one of them is possible. Remove one of the two calls.");
        choices.Add(typeof(T), (verb, choice));
        return this;
    }

    /// <summary>Adds to a collection of choices, whose order is kept. For the methods of packages.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public Wireup Collect<T>(string verb, T choice) where T : class
    {
        ArgumentNullException.ThrowIfNull(choice);
        RefuseIfBuilt(verb);
        if (!collected.TryGetValue(typeof(T), out var list)) collected.Add(typeof(T), list = []);
        list.Add(choice);
        return this;
    }

    /// <summary>The choice of a kind, or null.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public T? Find<T>() where T : class => choices.TryGetValue(typeof(T), out var found) ? (T)found.Choice : null;

    /// <summary>The method by which a kind was chosen, or null.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public string? VerbOf<T>() where T : class => choices.TryGetValue(typeof(T), out var found) ? found.Verb : null;

    /// <summary>The collected choices of a kind, in order.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public IReadOnlyList<T> All<T>() where T : class => collected.TryGetValue(typeof(T), out var list) ? [.. list.Cast<T>()] : [];

    /// <summary>Closes the wireup. Called before the store is built.</summary>
    /// <exception cref="WireupException">A store was built from this wireup before.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void Close()
    {
        RefuseIfBuilt("BuildAsync");
        built = true;
    }

    private void RefuseIfBuilt(string verb)
    {
        if (built)
            throw new WireupException(
                $"{verb} was called after the store was built from this wireup. Create a new one with Wireup.Init().");
    }
}

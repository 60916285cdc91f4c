using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// The stable names of types. A name registered here takes precedence over <see cref="EventTypeAttribute"/>; CLR names are never used.
/// A type may be read by several names; it is written under the first one.
/// </summary>
public sealed class EventTypes
{
    private readonly ConcurrentDictionary<Type, string> names = new();
    private readonly ConcurrentDictionary<string, Type> types = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Type, JsonTypeInfo> contracts = new();

    /// <summary>Registers a type under a name; null for the name of its attribute.</summary>
    /// <exception cref="WireupException">The name is already used by another type, or the type has no name.</exception>
    public EventTypes Register<T>(string? name = null) => Register(typeof(T), name);

    /// <summary>Registers a type with its generated JSON contract, so that no reflection is needed.</summary>
    /// <exception cref="WireupException">The name is already used by another type, or the type has no name.</exception>
    public EventTypes Register<T>(JsonTypeInfo<T> contract, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(contract);
        contracts[typeof(T)] = contract;
        return Register<T>(name);
    }

    /// <summary>Registers a type under a name; null for the name of its attribute.</summary>
    /// <exception cref="WireupException">
    /// The name is already used by another type. Or the type has no name, is an open generic type, or is a collection of the application.
    /// </exception>
    public EventTypes Register(Type type, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(type);
        RefuseWhatIsNotOneObject(type);
        name ??= type.GetCustomAttribute<EventTypeAttribute>(inherit: false)?.Name
            ?? throw new WireupException($"{type} was registered without a name and has no [EventType]. Give it one of the two.");
        EventRecord.RequireType(name);
        if (types.GetOrAdd(name, type) is var other && other != type)
            throw new WireupException(
                $"The type name '{Names.Printable(name)}' is already used by {other}, so {type} cannot have it. Choose another name.");
        names.TryAdd(type, name);
        return this;
    }

    // A class that is also a collection would be stored as its elements, without its other properties, and appended element by element.
    // The collections of .NET may be registered, as states.
    private static void RefuseWhatIsNotOneObject(Type type)
    {
        if (type.ContainsGenericParameters)
            throw new WireupException($"{type} is an open generic type, of which there are no objects. Register the closed types.");
        if (typeof(IEnumerable).IsAssignableFrom(type) && !type.IsArray
            && type.Namespace?.Split('.')[0] != nameof(System))
            throw new WireupException(
                $"{type} is a collection: it would be stored as its elements, without its other properties. "
                + "Make a type that has the collection as a property, and register that.");
    }

    /// <summary>Registers every type of an assembly that has an <see cref="EventTypeAttribute"/>.</summary>
    [RequiresUnreferencedCode("Types are found by reflection. Register each by name where code is trimmed.")]
    public EventTypes RegisterAttributed(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        foreach (var type in assembly.GetTypes())
        {
            if (type.IsDefined(typeof(EventTypeAttribute), inherit: false)) Register(type);
        }

        return this;
    }

    /// <summary>The name under which a type is written.</summary>
    /// <exception cref="TypeNotRegisteredException">The type has no name.</exception>
    public string NameOf(Type type)
    {
        ArgumentNullException.ThrowIfNull(type);
        if (names.TryGetValue(type, out var name)) return name;
        if (!type.IsDefined(typeof(EventTypeAttribute), inherit: false)) throw new TypeNotRegisteredException(type);
        Register(type);
        return names[type];
    }

    /// <summary>The types registered so far.</summary>
    public IReadOnlyCollection<Type> Registered => [.. names.Keys];

    /// <summary>The names that are registered so far, each with its type.</summary>
    public IReadOnlyDictionary<string, Type> ByName => types;

    /// <summary>The type of a name, or null.</summary>
    public Type? Find(string name) => types.GetValueOrDefault(name);

    /// <summary>The JSON contract registered with a type, or null.</summary>
    public JsonTypeInfo? FindContract(Type type) => contracts.GetValueOrDefault(type);
}

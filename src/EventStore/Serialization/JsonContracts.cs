using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace EventStore.Serialization;

/// <summary>
/// Finds types of which something would be written and not read back. These are classes that cannot be created from JSON, and properties
/// and fields whose values would be lost. A property that is computed from others is none of them.
/// </summary>
internal static class JsonContracts
{
    /// <exception cref="BodyException">The type, or one within it, cannot be read back.</exception>
    public static JsonTypeInfo RequireReadable(JsonTypeInfo contract)
    {
        Require(contract, []);
        return contract;
    }

    private static void Require(JsonTypeInfo contract, HashSet<Type> seen)
    {
        if (!seen.Add(contract.Type)) return;
        if (contract.ElementType is { } element && Find(contract, element) is { } elements) Require(elements, seen);
        if (contract.Kind != JsonTypeInfoKind.Object) return;

        if (contract.CreateObject is null && contract.ConstructorAttributeProvider is null && contract.PolymorphismOptions is null)
            throw new BodyException(
                $"objects of {contract.Type} cannot be created from JSON. Give it one public constructor whose parameters have the "
                + "names of its properties, or mark one with [JsonConstructor]. An abstract type needs [JsonDerivedType] or a converter.");
        foreach (var property in contract.Properties.Where(property => property.Get is not null))
        {
            if (IsLost(property))
                throw new BodyException(
                    $"'{property.Name}' of {contract.Type} would be written and not read back. Give it a public or init setter, "
                    + "[JsonInclude], or a parameter of the constructor; or mark it with [JsonIgnore].");
            if (property.CustomConverter is null && Find(contract, property.PropertyType) is { } type) Require(type, seen);
        }

        if (LostField(contract) is { } field)
            throw new BodyException(
                $"the public field '{field}' of {contract.Type} would not be stored. Make it a property, mark it with [JsonInclude] or "
                + "[JsonIgnore], or set IncludeFields.");
    }

    private static JsonTypeInfo? Find(JsonTypeInfo owner, Type type)
    {
        try
        {
            return owner.Options.TryGetTypeInfo(type, out var found) ? found : null;
        }
        catch (Exception error) when (error is NotSupportedException or InvalidOperationException)
        {
            // It may never be used. A caller that writes it gets this error.
            return null;
        }
    }

    // An automatic property without a setter that JSON may use: its value is kept nowhere else.
    private static bool IsLost(JsonPropertyInfo property)
    {
        if (property.Set is not null || property.AssociatedParameter is not null || property.IsExtensionData) return false;
        if ((property.ObjectCreationHandling ?? property.Options.PreferredObjectCreationHandling) == JsonObjectCreationHandling.Populate)
            return false;
        return property.AttributeProvider is PropertyInfo member && HasOwnField(member);
    }

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Where members were removed, fewer mistakes are found.")]
    private static bool HasOwnField(PropertyInfo property) =>
        property.DeclaringType?.GetField($"<{property.Name}>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
            ?.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false) == true;

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "Where members were removed, fewer mistakes are found.")]
    private static string? LostField(JsonTypeInfo contract)
    {
        if (contract.Options.IncludeFields) return null;
        var stored = contract.Properties.Select(property => property.AttributeProvider).OfType<FieldInfo>().ToHashSet();
        return contract.Type.GetFields(BindingFlags.Instance | BindingFlags.Public)
            .FirstOrDefault(field => !stored.Contains(field) && !field.IsDefined(typeof(JsonIgnoreAttribute), inherit: false))?.Name;
    }
}

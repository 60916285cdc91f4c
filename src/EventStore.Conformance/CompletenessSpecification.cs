using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Fails if the tests of a backend lack a specification of the kit. Derive from it as from the others; it is one of them.
/// </summary>
public abstract class CompletenessSpecification<TBackend> where TBackend : IBackend, new()
{
    /// <summary>Specifications left out on purpose, each with its reason.</summary>
    protected virtual IReadOnlyDictionary<Type, string> Exemptions { get; } = new Dictionary<Type, string>();

    [Fact]
    public void Every_specification_of_the_kit_is_run_or_exempt_with_a_reason()
    {
        var run = GetType().Assembly.GetTypes()
            .Where(type => type is { IsAbstract: false, IsPublic: true })
            .SelectMany(BasesOf)
            .Where(type => type.IsGenericType && type.GetGenericArguments()[0] == typeof(TBackend))
            .Select(type => type.GetGenericTypeDefinition())
            .ToHashSet();
        var missing = All()
            .Where(specification => !run.Contains(specification) && !Exemptions.ContainsKey(specification))
            .Select(specification => specification.Name[..^2])
            .ToList();

        Assert.All(
            Exemptions,
            exemption => Assert.False(
                string.IsNullOrWhiteSpace(exemption.Value), $"{exemption.Key.Name[..^2]} is left out without a reason"));
        var names = string.Join(", ", missing);
        Assert.True(missing.Count == 0, $"left out: {names}. Derive a public class from each, or name the reason in {nameof(Exemptions)}.");
    }

    /// <summary>All specifications of the kit, as open generic types.</summary>
    public static IReadOnlyList<Type> All() => [.. typeof(IBackend).Assembly.GetExportedTypes()
        .Where(
            type => type is { IsAbstract: true, IsGenericTypeDefinition: true } && type.Name != "Specification`1"
                && type.Name.EndsWith("Specification`1", StringComparison.Ordinal))];

    private static IEnumerable<Type> BasesOf(Type type)
    {
        for (var at = type.BaseType; at is not null; at = at.BaseType) yield return at;
    }
}

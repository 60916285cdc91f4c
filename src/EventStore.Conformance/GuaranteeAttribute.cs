using Xunit.v3;

namespace EventStore.Conformance;

/// <summary>The guarantees of docs/guarantees.md that a fact proves; test runners show them as the trait "Guarantee".</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GuaranteeAttribute(params string[] numbers) : Attribute, ITraitAttribute
{
    /// <summary>The numbers, such as "G14".</summary>
    public IReadOnlyList<string> Numbers { get; } = numbers;

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() =>
        [.. Numbers.Select(number => KeyValuePair.Create("Guarantee", number))];
}

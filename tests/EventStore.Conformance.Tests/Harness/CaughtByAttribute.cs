namespace EventStore.Conformance.Tests.Harness;

/// <summary>Names the fact of the kit that is meant for what an engine breaks; it must fail over that engine.</summary>
/// <param name="specification">The specification, as an open generic type.</param>
/// <param name="fact">The name of the fact.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class CaughtByAttribute(Type specification, string fact) : Attribute
{
    public Type Specification { get; } = specification;

    public string Fact { get; } = fact;
}

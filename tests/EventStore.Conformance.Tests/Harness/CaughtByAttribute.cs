namespace EventStore.Conformance.Tests.Harness;

/// <summary>The fact of the kit that must fail over a broken engine.</summary>
/// <param name="specification">The specification, as an open generic type.</param>
/// <param name="fact">The name of the fact.</param>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
internal sealed class CaughtByAttribute(Type specification, string fact) : Attribute
{
    public Type Specification { get; } = specification;

    public string Fact { get; } = fact;
}

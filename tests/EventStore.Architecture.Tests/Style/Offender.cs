namespace EventStore.Architecture.Style;

/// <summary>What offends a rule: its place, and its name.</summary>
internal sealed record Offender(string Place, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Place}: {Name}";
}

using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Projects;

/// <summary>
/// Whether a project that derives from specifications of the kit also derives from <c>CompletenessSpecification</c>, which fails when a
/// specification is left out.
/// </summary>
internal static class Completeness
{
    private const string Specification = "Specification";
    private const string Guard = "CompletenessSpecification";

    /// <summary>Whether some class derives from a specification, but none from the one that guards them.</summary>
    public static bool IsMissing(IEnumerable<SourceFile> sources)
    {
        var bases = sources.SelectMany(BasesIn).ToList();
        return bases.Count > 0 && !bases.Contains(Guard);
    }

    private static IEnumerable<string> BasesIn(SourceFile source) =>
        from type in source.Root.DescendantNodes().OfType<ClassDeclarationSyntax>()
        from parent in type.BaseList?.Types ?? []
        let name = NameOf(parent.Type)
        where name is not null && name.EndsWith(Specification, StringComparison.Ordinal)
        select name;

    private static string? NameOf(TypeSyntax type) => type switch
    {
        GenericNameSyntax generic => generic.Identifier.Text,
        QualifiedNameSyntax { Right: GenericNameSyntax generic } => generic.Identifier.Text,
        _ => null,
    };
}

using System.Text;
using Microsoft.CodeAnalysis;

namespace EventStore.Architecture.Surface;

/// <summary>
/// Lists what a project lets others name: each public type with its public and protected members, a line each, in a stable order.
/// </summary>
internal static class PublicSurface
{
    /// <summary>The listing of an assembly, ended by a line feed.</summary>
    public static string Of(IAssemblySymbol assembly)
    {
        var text = new StringBuilder();
        var types = TypesIn(assembly.GlobalNamespace).GroupBy(type => type.ContainingNamespace.ToDisplayString())
            .OrderBy(group => group.Key, StringComparer.Ordinal);
        foreach (var group in types)
        {
            text.Append("namespace ").Append(group.Key).Append('\n');
            foreach (var type in group.OrderBy(type => SurfaceText.NameOf(type), StringComparer.Ordinal))
                Append(text.Append('\n'), type);
            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static IEnumerable<INamedTypeSymbol> TypesIn(INamespaceSymbol space) => space.GetNamespaceMembers().SelectMany(TypesIn)
        .Concat(space.GetTypeMembers().SelectMany(WithNested));

    private static IEnumerable<INamedTypeSymbol> WithNested(INamedTypeSymbol type) => IsVisible(type) && !type.IsExtension
        ? type.GetTypeMembers().SelectMany(WithNested).Prepend(type)
        : [];

    private static void Append(StringBuilder text, INamedTypeSymbol type)
    {
        text.Append(SurfaceText.HeaderOf(type)).Append('\n');
        if (type.TypeKind == TypeKind.Delegate)
            return;
        foreach (var line in MembersOf(type))
            text.Append("    ").Append(line).Append('\n');
    }

    private static IEnumerable<string> MembersOf(INamedTypeSymbol type)
    {
        var own = type.GetMembers().Where(IsListed);
        var ordered = type.TypeKind == TypeKind.Enum
            ? own
            : own.OrderBy(RankOf).ThenBy(member => member.Name, StringComparer.Ordinal).ThenBy(SurfaceText.LineOf, StringComparer.Ordinal);
        var extensions = from block in type.GetTypeMembers()
                         where block is { IsExtension: true, ExtensionParameter: not null }
                         from line in MembersOf(block)
                         select $"extension({SurfaceText.LineOf(block.ExtensionParameter!)}) {line}";
        return ordered.Select(SurfaceText.LineOf).Concat(extensions.Order(StringComparer.Ordinal));
    }

    private static int RankOf(ISymbol member) => member switch
    {
        IMethodSymbol { MethodKind: MethodKind.Constructor } => 0,
        IFieldSymbol => 1,
        IPropertySymbol => 2,
        IEventSymbol => 3,
        IMethodSymbol { MethodKind: MethodKind.UserDefinedOperator or MethodKind.Conversion } => 5,
        _ => 4,
    };

    // What the compiler adds by itself is not listed, but for the constructor that a class without one has.
    private static bool IsListed(ISymbol member) => IsVisible(member) && !member.IsOverride && member switch
    {
        INamedTypeSymbol => false,
        IMethodSymbol { AssociatedSymbol: not null } => false,
        IMethodSymbol { MethodKind: MethodKind.Constructor, Parameters.Length: 0, IsImplicitlyDeclared: true } =>
            member.ContainingType.IsReferenceType,
        _ => !member.IsImplicitlyDeclared,
    };

    private static bool IsVisible(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;
}

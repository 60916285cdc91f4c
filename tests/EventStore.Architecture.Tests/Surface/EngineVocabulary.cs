using Microsoft.CodeAnalysis;

namespace EventStore.Architecture.Surface;

/// <summary>
/// Whose vocabulary a type of the abstractions is. What <c>IEventStore</c> and <c>IEventStream</c> name, and what those types name in turn,
/// is the applications'. What <c>IPersistenceEngine</c> names besides is in <c>EventStore.Engines</c>, and no interface in
/// <c>EventStore</c> names it: an application that implements one would have to open the other namespace.
/// </summary>
internal static class EngineVocabulary
{
    private const string Applications = "EventStore";
    private const string Engines = "EventStore.Engines";

    private static readonly string[] ApplicationRoots = ["IEventStore", "IEventStream"];
    private const string EngineRoot = "IPersistenceEngine";

    /// <summary>The public types of the abstractions that are in the other namespace than they belong to.</summary>
    public static IEnumerable<string> Misplaced(IAssemblySymbol abstractions)
    {
        var types = PublicTypes(abstractions.GlobalNamespace).ToList();
        var ofApplications = Reachable(types.Where(type => ApplicationRoots.Contains(type.Name)));
        var ofEngines = types.Where(type => type.Name == EngineRoot).SelectMany(NamedBy).Where(type => !ofApplications.Contains(type));
        var meetings = from face in types
                       where face.TypeKind == TypeKind.Interface && SpaceOf(face) == Applications
                       from named in NamedBy(face)
                       where SpaceOf(named) == Engines
                       select $"{named.Name} is in {Engines}, and {face.Name} in {Applications} names it";
        return types.Where(type => SpaceOf(type) is not (Applications or Engines)).Select(type => $"{type.Name} is in {SpaceOf(type)}")
            .Concat(ofEngines.Where(type => SpaceOf(type) != Engines)
                .Select(type => $"{type.Name} is named by {EngineRoot} only, and not in {Engines}"))
            .Concat(meetings)
            .Distinct()
            .Order(StringComparer.Ordinal);
    }

    private static HashSet<INamedTypeSymbol> Reachable(IEnumerable<INamedTypeSymbol> roots)
    {
        var open = new Queue<INamedTypeSymbol>(roots);
        var reached = new HashSet<INamedTypeSymbol>(open, SymbolEqualityComparer.Default);
        while (open.TryDequeue(out var type))
        {
            foreach (var named in NamedBy(type).Where(named => SpaceOf(named) == Applications && reached.Add(named)))
                open.Enqueue(named);
        }

        return reached;
    }

    private static IEnumerable<INamedTypeSymbol> NamedBy(INamedTypeSymbol type) =>
        from member in type.GetMembers().Where(IsVisible)
        from part in TypesOf(member)
        from named in Parts(part)
        where SymbolEqualityComparer.Default.Equals(named.ContainingAssembly, type.ContainingAssembly)
        select named.OriginalDefinition;

    private static IEnumerable<ITypeSymbol> TypesOf(ISymbol member) => member switch
    {
        IMethodSymbol method => method.Parameters.Select(parameter => parameter.Type).Append(method.ReturnType),
        IPropertySymbol property => property.Parameters.Select(parameter => parameter.Type).Append(property.Type),
        IFieldSymbol field => [field.Type],
        IEventSymbol raised => [raised.Type],
        _ => [],
    };

    private static IEnumerable<INamedTypeSymbol> Parts(ITypeSymbol type) => type switch
    {
        IArrayTypeSymbol array => Parts(array.ElementType),
        INamedTypeSymbol named => named.TypeArguments.SelectMany(Parts).Append(named),
        _ => [],
    };

    private static IEnumerable<INamedTypeSymbol> PublicTypes(INamespaceSymbol space) =>
        space.GetNamespaceMembers().SelectMany(PublicTypes)
            .Concat(space.GetTypeMembers().Where(type => type.DeclaredAccessibility == Accessibility.Public));

    private static string SpaceOf(INamedTypeSymbol type) => type.ContainingNamespace.ToDisplayString();

    private static bool IsVisible(ISymbol symbol) =>
        symbol.DeclaredAccessibility is Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal;
}

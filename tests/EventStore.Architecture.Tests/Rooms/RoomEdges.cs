using System.Collections.Concurrent;
using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Rooms;

/// <summary>
/// Finds which rooms of a project use which. A use goes to the file that declares what is used, whatever its namespace; documentation and
/// using directives are no uses.
/// </summary>
internal static class RoomEdges
{
    private static readonly ConcurrentDictionary<string, Lazy<IReadOnlyList<RoomEdge>>> Known = [];

    /// <summary>The edges of a project's sources, in order of file and line, found once for all gates.</summary>
    public static IReadOnlyList<RoomEdge> Of(Project project) =>
        Known.GetOrAdd(project.Folder, _ => new Lazy<IReadOnlyList<RoomEdge>>(() => Find(project))).Value;

    /// <summary>The edges between rooms below a folder.</summary>
    public static IReadOnlyList<RoomEdge> Of(CSharpCompilation compilation, string folder) =>
    [
        .. from tree in compilation.SyntaxTrees
           let room = Room.Of(tree.FilePath, folder)
           where room is not null
           let model = compilation.GetSemanticModel(tree)
           from node in Uses(tree)
           from symbol in Meanings(model, node)
           let target = Declared(symbol, room, folder)
           where target is not null && target != room
           select new RoomEdge(room, target, tree.FilePath, LineOf(node), symbol.Name),
    ];

    // A flat project has no edges, and asking what all its names mean takes a second.
    private static IReadOnlyList<RoomEdge> Find(Project project) =>
        project.Sources.Select(source => Room.Of(source.FilePath, project.Folder)).Distinct().Count() > 1
            ? Of(Compilations.Of(project), project.Folder)
            : [];

    private static IEnumerable<SyntaxNode> Uses(SyntaxTree tree) => tree.GetRoot()
        .DescendantNodes(node => node is not UsingDirectiveSyntax and not BaseNamespaceDeclarationSyntax { Members.Count: 0 })
        .Where(node => node is SimpleNameSyntax or ImplicitObjectCreationExpressionSyntax or ConstructorInitializerSyntax);

    // Where a call does not bind, because a package is unknown here, its candidates still name the room.
    private static IEnumerable<ISymbol> Meanings(SemanticModel model, SyntaxNode node)
    {
        var info = model.GetSymbolInfo(node);
        var symbols = info.Symbol is { } symbol ? [symbol] : info.CandidateSymbols;
        return symbols.Where(found => found.Kind
            is SymbolKind.NamedType or SymbolKind.Method or SymbolKind.Property or SymbolKind.Field or SymbolKind.Event);
    }

    private static string? Declared(ISymbol symbol, string room, string folder)
    {
        var rooms = symbol.OriginalDefinition.DeclaringSyntaxReferences
            .Select(reference => Room.Of(reference.SyntaxTree.FilePath, folder))
            .OfType<string>()
            .ToList();
        return rooms.Contains(room) ? room : rooms.FirstOrDefault();
    }

    private static int LineOf(SyntaxNode node) => node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
}

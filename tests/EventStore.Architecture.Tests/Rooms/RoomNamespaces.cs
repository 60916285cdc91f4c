using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Rooms;

/// <summary>
/// Which namespaces a file may declare: <c>EventStore</c>, <c>EventStore.Engines</c> or its project's name at the front door, the room's
/// name added in a room. A file of public types alone may leave out the room, so that an application opens one namespace only.
/// </summary>
internal static class RoomNamespaces
{
    private const string Root = "EventStore";
    private const string Engines = "EventStore.Engines";

    /// <summary>Whether every namespace that a file declares is one of those.</summary>
    public static bool Fit(SourceFile source, Project project)
    {
        var room = Room.Of(source.FilePath, project.Folder);
        string[] doors = [Root, project.Name];
        var allowed = room == Room.FrontDoor ? doors.Append(Engines) : doors.Select(door => $"{door}.{room}");
        if (HasOnlyPublicTypes(source))
            allowed = allowed.Concat(doors);
        return DeclaredIn(source).All(allowed.Contains);
    }

    /// <summary>The namespaces that a file declares.</summary>
    public static IReadOnlyList<string> DeclaredIn(SourceFile source) =>
        [.. source.Root.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().Select(space => space.Name.ToString())];

    private static bool HasOnlyPublicTypes(SourceFile source) => source.Root
        .DescendantNodes(node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax)
        .OfType<MemberDeclarationSyntax>()
        .Where(member => member is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax)
        .All(type => type.Modifiers.Any(SyntaxKind.PublicKeyword));
}

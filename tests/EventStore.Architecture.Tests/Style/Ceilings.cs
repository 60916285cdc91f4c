using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>Measures files and methods in lines. Documentation and attributes above a method are not counted to it.</summary>
internal static class Ceilings
{
    /// <summary>The most lines a file may have.</summary>
    public const int FileLines = 300;

    /// <summary>The most lines a method may have, its signature included.</summary>
    public const int MethodLines = 70;

    /// <summary>The file if it is too long.</summary>
    public static IEnumerable<string> TooLongFiles(SourceFile source)
    {
        var lines = source.Text.TrimEnd('\n').Count(character => character == '\n') + 1;
        return lines > FileLines ? [$"{source.FilePath} has {lines} lines"] : [];
    }

    /// <summary>The methods of a file that are too long; also constructors, accessors, operators, local functions and lambdas.</summary>
    public static IEnumerable<string> TooLongMethods(SourceFile source) =>
        from node in source.Root.DescendantNodes()
        let name = NameOf(node)
        where name is not null
        let lines = LinesOf(node)
        where lines > MethodLines
        select $"{source.FilePath}: {name} has {lines} lines";

    private static string? NameOf(SyntaxNode node) => node switch
    {
        MethodDeclarationSyntax method => method.Identifier.Text,
        ConstructorDeclarationSyntax constructor => constructor.Identifier.Text,
        LocalFunctionStatementSyntax function => function.Identifier.Text,
        PropertyDeclarationSyntax { ExpressionBody: not null } property => property.Identifier.Text,
        AccessorDeclarationSyntax accessor => $"an accessor ({accessor.Keyword.Text})",
        AnonymousFunctionExpressionSyntax => "a lambda",
        BaseMethodDeclarationSyntax => "an operator",
        _ => null,
    };

    private static int LinesOf(SyntaxNode node)
    {
        var first = node.ChildNodesAndTokens().First(child => !child.IsKind(SyntaxKind.AttributeList));
        var start = first.GetLocation()!.GetLineSpan().StartLinePosition.Line;
        return node.GetLocation().GetLineSpan().EndLinePosition.Line - start + 1;
    }
}

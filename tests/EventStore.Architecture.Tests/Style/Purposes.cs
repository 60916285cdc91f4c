using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>Whether a file says what it is for: its first type has documentation, also where it is internal.</summary>
internal static class Purposes
{
    /// <summary>The file if its first type has no documentation.</summary>
    public static IEnumerable<string> Missing(SourceFile source)
    {
        var first = source.Root.DescendantNodes().OfType<MemberDeclarationSyntax>()
            .FirstOrDefault(member => member is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax);
        return first is null || first.GetLeadingTrivia().Any(trivia => trivia.IsKind(SyntaxKind.SingleLineDocumentationCommentTrivia))
            ? []
            : [source.PlaceOf(first)];
    }
}

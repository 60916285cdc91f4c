using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>
/// What no C# file of the house has: hidden regions, conditional code, a header of comments, a type named like the product.
/// </summary>
internal static class SourceText
{
    /// <summary>The directives of a file that fold or switch code.</summary>
    public static IEnumerable<string> BannedDirectives(SourceFile source) =>
        from trivia in source.Root.DescendantTrivia(descendIntoTrivia: true)
        where trivia.Kind() is SyntaxKind.RegionDirectiveTrivia or SyntaxKind.IfDirectiveTrivia
        select $"{source.FilePath}:{trivia.GetLocation().GetLineSpan().StartLinePosition.Line + 1}: {trivia.ToString().Trim()}";

    /// <summary>The file if it begins with a comment. Documentation and the marker of a README sample are no headers.</summary>
    public static IEnumerable<string> Headers(SourceFile source)
    {
        var first = source.Text.TrimStart('\uFEFF', '\n', '\r', ' ').Split('\n')[0];
        var isComment = first.StartsWith("/*", StringComparison.Ordinal) || first.StartsWith("//", StringComparison.Ordinal);
        var isWanted = first.StartsWith("///", StringComparison.Ordinal) || first.StartsWith("// readme:", StringComparison.Ordinal);
        return isComment && !isWanted ? [$"{source.FilePath} begins with: {first}"] : [];
    }

    /// <summary>The types of a file whose name is that of the namespace, so that users would have to qualify everything.</summary>
    public static IEnumerable<string> TypesNamedLikeTheProduct(SourceFile source) =>
        from type in source.Root.DescendantNodes().OfType<BaseTypeDeclarationSyntax>()
        where type.Identifier.Text == "EventStore"
        select $"{source.FilePath} declares {type.Identifier.Text}";
}

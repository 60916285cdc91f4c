using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Pages;

/// <summary>The numbers that specifications carry: every text given to a <c>[Guarantee]</c> attribute.</summary>
internal static class ProvedGuarantees
{
    /// <summary>The numbers found in sources, each with a file that proves it.</summary>
    public static IReadOnlyDictionary<string, string> In(IEnumerable<SourceFile> sources) =>
        (from source in sources
         from attribute in source.Root.DescendantNodes().OfType<AttributeSyntax>()
         where NameOf(attribute) is "Guarantee" or "GuaranteeAttribute"
         from text in attribute.DescendantNodes().OfType<LiteralExpressionSyntax>()
         where text.IsKind(SyntaxKind.StringLiteralExpression)
         select (Number: text.Token.ValueText, source.FilePath))
        .DistinctBy(proof => proof.Number)
        .ToDictionary(proof => proof.Number, proof => proof.FilePath);

    private static string NameOf(AttributeSyntax attribute) => attribute.Name switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.Text,
        SimpleNameSyntax simple => simple.Identifier.Text,
        var other => other.ToString(),
    };
}

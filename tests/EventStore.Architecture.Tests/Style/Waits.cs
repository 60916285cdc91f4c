using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>
/// Finds code that blocks a thread until other work has ended, in the forms that the banned calls cannot name: any <c>Wait</c>, a
/// <c>GetResult</c>, and a <c>Result</c> that no check for completion in the same member goes before.
/// </summary>
internal static class Waits
{
    /// <summary>The blocking waits of a file, and places that switch the check for banned calls off.</summary>
    public static IEnumerable<string> Blocking(SourceFile source) =>
        from node in source.Root.DescendantNodes(descendIntoTrivia: true)
        let what = BlockingPart(node)
        where what is not null
        select $"{source.PlaceOf(node)}: {what}";

    private static string? BlockingPart(SyntaxNode node) => node switch
    {
        InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax { Name.Identifier.Text: "GetResult" or "Wait" } call } =>
            $".{call.Name}(…)",
        MemberAccessExpressionSyntax { Name.Identifier.Text: "Result", Parent: not InvocationExpressionSyntax } read
            when !IsCompleted(read) => $"{read}",
        PragmaWarningDirectiveTriviaSyntax { DisableOrRestoreKeyword.RawKind: (int)SyntaxKind.DisableKeyword } pragma
            when pragma.ErrorCodes.Any(code => code.ToString() == "RS0030") => "#pragma warning disable RS0030",
        _ => null,
    };

    private static bool IsCompleted(MemberAccessExpressionSyntax read) =>
        read.FirstAncestorOrSelf<MemberDeclarationSyntax>() is { } member
        && member.DescendantNodes().OfType<MemberAccessExpressionSyntax>().Any(check =>
            check.Name.Identifier.Text is "IsCompleted" or "IsCompletedSuccessfully"
            && check.SpanStart < read.SpanStart
            && check.Expression.IsEquivalentTo(read.Expression, topLevel: false));
}

using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>
/// Finds properties of public types that callers may set after construction, and claims that a value is not null where it is. Options are
/// exempt, by the end of their name: an application sets them before it hands them in.
/// </summary>
internal static class Setters
{
    private const string Exempt = "Options";

    /// <summary>The setters of public types of a file that are not private.</summary>
    public static IEnumerable<string> Open(SourceFile source) =>
        from setter in source.Root.DescendantNodes().OfType<AccessorDeclarationSyntax>()
        where setter.IsKind(SyntaxKind.SetAccessorDeclaration) && !IsPrivate(setter.Modifiers)
        let property = (BasePropertyDeclarationSyntax)setter.Parent!.Parent!
        let type = (TypeDeclarationSyntax)property.FirstAncestorOrSelf<TypeDeclarationSyntax>()!
        where property.Ancestors().OfType<TypeDeclarationSyntax>().All(IsPublic) && !IsPrivate(property.Modifiers)
        where !type.Identifier.Text.EndsWith(Exempt, StringComparison.Ordinal)
        select $"{source.PlaceOf(property)}: {type.Identifier.Text}.{NameOf(property)}";

    /// <summary>The places of a file where <c>null</c> or <c>default</c> is declared not to be null.</summary>
    public static IEnumerable<string> NullClaims(SourceFile source) =>
        from claim in source.Root.DescendantNodes().OfType<PostfixUnaryExpressionSyntax>()
        where claim.IsKind(SyntaxKind.SuppressNullableWarningExpression)
        where claim.Operand.Kind()
            is SyntaxKind.NullLiteralExpression or SyntaxKind.DefaultLiteralExpression or SyntaxKind.DefaultExpression
        select $"{source.PlaceOf(claim)}: {claim}";

    private static bool IsPublic(TypeDeclarationSyntax type) => type.Modifiers.Any(SyntaxKind.PublicKeyword);

    private static bool IsPrivate(SyntaxTokenList modifiers) => modifiers.Any(SyntaxKind.PrivateKeyword);

    private static string NameOf(BasePropertyDeclarationSyntax property) =>
        property is PropertyDeclarationSyntax { Identifier.Text: var name } ? name : "this[]";
}

using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>
/// Finds properties that other code may set after construction, and claims that a value is not null where it is. Options are exempt, by the
/// end of their name: an application sets them before it hands them in.
/// </summary>
internal static class Setters
{
    private const string Exempt = "Options";

    /// <summary>The setters of a file that are not private, of public and internal types alike.</summary>
    public static IEnumerable<Offender> Open(SourceFile source) =>
        from setter in source.Root.DescendantNodes().OfType<AccessorDeclarationSyntax>()
        where setter.IsKind(SyntaxKind.SetAccessorDeclaration) && !IsPrivate(setter.Modifiers)
        let property = (BasePropertyDeclarationSyntax)setter.Parent!.Parent!
        let type = (TypeDeclarationSyntax)property.FirstAncestorOrSelf<TypeDeclarationSyntax>()!
        where !IsPrivate(property.Modifiers) && !type.Identifier.Text.EndsWith(Exempt, StringComparison.Ordinal)
        select new Offender(source.PlaceOf(property), $"{type.Identifier.Text}.{NameOf(property)}");

    /// <summary>
    /// The places of a file where <c>null</c> or <c>default</c> is declared not to be null. As an argument it is what a test passes on
    /// purpose.
    /// </summary>
    public static IEnumerable<Offender> NullClaims(SourceFile source) =>
        from claim in source.Root.DescendantNodes().OfType<PostfixUnaryExpressionSyntax>()
        where claim.IsKind(SyntaxKind.SuppressNullableWarningExpression)
        where claim.Operand.Kind()
            is SyntaxKind.NullLiteralExpression or SyntaxKind.DefaultLiteralExpression or SyntaxKind.DefaultExpression
        where source.FilePath.StartsWith("src/", StringComparison.Ordinal)
            || !claim.Ancestors().Any(outer => outer is ArgumentSyntax or InitializerExpressionSyntax)
        let member = claim.FirstAncestorOrSelf<MemberDeclarationSyntax>()
        let type = claim.FirstAncestorOrSelf<TypeDeclarationSyntax>()
        select new Offender(source.PlaceOf(claim), $"{type?.Identifier.Text}.{NameOf(member)}");

    private static bool IsPrivate(SyntaxTokenList modifiers) => modifiers.Any(SyntaxKind.PrivateKeyword);

    private static string NameOf(MemberDeclarationSyntax? member) => member switch
    {
        PropertyDeclarationSyntax property => property.Identifier.Text,
        BaseFieldDeclarationSyntax field => field.Declaration.Variables[0].Identifier.Text,
        MethodDeclarationSyntax method => method.Identifier.Text,
        _ => "this[]",
    };
}

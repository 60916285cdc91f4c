using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Style;

/// <summary>
/// Counts what constructors take. Exempt is data: an exception, a positional record without behavior, and a public type of the abstractions
/// whose parameters are its properties.
/// </summary>
internal static class Constructors
{
    /// <summary>The most parameters a constructor may have.</summary>
    public const int Parameters = 4;

    private const string Abstractions = "src/EventStore.Abstractions/";

    /// <summary>The constructors of a file that take too many parameters, primary constructors included.</summary>
    public static IEnumerable<string> TooManyParameters(SourceFile source) =>
        from type in source.Root.DescendantNodes().OfType<TypeDeclarationSyntax>()
        where !type.Identifier.Text.EndsWith("Exception", StringComparison.Ordinal)
        from parameters in ParametersOf(type)
        let count = parameters.Parameters.Count
        where count > Parameters
        where !(parameters == type.ParameterList && IsData(type)) && !IsPublicData(source, type, parameters)
        select $"{source.PlaceOf(parameters)}: {type.Identifier.Text} takes {count} parameters";

    private static IEnumerable<ParameterListSyntax> ParametersOf(TypeDeclarationSyntax type) =>
        type.Members.OfType<ConstructorDeclarationSyntax>().Select(constructor => constructor.ParameterList)
            .Concat(type.ParameterList is { } primary ? [primary] : []);

    // A record that keeps a field, or does work that a caller awaits, is a service in a record's clothes.
    private static bool IsData(TypeDeclarationSyntax type) => type is RecordDeclarationSyntax
        && type.Members.All(member => member switch
        {
            FieldDeclarationSyntax field => IsStatic(field),
            MethodDeclarationSyntax method => IsStatic(method) || !IsAsynchronous(method),
            _ => true,
        });

    private static bool IsAsynchronous(MethodDeclarationSyntax method) =>
        method.Modifiers.Any(SyntaxKind.AsyncKeyword) || method.ReturnType.ToString().Contains("Task", StringComparison.Ordinal);

    private static bool IsPublicData(SourceFile source, TypeDeclarationSyntax type, ParameterListSyntax parameters)
    {
        if (!source.FilePath.StartsWith(Abstractions, StringComparison.Ordinal) || !type.Modifiers.Any(SyntaxKind.PublicKeyword))
            return false;
        var properties = type.Members.OfType<PropertyDeclarationSyntax>().Select(property => property.Identifier.Text);
        return parameters.Parameters.Select(parameter => parameter.Identifier.Text).All(
            name => properties.Contains(name, StringComparer.OrdinalIgnoreCase));
    }

    private static bool IsStatic(MemberDeclarationSyntax member) =>
        member.Modifiers.Any(SyntaxKind.StaticKeyword) || member.Modifiers.Any(SyntaxKind.ConstKeyword);
}

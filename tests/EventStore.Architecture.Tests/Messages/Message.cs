using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Messages;

/// <summary>A message of the product as its source has it: what an exception is created with, or the template of a log message.</summary>
/// <param name="Place">File and line.</param>
/// <param name="Type">The exception; empty for a log message.</param>
/// <param name="Text">The parts that are always the same, joined.</param>
/// <param name="Shown">The expressions whose values become a part of it, in interpolations or as arguments of the exception.</param>
internal sealed record Message(string Place, string Type, string Text, IReadOnlyList<Shown> Shown)
{
    /// <summary>The messages of the sources of a compilation.</summary>
    public static IEnumerable<Message> In(CSharpCompilation compilation, IEnumerable<SourceFile> sources) =>
        from source in sources
        let model = compilation.GetSemanticModel(source.Tree)
        from node in source.Root.DescendantNodes()
        let message = Of(source, model, node)
        where message is not null
        select message;

    private static Message? Of(SourceFile source, SemanticModel model, SyntaxNode node) => node switch
    {
        BaseObjectCreationExpressionSyntax { ArgumentList: { } arguments } created when IsException(model.GetTypeInfo(created).Type) =>
            Of(source, model, node, model.GetTypeInfo(created).Type!.Name, arguments),
        PrimaryConstructorBaseTypeSyntax { ArgumentList: var arguments } derived when IsException(model.GetTypeInfo(derived.Type).Type) =>
            Of(source, model, node, DeclaringType(node), arguments),
        ConstructorInitializerSyntax { ArgumentList: var arguments } called
            when IsException((model.GetSymbolInfo(called).Symbol as IMethodSymbol)?.ContainingType) =>
            Of(source, model, node, DeclaringType(node), arguments),
        AttributeSyntax { ArgumentList: { } arguments, Name: SimpleNameSyntax { Identifier.Text: "LoggerMessage" } } =>
            Of(source, model, node, "", arguments),
        _ => null,
    };

    private static Message Of(SourceFile source, SemanticModel model, SyntaxNode node, string type, SyntaxNode arguments)
    {
        var text = arguments.DescendantNodes().Select(part => part switch
        {
            LiteralExpressionSyntax { RawKind: (int)SyntaxKind.StringLiteralExpression } literal => literal.Token.ValueText,
            InterpolatedStringTextSyntax fixedText => fixedText.TextToken.ValueText,
            _ => "",
        });
        var shown = from part in arguments.DescendantNodes()
                    let expression = part switch
                    {
                        InterpolationSyntax hole => hole.Expression,
                        ArgumentSyntax { Parent.Parent: var owner } argument when owner == node => argument.Expression,
                        MemberAccessExpressionSyntax { Name.Identifier.Text: "Message" } read => read,
                        _ => null,
                    }
                    where expression is IdentifierNameSyntax or MemberAccessExpressionSyntax
                    select new Shown(expression, model.GetTypeInfo(expression).Type, OwnerOf(model, expression));
        return new Message(
            source.PlaceOf(node),
            type,
            string.Join(' ', text.Where(part => part.Length > 0)),
            [.. shown.DistinctBy(one => one.Expression)]);
    }

    private static ITypeSymbol? OwnerOf(SemanticModel model, ExpressionSyntax expression) =>
        expression is MemberAccessExpressionSyntax read ? model.GetTypeInfo(read.Expression).Type : null;

    private static string DeclaringType(SyntaxNode node) => node.FirstAncestorOrSelf<TypeDeclarationSyntax>()!.Identifier.Text;

    internal static bool IsException(ITypeSymbol? type)
    {
        for (; type is not null; type = type.BaseType)
        {
            if (type.ToDisplayString() == "System.Exception") return true;
        }

        return false;
    }
}

/// <summary>An expression whose value is shown.</summary>
/// <param name="Expression">The expression: a name, or a member of something.</param>
/// <param name="Type">Its type; null where it is not known.</param>
/// <param name="Owner">The type of what it is a member of; null for a name.</param>
internal sealed record Shown(ExpressionSyntax Expression, ITypeSymbol? Type, ITypeSymbol? Owner)
{
    /// <summary>The last name of the expression.</summary>
    public string Name => Expression is MemberAccessExpressionSyntax read ? read.Name.Identifier.Text : Expression.ToString();
}

using System.Text;
using System.Text.RegularExpressions;
using EventStore.Architecture.Source;
using EventStore.Architecture.Style;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EventStore.Architecture.Words;

/// <summary>
/// Counts the words of sentences: on pages, in messages and in the documentation of code. Code and names count as one word.
/// </summary>
internal static partial class Sentences
{
    /// <summary>The most words that a sentence may have.</summary>
    public const int MostWords = 25;

    private const string Code = " X ";

    /// <summary>
    /// The sentences of a page that are too long. Blocks of code and headings are left out; a cell and an item stand alone.
    /// </summary>
    public static IEnumerable<string> TooLongOnPage(string path, string text) =>
        from part in PartsOfPage(text)
        from sentence in TooLong(Link().Replace(part, "${text}"))
        select $"{path}: {sentence}";

    /// <summary>The messages of a file that have a sentence which is too long: texts, joined by + or not, that end one.</summary>
    public static IEnumerable<Offender> TooLongInMessages(SourceFile source) =>
        from text in source.Root.DescendantNodes().OfType<ExpressionSyntax>()
        where IsText(text) && !(text.Parent is ExpressionSyntax outer && IsText(outer))
        let message = TextOf(text)
        where message.Contains(". ", StringComparison.Ordinal) || message.EndsWith('.')
        from sentence in TooLong(message)
        select new Offender(source.PlaceOf(text), sentence);

    /// <summary>The elements of documentation that have a sentence which is too long.</summary>
    public static IEnumerable<Offender> TooLongInDocumentation(SourceFile source) =>
        from comment in source.Root.DescendantTrivia().Select(trivia => trivia.GetStructure()).OfType<DocumentationCommentTriviaSyntax>()
        from element in comment.Content.OfType<XmlElementSyntax>()
        from sentence in TooLong(TextOf(element.Content))
        select new Offender(source.PlaceOf(element), sentence);

    private static IEnumerable<string> PartsOfPage(string text)
    {
        var part = new StringBuilder();
        var isCode = false;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()).Append(""))
        {
            var isFence = line.StartsWith("```", StringComparison.Ordinal);
            isCode ^= isFence;
            var isRow = line.StartsWith('|');
            var isAlone = isFence || isRow || line.Length == 0 || line[0] is '#' or '<';
            if (isAlone || Item().IsMatch(line))
            {
                yield return part.ToString();
                part.Clear();
            }

            foreach (var cell in isRow && !isCode ? CodeMark().Replace(line, Code).Split('|') : [])
                yield return cell;
            if (!isAlone && !isCode)
                part.Append(Item().Replace(line, "")).Append(' ');
        }
    }

    private static IEnumerable<string> TooLong(string text) =>
        from sentence in End().Split(CodeMark().Replace(text, Code))
        where Word().Count(sentence) > MostWords
        select Spaces().Replace(sentence.Trim(), " ");

    private static bool IsText(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax literal => literal.IsKind(SyntaxKind.StringLiteralExpression),
        InterpolatedStringExpressionSyntax => true,
        ParenthesizedExpressionSyntax inner => IsText(inner.Expression),
        BinaryExpressionSyntax sum => sum.IsKind(SyntaxKind.AddExpression) && (IsText(sum.Left) || IsText(sum.Right)),
        _ => false,
    };

    private static string TextOf(ExpressionSyntax expression) => expression switch
    {
        LiteralExpressionSyntax literal => literal.Token.ValueText,
        InterpolatedStringExpressionSyntax text =>
            string.Concat(text.Contents.Select(
                part => part is InterpolatedStringTextSyntax words ? words.TextToken.ValueText : Code.Trim())),
        ParenthesizedExpressionSyntax inner => TextOf(inner.Expression),
        BinaryExpressionSyntax sum => TextOf(sum.Left) + TextOf(sum.Right),
        _ => Code.Trim(),
    };

    // A paragraph and an item of a list stand alone.
    private static string TextOf(SyntaxList<XmlNodeSyntax> content) => string.Concat(content.Select(node => node switch
    {
        XmlTextSyntax text => string.Concat(text.TextTokens.Select(
            token => token.IsKind(SyntaxKind.XmlTextLiteralNewLineToken) ? " " : token.Text)),
        XmlElementSyntax { StartTag.Name.LocalName.Text: "c" or "code" } => Code,
        XmlElementSyntax { StartTag.Name.LocalName.Text: "i" or "b" } inner => TextOf(inner.Content),
        XmlElementSyntax inner => $".\n{TextOf(inner.Content)}\n",
        _ => Code,
    }));

    [GeneratedRegex(@"(?<=[.!?:][)*”""]*)\s+(?=[""“(\[*]*[A-Z0-9])|(?<=\.)\n|\n| · |(?<=:)\s*$")]
    private static partial Regex End();

    [GeneratedRegex("`[^`]*`")]
    private static partial Regex CodeMark();

    [GeneratedRegex(@"\[(?<text>[^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^([-*]|\d+\.) ")]
    private static partial Regex Item();

    [GeneratedRegex(@"[\p{L}\p{N}][\p{L}\p{N}'’.,/×-]*")]
    private static partial Regex Word();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}

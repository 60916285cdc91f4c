using System.Text;
using EventStore.Architecture.Source;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace EventStore.Architecture.Words;

/// <summary>A text that people read, and the line of the file on which each of its positions stands.</summary>
internal sealed record Prose(string FilePath, string Text, Func<int, int> LineAt)
{
    private const char Code = '\0';

    private static readonly Lazy<IReadOnlyList<Prose>> Everything = new(() =>
    [
        .. Repository.AllSources.SelectMany(InSource),
        .. from pattern in new[] { "*.md", "*.sql", "*.lua", "*.csproj", "*.props", "*.targets", "*.sh" }
           from path in Repository.Files("", pattern)
           select OfPage(path, Repository.Read(path)),
    ]);

    /// <summary>Everything of the repository that people read, found once for all gates.</summary>
    public static IReadOnlyList<Prose> All => Everything.Value;

    /// <summary>What a C# file says: its comments and literals as they stand, then each name that it declares, split into words.</summary>
    public static IEnumerable<Prose> InSource(SourceFile source)
    {
        // Positions stay those of the file. Code between two comments keeps their words apart.
        var page = source.Text.ToCharArray();
        foreach (ref var character in page.AsSpan())
            character = char.IsWhiteSpace(character) ? character : Code;
        var names = new List<Prose>();
        foreach (var token in source.Root.DescendantTokens())
        {
            foreach (var comment in token.GetAllTrivia().Where(IsComment))
                Copy(source.Text, comment.FullSpan, page, withoutMarks: true);
            if (IsText(token))
                Copy(source.Text, token.Span, page, withoutMarks: false);
            else if (IsDeclared(token))
                names.Add(new Prose(source.FilePath, SplitName(token.Text), _ => source.LineAt(token.SpanStart)));
        }

        return names.Prepend(new Prose(source.FilePath, new string(page), source.LineAt));
    }

    /// <summary>The whole of a page.</summary>
    public static Prose OfPage(string path, string text)
    {
        var lines = SourceText.From(text).Lines;
        return new Prose(path, text, position => lines.IndexOf(position) + 1);
    }

    /// <summary>Splits a name at its capitals, underscores and digits.</summary>
    public static string SplitName(string name)
    {
        var words = new StringBuilder();
        for (var i = 0; i < name.Length; i++)
        {
            var beginsWord = i > 0 && char.IsUpper(name[i])
                && (char.IsLower(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
            words.Append(beginsWord ? " " : "").Append(char.IsLetter(name[i]) ? name[i] : ' ');
        }

        return words.ToString();
    }

    private static void Copy(string text, TextSpan span, char[] page, bool withoutMarks)
    {
        for (var i = span.Start; i < span.End; i++)
            page[i] = withoutMarks && text[i] is '/' or '*' ? ' ' : text[i];
    }

    private static bool IsComment(SyntaxTrivia trivia) => trivia.Kind()
        is SyntaxKind.SingleLineCommentTrivia
        or SyntaxKind.MultiLineCommentTrivia
        or SyntaxKind.SingleLineDocumentationCommentTrivia
        or SyntaxKind.MultiLineDocumentationCommentTrivia;

    private static bool IsText(SyntaxToken token) => token.Kind()
        is SyntaxKind.StringLiteralToken
        or SyntaxKind.Utf8StringLiteralToken
        or SyntaxKind.InterpolatedStringTextToken
        or SyntaxKind.SingleLineRawStringLiteralToken
        or SyntaxKind.MultiLineRawStringLiteralToken;

    // A name that is only used was chosen elsewhere.
    private static bool IsDeclared(SyntaxToken token) => token.IsKind(SyntaxKind.IdentifierToken) && token.Parent is not SimpleNameSyntax;
}

namespace EventStore.Architecture.Projects;

/// <summary>Counts the statements of an SQL text: what semicolons separate outside of comments, quotes and dollar quotes.</summary>
internal static class SqlStatements
{
    /// <summary>The number of statements that are not empty.</summary>
    public static int Count(string text)
    {
        var (count, hasStatement) = (0, false);
        for (var i = 0; i < text.Length; i++)
        {
            if (EndOfComment(text, i) is { } comment)
            {
                i = comment - 1;
            }
            else if (text[i] == ';')
            {
                hasStatement = false;
            }
            else if (!char.IsWhiteSpace(text[i]))
            {
                count += hasStatement ? 0 : 1;
                hasStatement = true;
                i = EndOfQuoted(text, i) - 1;
            }
        }

        return count;
    }

    private static int? EndOfComment(string text, int start) => text.AsSpan(start) switch
    {
        ['-', '-', ..] => EndAfter(text, "\n", start),
        ['/', '*', ..] => EndAfter(text, "*/", start + 2),
        _ => null,
    };

    // The position after a quoted part that begins here, or after this character.
    private static int EndOfQuoted(string text, int start) => text[start] switch
    {
        '\'' => EndAfter(text, "'", start + 1),
        '"' => EndAfter(text, "\"", start + 1),
        '$' when DollarTag(text, start) is { } tag => EndAfter(text, tag, start + tag.Length),
        _ => start + 1,
    };

    private static string? DollarTag(string text, int start)
    {
        var end = start + 1;
        while (end < text.Length && (char.IsLetter(text[end]) || text[end] == '_'))
            end++;
        return end < text.Length && text[end] == '$' ? text[start..(end + 1)] : null;
    }

    private static int EndAfter(string text, string mark, int start)
    {
        var found = text.IndexOf(mark, start, StringComparison.Ordinal);
        return found < 0 ? text.Length : found + mark.Length;
    }
}

namespace EventStore.Architecture.Words;

/// <summary>
/// Words and phrases that are not written here, each with what to write instead. A line of the list is <c>phrase → replacement</c>;
/// <c>#</c> begins a comment. Case does not matter, and a phrase may be broken over lines. One that ends with a full stop ends a sentence.
/// </summary>
internal sealed class WordList
{
    private readonly Dictionary<string, List<Entry>> byFirstWord;

    private WordList(IReadOnlyList<Entry> entries)
    {
        Entries = entries;
        byFirstWord = entries.GroupBy(entry => entry.Words[0], StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.ToList(), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The entries in the order of the list.</summary>
    public IReadOnlyList<Entry> Entries { get; }

    /// <summary>Reads a list; a line without a replacement has an empty one.</summary>
    public static WordList Parse(string text) => new(
    [
        .. from line in text.ReplaceLineEndings("\n").Split('\n')
           let parts = line.Split('#')[0].Split('→', 2, StringSplitOptions.TrimEntries)
           where parts[0].Length > 0
           select new Entry(
               parts[0],
               parts[0].TrimEnd('.').Split(' ', StringSplitOptions.RemoveEmptyEntries),
               parts.Length > 1 ? parts[1] : "",
               EndsSentence: parts[0].EndsWith('.')),
    ]);

    /// <summary>The entries that a text uses, each with the position of its first letter.</summary>
    public IEnumerable<(int Position, Entry Entry)> FindIn(string text)
    {
        var entries = byFirstWord.GetAlternateLookup<ReadOnlySpan<char>>();
        for (var start = 0; start < text.Length; start++)
        {
            if (!char.IsLetter(text[start]))
                continue;
            var end = EndOfWord(text, start);
            if (entries.TryGetValue(text.AsSpan(start, end - start), out var candidates)
                && candidates.FirstOrDefault(entry => Follows(text, end, entry)) is { } found)
                yield return (start, found);
            start = end;
        }
    }

    private static bool Follows(string text, int position, Entry entry)
    {
        foreach (var word in entry.Words.AsSpan(1))
        {
            var start = position;
            while (start < text.Length && char.IsWhiteSpace(text[start]))
                start++;
            position = EndOfWord(text, start);
            if (!text.AsSpan(start, position - start).Equals(word, StringComparison.OrdinalIgnoreCase))
                return false;
        }

        return !entry.EndsSentence || (position < text.Length && text[position] == '.');
    }

    private static int EndOfWord(string text, int position)
    {
        while (position < text.Length && char.IsLetter(text[position]))
            position++;
        return position;
    }

    /// <summary>A phrase, its words, what to write instead, and whether only the end of a sentence is meant.</summary>
    internal sealed record Entry(string Phrase, string[] Words, string Replacement, bool EndsSentence);
}

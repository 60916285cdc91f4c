using EventStore.Architecture.Source;

namespace EventStore.Architecture.Words;

/// <summary>Keeps comments, messages, names and pages in plain technical English, spelled right.</summary>
public sealed class WordTests
{
    private const string Chosen = "docs/words.txt";
    private const string Misspelled = "tests/EventStore.Architecture.Tests/Words/misspellings.txt";

    [Fact]
    public void Words_are_plain() => Gate.Holds(Uses(WordList.Parse(Repository.Read(Chosen)), Prose.All), $"Write these as {Chosen} says.");

    [Fact]
    public void Words_are_spelled_right() =>
        Gate.Holds(Uses(WordList.Parse(Repository.Read(Misspelled)), Prose.All), "These words are misspelled.");

    [Theory]
    [InlineData(Chosen, 30)]
    [InlineData(Misspelled, 150)]
    public void A_list_says_what_to_write_instead(string path, int atLeast)
    {
        var list = WordList.Parse(Repository.Read(path));
        Assert.InRange(list.Entries.Count, atLeast, int.MaxValue);
        Gate.Holds(list.Entries.Where(entry => entry.Replacement.Length == 0).Select(entry => entry.Phrase),
            "These entries have no replacement.");
        Gate.Holds(list.Entries.GroupBy(entry => entry.Phrase, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1)
            .Select(group => group.Key),
            "These entries occur twice.");
        Gate.Holds(list.Entries.Where(entry => list.FindIn(entry.Replacement).Any()).Select(entry => entry.Phrase),
            "These entries propose what the list does not allow.");
    }

    [Theory]
    [InlineData("/// <summary>A frob.</summary>\nclass A;", "src/A.cs:1: frob → write: part")]
    [InlineData("// A FROB.\nclass A;", "src/A.cs:1: frob → write: part")]
    [InlineData("class A\n{\n/* A frob. */\n}", "src/A.cs:3: frob → write: part")]
    [InlineData("class A\n{ string s = \"a frob\"; }", "src/A.cs:2: frob → write: part")]
    [InlineData("class A { string s = $\"a {1} frob\"; }", "src/A.cs:1: frob → write: part")]
    [InlineData("class A { string s = \"\"\"\na frob\n\"\"\"; }", "src/A.cs:2: frob → write: part")]
    [InlineData("class AFrobReader;", "src/A.cs:1: frob → write: part")]
    [InlineData("class A { void A_frob_is_read() { } }", "src/A.cs:1: frob → write: part")]
    [InlineData("/// Wide\n/// of the mark.\nclass A;", "src/A.cs:1: wide of → write: beside")]
    [InlineData("class A { int wideOfIt; }", "src/A.cs:1: wide of → write: beside")]
    [InlineData("/// <summary>A part. So was.</summary>\nclass A;", "src/A.cs:1: so was. → write: A part was too.")]
    public void A_word_is_seen_wherever_it_is_read(string text, string use) => Assert.Equal([use], UsesIn(text));

    [Theory]
    [InlineData("class Frobs;")]
    [InlineData("class A { int i = Frob.Of(1); }")]
    [InlineData("/// <summary>Wide</summary>\nclass A { /* of */ }")]
    [InlineData("/// Wide.\n/// Of it.\nclass A;")]
    [InlineData("/// So was it.\nclass A;")]
    public void Other_words_and_names_of_others_are_not_seen(string text) => Assert.Empty(UsesIn(text));

    [Fact]
    public void A_word_on_a_page_is_seen() =>
        Assert.Equal(["a.md:2: frob → write: part"], Uses(Sample(), [Prose.OfPage("a.md", "# A\nOne **frob**.\n")]));

    [Theory]
    [InlineData("ReadHTTPHeaderOf2Parts", "Read HTTP Header Of  Parts")]
    [InlineData("a_word_inCase", "a word in Case")]
    public void A_name_is_split_into_its_words(string name, string words) => Assert.Equal(words, Prose.SplitName(name));

    private static WordList Sample() => WordList.Parse("# A comment.\n\nfrob → part # why\nwide of → beside\nso was. → A part was too.\n");

    private static IEnumerable<string> UsesIn(string text) => Uses(Sample(), Prose.InSource(SourceFile.Parse("src/A.cs", text)));

    private static IEnumerable<string> Uses(WordList list, IEnumerable<Prose> texts) =>
        from text in texts
        from use in list.FindIn(text.Text)
        select $"{text.FilePath}:{text.LineAt(use.Position)}: {use.Entry.Phrase} → write: {use.Entry.Replacement}";
}

using EventStore.Architecture.Source;

namespace EventStore.Architecture.Words;

/// <summary>Keeps sentences short enough to be read once.</summary>
public sealed class SentenceTests
{
    private const string Rule = "A sentence has at most 25 words: make two of it.";

    // A line of the changelog is one change.
    private static readonly string[] Exempt = ["CHANGELOG.md"];

    [Fact]
    public void Sentences_of_pages_are_short() => Gate.Holds(
        Repository.Files("", "*.md").Except(Exempt).SelectMany(path => Sentences.TooLongOnPage(path, Repository.Read(path))), Rule);

    [Fact]
    public void Sentences_of_messages_are_short() =>
        Gate.Holds(Repository.ProductSources.SelectMany(Sentences.TooLongInMessages), Rule);

    [Fact]
    public void Sentences_of_documentation_are_short() =>
        Gate.Holds(Repository.ProductSources.SelectMany(Sentences.TooLongInDocumentation), Rule);

    [Theory]
    [InlineData("# Head\n{25}.", 0)]
    [InlineData("# Head\n{26}.", 1)]
    [InlineData("- {20}\n- {20}", 0)]
    [InlineData("{20}\n{20}", 1)]
    [InlineData("| {20} | {20} |", 0)]
    [InlineData("| {26} | {20} |", 1)]
    [InlineData("```sh\n{30}\n```\n{20}", 0)]
    [InlineData("{20}. W {20}.", 0)]
    [InlineData("{24} `a b c`.", 0)]
    [InlineData("{24} [a](b.md) b.", 1)]
    public void A_long_sentence_of_a_page_is_seen(string page, int count) =>
        Assert.Equal(count, Sentences.TooLongOnPage("a.md", Fill(page)).Count());

    [Theory]
    [InlineData("class A { string a = \"{26}.\"; }", 1)]
    [InlineData("class A { string a = $\"{20} {b}\" + \" {5}.\"; }", 1)]
    [InlineData("class A { string a = $\"{20} {b}.\" + \" W {5}.\"; }", 0)]
    [InlineData("class A { string a = \"{30}\"; }", 0)]
    public void A_long_sentence_of_a_message_is_seen(string text, int count) =>
        Assert.Equal(count, Sentences.TooLongInMessages(SourceFile.Parse("A.cs", Fill(text))).Count());

    [Theory]
    [InlineData("/// <summary>{26}.</summary>\nclass A;", 1)]
    [InlineData("/// <summary>{20}\n/// {6}.</summary>\nclass A;", 1)]
    [InlineData("/// <summary>{25}. W {20}</summary>\nclass A;", 0)]
    [InlineData("/// <summary>{24} <see cref=\"A\"/> <c>a b c</c>.</summary>\nclass A;", 1)]
    [InlineData("/// <remarks>{20}<para>{20}</para></remarks>\nclass A;", 0)]
    public void A_long_sentence_of_documentation_is_seen(string text, int count) =>
        Assert.Equal(count, Sentences.TooLongInDocumentation(SourceFile.Parse("A.cs", Fill(text))).Count());

    // {26} stands for as many words.
    private static string Fill(string text) => Enumerable.Range(1, 30).Aggregate(text, (filled, number) =>
        filled.Replace($"{{{number}}}", string.Join(' ', Enumerable.Repeat("w", number)), StringComparison.Ordinal));
}

using EventStore.Architecture.Source;

namespace EventStore.Architecture.Pages;

/// <summary>Keeps the first pages that a reader meets short enough to be read whole.</summary>
public sealed class PageLengthTests
{
    [Theory]
    [InlineData("README.md", 150)]
    [InlineData("CONTRIBUTING.md", 80)]
    public void A_first_page_stays_under_its_ceiling(string page, int ceiling) =>
        Assert.InRange(Repository.Read(page).TrimEnd('\n').Count(character => character == '\n') + 1, 1, ceiling);

    [Fact]
    public void A_decision_has_at_most_200_words() => Gate.Holds(
        Repository.Files("docs/decisions", "*.md").Where(page => WordsOf(Repository.Read(page)) > 200),
        "Context, decision, numbers and consequences of a decision take 200 words.");

    [Theory]
    [InlineData("# A b\n\n| c | `d e` |\n|---|---|\n- f", 6)]
    public void Words_are_counted_without_marks(string page, int words) => Assert.Equal(words, WordsOf(page));

    private static int WordsOf(string text) =>
        text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Count(word => word.Any(char.IsLetterOrDigit));
}

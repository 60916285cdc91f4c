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
}

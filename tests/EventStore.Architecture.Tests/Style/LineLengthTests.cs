using EventStore.Architecture.Source;

namespace EventStore.Architecture.Style;

/// <summary>Keeps lines short enough to be read, compared and quoted without turning.</summary>
public sealed class LineLengthTests
{
    [Fact]
    public void Lines_stay_under_their_ceiling() => Gate.Holds(
        from pattern in LineLengths.Patterns
        from path in Repository.Files("", pattern)
        from line in LineLengths.TooLong(path, Repository.Read(path))
        select line,
        $"A line has at most {LineLengths.Columns} columns.");

    [Theory]
    [InlineData("a.cs", 140, 0)]
    [InlineData("a.cs", 141, 1)]
    [InlineData("a.sql", 141, 1)]
    public void A_line_is_too_long_from_its_ceiling_on(string path, int columns, int count) =>
        Assert.Equal(count, LineLengths.TooLong(path, $"\n{new string('x', columns)}\r\n").Count());

    [Fact]
    public void A_row_of_a_table_may_be_longer_on_a_page_only()
    {
        var row = $"| {new string('x', 200)} |";
        Assert.Empty(LineLengths.TooLong("a.md", row));
        Assert.Equal(["a.cs:1: 204 columns"], LineLengths.TooLong("a.cs", row));
    }

    [Fact]
    public void A_character_of_two_code_units_is_one_column() =>
        Assert.Empty(LineLengths.TooLong("a.md", string.Concat(Enumerable.Repeat("🗄", 140))));
}

namespace EventStore.Abstractions.Tests;

/// <summary>Ranges of a stream, counted from its beginning or from its head.</summary>
public sealed class RangeTests
{
    private static readonly Revision Head = new(10);

    [Fact]
    public void A_csharp_range_counts_from_0_and_excludes_its_end()
    {
        Assert.Equal((1, 3), Of(0..3));
        Assert.Equal((8, 10), Of(^3..));
        Assert.Equal((3, 8), Of(2..^2));
        Assert.Equal((1, 10), Of(..));
        Assert.Equal((1, 7), Of(..^3));
        Assert.Equal((8, 9), Of(^3..^1));
        Assert.Equal((1, 10), Of(^20..));
        Assert.Equal((11, 10), Of(^0..));
        Assert.Equal((1, 0), Of(..^10));
        Assert.Equal((1, 0), Of(..^11));
    }

    [Fact]
    public void A_negative_number_counts_from_the_end()
    {
        Assert.Equal((8, 10), Between(-3, -1));
        Assert.Equal((8, 9), Between(-3, -2));
        Assert.Equal((1, 10), Between(-20, -1));
        Assert.Equal((2, 5), Between(2, 5));
        Assert.Equal((1, 10), Between(0, -1));
        Assert.Equal((1, 0), Between(1, -11));
        Assert.Equal((4, 10), Between(4, -1));
    }

    [Fact]
    public void Only_an_end_before_the_head_needs_the_head()
    {
        Assert.False(((StreamRange)(0..3)).IsRelativeToHead);
        Assert.False(((StreamRange)(3..)).IsRelativeToHead);
        Assert.True(((StreamRange)(^3..)).IsRelativeToHead);
        Assert.Equal(StreamRange.All, (StreamRange)(..));
        Assert.NotEqual(StreamRange.Between(-3), StreamRange.Between(-4));
    }

    private static (long From, long To) Of(Range range) => Ends(range);

    private static (long From, long To) Between(long from, long to) => Ends(StreamRange.Between(from, to));

    private static (long From, long To) Ends(StreamRange range)
    {
        var resolved = range.RelativeTo(Head);
        return (resolved.From.Value, Math.Min(resolved.To.Value, Head.Value));
    }
}

namespace EventStore;

/// <summary>The range of positions: from 0 to the highest 64-bit number.</summary>
internal static class PositionRules
{
    public static long Require(long value, string what) => value >= 0
        ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"A {what} is 0 or higher, but {value} was given.");

    public static long Add(long value, long count, string what)
    {
        if (count > long.MaxValue - value || value + count < 0)
            throw new ArgumentOutOfRangeException(
                nameof(count), $"There is no {what} {count} after {value}: the lowest is 0 and the highest {long.MaxValue}.");
        return value + count;
    }
}

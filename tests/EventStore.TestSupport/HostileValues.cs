namespace EventStore.TestSupport;

/// <summary>Values that no store writes, and some that it does.</summary>
public static class HostileValues
{
    private static readonly long[] Absurd =
    [
        0, 1, -1, 2, 127, 65_536, int.MaxValue, 1L << 31, uint.MaxValue, 1L << 47, (1L << 47) + 1, 1L << 61, 1L << 62, long.MaxValue - 1,
        long.MaxValue, long.MinValue,
    ];

    /// <summary>A number.</summary>
    public static long Number(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        return random.Next(4) switch
        {
            0 => random.Next(-3, 40),
            1 => random.NextInt64(long.MinValue, long.MaxValue),
            _ => Absurd[random.Next(Absurd.Length)],
        };
    }

    /// <summary>A text.</summary>
    /// <param name="random">Decides which.</param>
    /// <param name="word">A word that the store gives a meaning.</param>
    public static string Text(Random random, string word)
    {
        ArgumentNullException.ThrowIfNull(random);
        return random.Next(7) switch
        {
            0 => "",
            1 => new string('x', 2_000),
            2 => "a\nb\u0001",
            3 => "stream-1",
            4 => word,
            5 => new string('\u00FC', 200),
            _ => "\u202Eother",
        };
    }
}

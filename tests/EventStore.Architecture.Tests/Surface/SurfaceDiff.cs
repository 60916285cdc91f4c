namespace EventStore.Architecture.Surface;

/// <summary>
/// Compares two listings: lines that went with <c>-</c>, lines that came with <c>+</c>, below the type they belong to.
/// </summary>
internal static class SurfaceDiff
{
    /// <summary>The differing lines; empty when the listings are equal.</summary>
    public static IReadOnlyList<string> Between(string approved, string received)
    {
        string[] before = approved.Split('\n'), after = received.Split('\n');
        var common = CommonLengths(before, after);
        var lines = new List<string>();
        string type = "", named = "";
        for (int i = 0, j = 0; i < before.Length || j < after.Length;)
        {
            var isSame = i < before.Length && j < after.Length && before[i] == after[j];
            var isGone = !isSame && (j == after.Length || (i < before.Length && common[i + 1, j] >= common[i, j + 1]));
            var line = isGone || isSame ? before[i] : after[j];
            var isType = line.Length > 0 && !line.StartsWith(' ');
            if (isType)
                type = line;
            if (!isSame && line.Length > 0)
            {
                if (!isType && named != type)
                    lines.Add("  " + type);
                named = type;
                lines.Add((isGone ? "- " : "+ ") + line);
            }

            i += isSame || isGone ? 1 : 0;
            j += isSame || !isGone ? 1 : 0;
        }

        return lines;
    }

    // The length of the longest common run of lines behind each pair of places.
    private static int[,] CommonLengths(string[] before, string[] after)
    {
        var lengths = new int[before.Length + 1, after.Length + 1];
        for (var i = before.Length - 1; i >= 0; i--)
        {
            for (var j = after.Length - 1; j >= 0; j--)
                lengths[i, j] = before[i] == after[j] ? lengths[i + 1, j + 1] + 1 : Math.Max(lengths[i + 1, j], lengths[i, j + 1]);
        }

        return lengths;
    }
}

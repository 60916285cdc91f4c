using EventStore.Architecture.Source;

namespace EventStore.Architecture.Style;

/// <summary>What offends a rule: its place, and its name, which stays when lines move.</summary>
internal sealed record Offender(string Place, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Place}: {Name}";
}

/// <summary>
/// Lists of what offended a rule when the rule was written. They only get shorter: <c>EVENTSTORE_APPROVE=1</c> removes what no longer
/// offends.
/// </summary>
internal static class Shrinking
{
    /// <summary>What offends and is not on the list of that path, and what is on the list and no longer offends.</summary>
    public static IEnumerable<string> Differences(IEnumerable<Offender> offenders, string path)
    {
        var (found, list) = (offenders.ToList(), Repository.Read(path));
        if (Environment.GetEnvironmentVariable("EVENTSTORE_APPROVE") == "1")
            File.WriteAllText(Repository.PathOf(path), list = Shrink(found, list));
        return Compare(found, list);
    }

    /// <summary>The differences of what offends from the lines of a list; <c>#</c> begins a comment.</summary>
    public static IEnumerable<string> Compare(IReadOnlyList<Offender> found, string list)
    {
        var known = list.ReplaceLineEndings("\n").Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToHashSet();
        return found.Where(offender => !known.Contains(offender.Name)).Select(offender => $"{offender}")
            .Concat(known.Except(found.Select(offender => offender.Name)).Select(name => $"{name} is on the list, but offends no more"));
    }

    /// <summary>The list without the lines of what offends no more.</summary>
    public static string Shrink(IReadOnlyList<Offender> found, string list)
    {
        var names = found.Select(offender => offender.Name).ToHashSet();
        return string.Concat(list.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n')
            .Where(line => line.StartsWith('#') || names.Contains(line)).Select(line => line + "\n"));
    }
}

using System.Runtime.CompilerServices;
using EventStore.Architecture.Source;

namespace EventStore.Architecture;

/// <summary>How a gate fails: one sentence of the rule, then every offender on a line of its own.</summary>
internal static class Gate
{
    private const int ShownAtMost = 100;

    /// <summary>Fails with the rule and the offenders, if there are any. The whole list is written to <c>artifacts/offenders</c>.</summary>
    public static void Holds<T>(IEnumerable<T> offenders, string rule, [CallerMemberName] string gate = "")
    {
        var lines = offenders.Select(offender => $"{offender}").ToList();
        if (lines.Count == 0)
            return;
        var list = $"artifacts/offenders/{gate}.txt";
        Directory.CreateDirectory(Path.GetDirectoryName(Repository.PathOf(list))!);
        File.WriteAllLines(Repository.PathOf(list), lines);
        var left = lines.Count > ShownAtMost ? $"\n  … and {lines.Count - ShownAtMost} more in {list}" : "";
        Assert.Fail($"{rule} {lines.Count} offend:\n{string.Join('\n', lines.Take(ShownAtMost).Select(line => $"  {line}"))}{left}");
    }
}

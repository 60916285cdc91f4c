namespace EventStore.Architecture;

/// <summary>How a gate says no: one sentence of the rule, then every offender on a line of its own.</summary>
internal static class Gate
{
    /// <summary>Fails with the rule and the offenders, if there are any.</summary>
    public static void Holds<T>(IEnumerable<T> offenders, string rule)
    {
        var lines = offenders.Select(offender => $"  {offender}").ToList();
        if (lines.Count > 0)
            Assert.Fail($"{rule}\n{string.Join('\n', lines)}");
    }
}

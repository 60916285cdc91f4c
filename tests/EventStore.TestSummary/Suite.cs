using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace EventStore.TestSummary;

/// <summary>A suite and what its report counted; a suite without a report was not run, and says how many tests it holds.</summary>
internal sealed partial record Suite(
    string Name, int Passed, int Failed, int Skipped, int NotRun, TimeSpan? Time, IReadOnlyList<string> Remarks)
{
    // The folder of reports of which a filter left tests out.
    private const string Filtered = "kit";

    /// <summary>Reads what became of a suite.</summary>
    /// <param name="order">
    /// Name, project, folder of its report below the results, and why it was left out (empty: it was not), separated by semicolons.
    /// </param>
    /// <param name="results">The folder of the results.</param>
    public static async Task<Suite> ReadAsync(string order, string results)
    {
        var (name, project, folder, why) = order.Split(';') is [var a, var b, var c, var d]
            ? (a, b, c, d)
            : throw new FormatException($"'{order}' is not 'name;project;folder;reason'.");
        var report = Path.Combine(results, folder, Path.GetFileNameWithoutExtension(project) + ".xml");
        if (why.Length == 0 && File.Exists(report))
        {
            var ran = Of(name, XDocument.Load(report).Descendants("assembly").First());
            return folder == Filtered ? ran.WithLeftOut(await CountTestsAsync(project)) : ran;
        }

        // Whatever should have run and left no report crashed, took too long or lacks what it runs on. In either case nothing is proved.
        var tests = await CountTestsAsync(project);
        return why.Length > 0
            ? new Suite(name, 0, 0, 0, tests, null, [$"{tests} not run: {why}"])
            : new Suite(name, 0, 1, 0, tests, null, [
                $"{tests} not run: there is no report. "
                + $"The suite crashed, took too long, or its server could not be installed; see {results}."]);
    }

    private Suite WithLeftOut(int tests)
    {
        var left = Math.Max(0, tests - Passed - Failed - Skipped - NotRun);
        return this with { NotRun = NotRun + left, Remarks = [.. Remarks, $"{left} not run: only the kit was asked for"] };
    }

    private static Suite Of(string name, XElement assembly)
    {
        int Count(string attribute) => (int?)assembly.Attribute(attribute) ?? 0;
        var reasons = assembly.Descendants("reason").GroupBy(reason => reason.Value).OrderByDescending(group => group.Count());
        return new Suite(
            name, Count("passed"), Count("failed") + Count("errors"), Count("skipped"), Count("not-run"),
            TimeSpan.FromSeconds((double?)assembly.Attribute("time") ?? 0),
            [.. reasons.Select(group => $"{group.Count()} skipped: {group.Key}")]);
    }

    private static async Task<int> CountTestsAsync(string project)
    {
        string[] arguments =
            ["test", "--project", project, "--configuration", "Release", "--no-build", "--list-tests", "--progress", "off", "--no-ansi"];
        using var listing =
            Process.Start(new ProcessStartInfo("dotnet", arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var found = Discovered().Match(await listing.StandardOutput.ReadToEndAsync());
        await listing.WaitForExitAsync();
        return found.Success ? int.Parse(found.Groups["tests"].Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"Discovered (?<tests>\d+) tests?", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Discovered();
}

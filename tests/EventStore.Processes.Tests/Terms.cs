using System.Globalization;
using EventStore.TestServers;

namespace EventStore.Processes.Tests;

/// <summary>
/// The times in which processes held one consumer's name, as they reported them: where each began, and how far it wrote. They must join:
/// each begins at or behind all that earlier ones wrote, or newer progress was overwritten.
/// </summary>
internal sealed class Terms
{
    private readonly List<(long From, long Wrote)> terms = [];

    public int Count => terms.Count;

    /// <summary>At how many different places terms began.</summary>
    public int Places => terms.Select(term => term.From).Distinct().Count();

    public void Add(SuiteProcess process)
    {
        foreach (var words in process.Lines.Select(line => line.Split(' ')).Where(words => words.Length == 2))
        {
            var checkpoint = long.Parse(words[1], CultureInfo.InvariantCulture);
            if (words[0] == "from") terms.Add((checkpoint, checkpoint));
            else if (words[0] == "wrote" && terms.Count > 0) terms[^1] = (terms[^1].From, Math.Max(terms[^1].Wrote, checkpoint));
        }
    }

    public void CheckThatTheyJoin()
    {
        var wrote = 0L;
        foreach (var term in terms.OrderBy(term => term.From).ThenBy(term => term.Wrote))
        {
            Assert.True(term.From >= wrote, $"a process began behind checkpoint {term.From}, although {wrote} had been written");
            wrote = term.Wrote;
        }
    }
}

using System.Text.RegularExpressions;

namespace EventStore.Architecture.Pages;

/// <summary>
/// The numbers on <c>docs/guarantees.md</c>: a promise is a line that begins with <c>- **G14**</c>; those below the heading
/// <c>## Promised for later parts</c> need no proof yet.
/// </summary>
internal sealed partial class GuaranteesPage
{
    /// <summary>The heading below which promises need no proof yet.</summary>
    public const string LaterHeading = "## Promised for later parts";

    private GuaranteesPage(IReadOnlyList<string> promised, IReadOnlyList<string> later) => (Promised, Later) = (promised, later);

    /// <summary>The promises that must be proved, as they stand on the page.</summary>
    public IReadOnlyList<string> Promised { get; }

    /// <summary>The promises that may be proved, but need not be yet.</summary>
    public IReadOnlyList<string> Later { get; }

    /// <summary>Reads the page.</summary>
    public static GuaranteesPage Parse(string text)
    {
        var parts = text.Split(LaterHeading, 2);
        return new GuaranteesPage(NumbersIn(parts[0]), parts.Length > 1 ? NumbersIn(parts[1]) : []);
    }

    private static List<string> NumbersIn(string text) => [.. Promise().Matches(text).Select(match => match.Groups["number"].Value)];

    [GeneratedRegex(@"^- \*\*(?<number>G\d+)\*\* ", RegexOptions.Multiline)]
    private static partial Regex Promise();
}

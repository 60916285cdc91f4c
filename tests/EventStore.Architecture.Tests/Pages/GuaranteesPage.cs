using System.Text.RegularExpressions;

namespace EventStore.Architecture.Pages;

/// <summary>
/// The numbers on <c>docs/guarantees.md</c>: a promise is a line that begins with <c>- **G14**</c>; those below the heading
/// <c>## Proved by each backend</c> need no proof by the kit.
/// </summary>
internal sealed partial class GuaranteesPage
{
    /// <summary>The heading below which promises need no proof by the kit.</summary>
    public const string BackendsHeading = "## Proved by each backend";

    private GuaranteesPage(IReadOnlyList<string> promised, IReadOnlyList<string> ofBackends) =>
        (Promised, OfBackends) = (promised, ofBackends);

    /// <summary>The promises that the kit must prove, as they stand on the page.</summary>
    public IReadOnlyList<string> Promised { get; }

    /// <summary>The promises that it cannot prove for a storage it does not know: their proofs stand with each backend.</summary>
    public IReadOnlyList<string> OfBackends { get; }

    /// <summary>Reads the page.</summary>
    public static GuaranteesPage Parse(string text)
    {
        var parts = text.Split(BackendsHeading, 2);
        return new GuaranteesPage(NumbersIn(parts[0]), parts.Length > 1 ? NumbersIn(parts[1]) : []);
    }

    private static List<string> NumbersIn(string text) => [.. Promise().Matches(text).Select(match => match.Groups["number"].Value)];

    [GeneratedRegex(@"^- \*\*(?<number>G\d+)\*\* ", RegexOptions.Multiline)]
    private static partial Regex Promise();
}

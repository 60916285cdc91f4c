using System.Text.RegularExpressions;

namespace EventStore.Architecture.Pages;

/// <summary>Links between pages of the repository: to a file or folder that exists, and to a heading or anchor on it.</summary>
internal static partial class Links
{
    /// <summary>
    /// The links of a page that lead nowhere. <paramref name="read"/> returns a page, an empty text for a folder, else null.
    /// </summary>
    public static IEnumerable<string> Dead(string path, string text, Func<string, string?> read) =>
        from match in Link().Matches(Code().Replace(text, ""))
        let target = match.Groups["target"].Value.Split('#')
        where !Scheme().IsMatch(target[0])
        let file = target[0].Length == 0 ? path : Normalize(path, target[0])
        let page = read(file)
        where page is null || (target.Length > 1 && !Anchors(page).Contains(target[1]))
        select $"{path}: {match.Groups["target"].Value}";

    private static string Normalize(string page, string target) =>
        Path.GetRelativePath("/", Path.GetFullPath(target, Path.GetDirectoryName("/" + page)!)).Replace('\\', '/');

    private static HashSet<string> Anchors(string page) =>
    [
        .. Heading().Matches(page)
            .Select(match => NoAnchor().Replace(match.Groups["title"].Value.ToLowerInvariant(), "").Replace(' ', '-')),
        .. Anchor().Matches(page).Select(match => match.Groups["id"].Value),
    ];

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex("^[a-z]+:")]
    private static partial Regex Scheme();

    [GeneratedRegex("^#+ (?<title>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex("""<a id="(?<id>[^"]+)"></a>""")]
    private static partial Regex Anchor();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NoAnchor();
}

namespace EventStore.Newcomer;

/// <summary>A fenced block of a page: where its first line stands, its language (empty where none is named), and its lines.</summary>
internal sealed record Block(string Page, int Line, string Language, string Text)
{
    private const string Fence = "```";

    /// <summary>The pages whose steps are carried out: the first ones, and those by task.</summary>
    public static IReadOnlyList<string> StepPages { get; } =
        ["README.md", "docs/getting-started.md", .. Repository.Pages("docs/how-to", "*.md")];

    /// <summary>The pages whose code is compiled: those, and the READMEs of packages.</summary>
    public static IReadOnlyList<string> CodePages { get; } =
        [.. StepPages, .. Repository.Pages("src", "README.md", SearchOption.AllDirectories)];

    /// <summary>The blocks of a page in a language.</summary>
    public static IReadOnlyList<Block> On(string page, string language) =>
        [.. Parse(page, Repository.Read(page)).Where(block => block.Language == language)];

    /// <summary>All blocks of a text.</summary>
    public static IEnumerable<Block> Parse(string page, string text)
    {
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (!lines[i].StartsWith(Fence, StringComparison.Ordinal)) continue;
            var block = lines.Skip(i + 1).TakeWhile(line => !line.StartsWith(Fence, StringComparison.Ordinal)).ToList();
            yield return new Block(page, i + 2, lines[i][Fence.Length..].Trim(), string.Join('\n', block));
            i += block.Count + 1;
        }
    }

    /// <summary>The commands of a block of a shell: lines, joined where they end with a backslash, without those that are empty.</summary>
    public IEnumerable<string> Commands() =>
        Text.Replace("\\\n", "", StringComparison.Ordinal).Split('\n').Where(line => line.Trim().Length > 0);
}

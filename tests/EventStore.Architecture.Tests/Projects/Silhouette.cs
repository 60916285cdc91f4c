namespace EventStore.Architecture.Projects;

/// <summary>
/// The files of a server backend: one for each role, named alike in every backend, so that a reader who knows one knows all. Further files
/// begin with the backend's name. All are in the project's folder, except statements and scripts.
/// </summary>
internal static class Silhouette
{
    private static readonly string[] Roles =
    [
        "WireupExtensions", "Options", "PersistenceEngine", "Schema", "Writer", "Reader", "Snapshots", "Documents", "Removal", "WakeUp",
        "Rows", "Errors",
    ];

    // What is sent to the server as text is in a folder of its own; a driver that is given objects has none.
    private static readonly Dictionary<string, (string Folder, string Extension)?> Texts = new()
    {
        ["Sqlite"] = ("Sql", ".sql"),
        ["Postgres"] = ("Sql", ".sql"),
        ["Redis"] = ("Scripts", ".lua"),
        ["Mongo"] = null,
    };

    /// <summary>The names of the server backends.</summary>
    public static IEnumerable<string> Backends => Texts.Keys;

    /// <summary>What is missing or misnamed among the files of a backend, which are named from its folder.</summary>
    public static IEnumerable<string> Differences(string backend, IReadOnlyCollection<string> files)
    {
        var texts = Texts[backend];
        var expected = Roles.Select(role => $"{backend}{role}.cs").Append("README.md");
        return expected.Except(files).Select(file => $"has no {file}")
            .Concat(texts is { } folder && !files.Any(file => IsText(file, folder)) ? [$"has no {folder.Folder}/*{folder.Extension}"] : [])
            .Concat(files.Where(file => IsStray(file, backend, texts)).Select(file => $"has {file}"))
            .Select(difference => $"EventStore.{backend} {difference}");
    }

    /// <summary>Whether a source project, by the files in its folder, is the backend of a server.</summary>
    public static bool IsServerBackend(string project, IEnumerable<string> files) =>
        files.Contains($"{NameOf(project)}PersistenceEngine.cs");

    /// <summary>The name of the backend that a project holds.</summary>
    public static string NameOf(string project) => project[(project.LastIndexOf('.') + 1)..];

    private static bool IsStray(string file, string backend, (string Folder, string Extension)? texts) => Path.GetExtension(file) switch
    {
        ".cs" => !file.StartsWith(backend, StringComparison.Ordinal) || file.Contains('/', StringComparison.Ordinal),
        ".sql" or ".lua" => texts is not { } folder || !IsText(file, folder),
        _ => false,
    };

    private static bool IsText(string file, (string Folder, string Extension) texts) =>
        Path.GetDirectoryName(file) == texts.Folder && Path.GetExtension(file) == texts.Extension;
}

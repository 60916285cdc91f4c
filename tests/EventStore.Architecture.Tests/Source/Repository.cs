using System.IO.Enumeration;

namespace EventStore.Architecture.Source;

/// <summary>
/// The repository as it lies on disk, found by walking up to the solution; every gate reads it and none changes a source file.
/// </summary>
internal static class Repository
{
    /// <summary>The folders that hold projects.</summary>
    public static readonly IReadOnlyList<string> TopFolders = ["src", "tests", "samples", "benchmarks"];

    private static readonly string[] NotOurs = ["bin", "obj", "artifacts", ".git", "node_modules"];

    private static readonly Lazy<IReadOnlyList<string>> Everything = new(FindFiles);

    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every project below <c>src/</c>, by name; a new one is found by itself.</summary>
    public static IReadOnlyList<Project> SourceProjects { get; } = Projects("src");

    /// <summary>Every project there is, by folder and name.</summary>
    public static IReadOnlyList<Project> AllProjects { get; } = [.. TopFolders.SelectMany(Projects)];

    /// <summary>Every C# file below <c>src/</c>.</summary>
    public static IEnumerable<SourceFile> ProductSources => Files("src", "*.cs").Select(SourceFile.At);

    /// <summary>Every C# file of the repository, also those that no project owns, such as samples of one file.</summary>
    public static IEnumerable<SourceFile> AllSources =>
        TopFolders.SelectMany(folder => Files(folder, "*.cs")).Select(SourceFile.At);

    /// <summary>The absolute path of something named from the root, with forward slashes.</summary>
    public static string PathOf(string relative) => Path.Combine(Root, relative);

    /// <summary>The text of a file, or a failed test that says which file is missing.</summary>
    public static string Read(string relative)
    {
        Assert.True(File.Exists(PathOf(relative)), $"{relative} does not exist.");
        return File.ReadAllText(PathOf(relative));
    }

    /// <summary>Paths from the root, in ordinal order, of the files below a folder; none when there is no such folder.</summary>
    /// <param name="folder">The folder, named from the root; empty for the root itself.</param>
    /// <param name="pattern">A file name, which may hold <c>*</c>.</param>
    public static IReadOnlyList<string> Files(string folder, string pattern) =>
    [
        .. from path in Everything.Value
           where folder.Length == 0 || path.StartsWith(folder + "/", StringComparison.Ordinal)
           where FileSystemName.MatchesSimpleExpression(pattern, path.AsSpan(path.LastIndexOf('/') + 1), ignoreCase: false)
           select path,
    ];

    private static List<Project> Projects(string folder) => [.. Files(folder, "*.csproj").Select(Project.At)];

    private static List<string> FindFiles() => [.. FilesBelow(Root).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> FilesBelow(string folder) => Directory.EnumerateFiles(folder)
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Concat(Directory.EnumerateDirectories(folder).Where(inner => !NotOurs.Contains(Path.GetFileName(inner))).SelectMany(FilesBelow));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "EventStore.slnx")))
            folder = folder.Parent;
        return folder?.FullName
            ?? throw new InvalidOperationException(
                $"No EventStore.slnx in {AppContext.BaseDirectory} or above; run these tests from inside the repository.");
    }
}

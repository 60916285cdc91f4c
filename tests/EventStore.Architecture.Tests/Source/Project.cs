using System.Xml.Linq;

namespace EventStore.Architecture.Source;

/// <summary>One project: what its file says, and the sources below its folder.</summary>
internal sealed class Project
{
    private readonly XDocument xml;

    private Project(string path, XDocument xml) => (FilePath, this.xml) = (path, xml);

    /// <summary>The project file, named from the root.</summary>
    public string FilePath { get; }

    /// <summary>The name of the project and its assembly.</summary>
    public string Name => Path.GetFileNameWithoutExtension(FilePath);

    /// <summary>The folder of the project, named from the root.</summary>
    public string Folder => FilePath[..FilePath.LastIndexOf('/')];

    /// <summary>Names of the packages referenced by the project file itself.</summary>
    public IReadOnlyList<string> Packages => Includes("PackageReference");

    /// <summary>Names of the projects that its code can use.</summary>
    public IReadOnlyList<string> Projects => ProjectReferences(isPackageOnly: false);

    /// <summary>
    /// Names of the projects that only its package depends on: the compiler does not see them (<c>src/Directory.Build.targets</c>).
    /// </summary>
    public IReadOnlyList<string> PackageOnlyProjects => ProjectReferences(isPackageOnly: true);

    /// <summary>Namespaces that the project opens for all its files.</summary>
    public IReadOnlyList<string> Usings => Includes("Using");

    /// <summary>The sources, in ordinal order of their paths.</summary>
    public IReadOnlyList<SourceFile> Sources => [.. Repository.Files(Folder, "*.cs").Select(SourceFile.At)];

    /// <summary>Reads a project file named from the root.</summary>
    public static Project At(string path) => Parse(path, Repository.Read(path));

    /// <summary>Takes the text for the project file of that path.</summary>
    public static Project Parse(string path, string text) => new(path, XDocument.Parse(text));

    /// <summary>The value of a property if the project file itself sets it.</summary>
    public string? Property(string name) => xml.Descendants(name).LastOrDefault()?.Value;

    private List<string> ProjectReferences(bool isPackageOnly) =>
        [.. xml.Descendants("ProjectReference").Where(element => (string?)element.Attribute("PackageOnly") == "true" == isPackageOnly)
            .Select(element => Path.GetFileNameWithoutExtension(((string?)element.Attribute("Include") ?? "").Replace('\\', '/')))];

    private List<string> Includes(string item) =>
        [.. xml.Descendants(item).Select(element => (string?)element.Attribute("Include")).OfType<string>()];
}

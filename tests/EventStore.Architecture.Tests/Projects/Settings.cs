using System.Xml.Linq;
using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>What the build settings must say, and what no project may take back.</summary>
internal static class Settings
{
    /// <summary>The settings of the repository, as a folder names them.</summary>
    public const string Parent = "../Directory.Build.props";

    private static readonly (string Name, string Value)[] Everywhere =
        [("Nullable", "enable"), ("TreatWarningsAsErrors", "true"), ("EnforceCodeStyleInBuild", "true")];

    private static readonly (string Name, string Value)[] InProducts = [("GenerateDocumentationFile", "true")];

    /// <summary>What is missing in the settings of the whole repository.</summary>
    public static IEnumerable<string> MissingEverywhere(string props)
    {
        var xml = XDocument.Parse(props);
        return MissingProperties(xml, Everywhere)
            .Concat(Missing(xml, "PackageReference", "Microsoft.CodeAnalysis.BannedApiAnalyzers"))
            .Concat(Missing(xml, "AdditionalFiles", "$(MSBuildThisFileDirectory)BannedSymbols.txt"));
    }

    /// <summary>What is missing in the settings of the projects below <c>src/</c>.</summary>
    public static IEnumerable<string> MissingInProducts(string props) => MissingProperties(XDocument.Parse(props), InProducts);

    /// <summary>Whether the settings of a folder begin with those of the repository.</summary>
    public static bool ContinuesTheRepository(string props) =>
        XDocument.Parse(props).Descendants("Import").Any(import => (string?)import.Attribute("Project") == Parent);

    /// <summary>Settings that a project, or the settings of a folder, take back.</summary>
    public static IEnumerable<string> TakenBackBy(Project project) =>
        from setting in Everywhere.Concat(project.FilePath.StartsWith("src/", StringComparison.Ordinal) ? InProducts : [])
        let value = project.Property(setting.Name)
        where value is not null && value != setting.Value
        select $"{project.FilePath} sets {setting.Name} to {value}";

    /// <summary>Package versions that are not one exact version.</summary>
    public static IEnumerable<string> FloatingVersions(string packages) =>
        from package in XDocument.Parse(packages).Descendants("PackageVersion")
        let version = (string?)package.Attribute("Version") ?? ""
        where version.Length == 0 || version.IndexOfAny(['*', '[', '(', ',']) >= 0 && !version.StartsWith("$(", StringComparison.Ordinal)
        select $"{(string?)package.Attribute("Include")} {version}";

    private static IEnumerable<string> MissingProperties(XDocument xml, (string Name, string Value)[] settings) => settings
        .Where(setting => xml.Descendants(setting.Name).LastOrDefault()?.Value != setting.Value)
        .Select(setting => $"{setting.Name} is not {setting.Value}");

    private static IEnumerable<string> Missing(XDocument xml, string item, string include) =>
        xml.Descendants(item).Any(element => (string?)element.Attribute("Include") == include) ? [] : [$"{item} {include}"];
}

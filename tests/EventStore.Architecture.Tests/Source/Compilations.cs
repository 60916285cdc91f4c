using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace EventStore.Architecture.Source;

/// <summary>
/// Compiles the sources of projects in memory, so that gates can ask what a name means. Nothing is built or restored for it: packages that
/// this test project does not load stay unknown, and their names mean nothing to a gate.
/// </summary>
internal static class Compilations
{
    private static readonly string[] ImplicitUsings =
        ["System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading", "System.Threading.Tasks"];

    private static readonly Lazy<IReadOnlyList<MetadataReference>> Platform = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("EventStore", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path))]);

    // Abstractions declares what the others open for all their files; opening it there too changes nothing.
    private static readonly Lazy<IReadOnlyList<string>> UsingsOfProducts = new(() => Project.At("src/Directory.Build.props").Usings);

    private static readonly Dictionary<string, CSharpCompilation> Known = [];

    /// <summary>The compilation of a source project over those of the projects it references.</summary>
    public static CSharpCompilation Of(Project project)
    {
        lock (Known)
        {
            if (Known.TryGetValue(project.Name, out var known))
                return known;
            var referenced = Referenced(project).Distinct();
            return Known[project.Name] = Of(project.Name, project.Sources, [.. project.Usings, .. UsingsOfProducts.Value], [.. referenced]);
        }
    }

    /// <summary>The compilation of a few sources under a name.</summary>
    public static CSharpCompilation Of(
        string name, IReadOnlyList<SourceFile> sources, IReadOnlyList<string> usings, IReadOnlyList<CSharpCompilation> referenced)
    {
        var global = SourceFile.Parse("", string.Concat(ImplicitUsings.Concat(usings).Select(opened => $"global using {opened};\n")));
        return CSharpCompilation.Create(
            name,
            sources.Append(global).Select(source => source.Tree),
            Platform.Value.Concat(referenced.Select(compilation => compilation.ToMetadataReference())),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable,
                allowUnsafe: true));
    }

    private static IEnumerable<CSharpCompilation> WithReferenced(Project project) =>
        Referenced(project).Append(Of(project));

    private static IEnumerable<CSharpCompilation> Referenced(Project project) =>
        Repository.SourceProjects.Where(other => project.Projects.Contains(other.Name)).SelectMany(WithReferenced);
}

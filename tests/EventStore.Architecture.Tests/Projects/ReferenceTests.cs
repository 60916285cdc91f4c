using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>
/// Holds the floors of the house: the core and every backend stand side by side on the abstractions and never see each other.
/// </summary>
public sealed class ReferenceTests
{
    [Fact]
    public void Source_projects_reference_only_what_their_floor_allows() => Gate.Holds(
        Repository.SourceProjects.SelectMany(References.Strays),
        "These references are not among those that the floors of the house allow.");

    [Fact]
    public void Every_backend_package_brings_core_along() => Gate.Holds(
        Repository.SourceProjects.SelectMany(References.MissingInPackage),
        "These references are missing: installing one package is enough to begin.");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Read("EventStore.slnx").Replace('\\', '/');
        Gate.Holds(Repository.AllProjects.Select(project => project.FilePath)
            .Where(path => !solution.Contains($"\"{path}\"", StringComparison.Ordinal)),
            "These projects are not in EventStore.slnx, so no build includes them.");
    }

    [Theory]
    [InlineData("EventStore.Abstractions", """<PackageReference Include="Npgsql" />""", "EventStore.Abstractions → Npgsql")]
    [InlineData("EventStore", """<ProjectReference Include="..\EventStore.Sqlite\EventStore.Sqlite.csproj" />""",
        "EventStore → EventStore.Sqlite")]
    [InlineData("EventStore.Redis", """<ProjectReference Include="../EventStore/EventStore.csproj" />""", "EventStore.Redis → EventStore")]
    [InlineData("EventStore.Redis", """<ProjectReference Include="../EventStore.Sqlite/EventStore.Sqlite.csproj" PackageOnly="true" />""",
        "EventStore.Redis → EventStore.Sqlite, for its package")]
    [InlineData("EventStore.Abstractions", """<ProjectReference Include="../EventStore/EventStore.csproj" PackageOnly="true" />""",
        "EventStore.Abstractions → EventStore, for its package")]
    [InlineData("EventStore.Attic", "", "EventStore.Attic is not on the floors")]
    public void A_stray_reference_is_seen(string name, string reference, string stray) =>
        Assert.Equal([stray], References.Strays(ProjectOf(name, reference)));

    [Fact]
    public void A_backend_may_reference_the_abstractions_and_its_driver() => Assert.Empty(References.Strays(ProjectOf("EventStore.Postgres",
        """
        <ProjectReference Include="../EventStore.Abstractions/EventStore.Abstractions.csproj" />
        <PackageReference Include="Npgsql" />
        """)));

    [Theory]
    [InlineData("""<ProjectReference Include="../EventStore/EventStore.csproj" PackageOnly="true" />""", 0)]
    [InlineData("", 1)]
    public void A_backend_package_without_core_is_seen(string reference, int missing)
    {
        var project = ProjectOf("EventStore.Redis", reference);
        Assert.Empty(References.Strays(project));
        Assert.Equal(missing, References.MissingInPackage(project).Count());
    }

    private static Project ProjectOf(string name, string references) =>
        Project.Parse($"src/{name}/{name}.csproj", $"<Project><ItemGroup>{references}</ItemGroup></Project>");
}

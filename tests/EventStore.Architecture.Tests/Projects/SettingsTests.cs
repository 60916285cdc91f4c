using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>
/// Keeps the compiler strict for every project: null checks, warnings as errors, banned calls, documentation of what is public.
/// </summary>
public sealed class SettingsTests
{
    private const string Strict = """
        <Project>
          <PropertyGroup>
            <Nullable>enable</Nullable>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <EnforceCodeStyleInBuild>true</EnforceCodeStyleInBuild>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Microsoft.CodeAnalysis.BannedApiAnalyzers" />
            <AdditionalFiles Include="$(MSBuildThisFileDirectory)BannedSymbols.txt" />
          </ItemGroup>
        </Project>
        """;

    [Fact]
    public void The_repository_is_built_strictly() =>
        Gate.Holds(Settings.MissingEverywhere(Repository.Read("Directory.Build.props")), "Directory.Build.props lacks these.");

    [Fact]
    public void What_is_public_is_documented() =>
        Gate.Holds(Settings.MissingInProducts(Repository.Read("src/Directory.Build.props")), "src/Directory.Build.props lacks these.");

    [Fact]
    public void Every_folder_continues_the_settings_of_the_repository() => Gate.Holds(
        FolderProps().Where(path => !Settings.ContinuesTheRepository(Repository.Read(path))),
        $"These lack the import of {Settings.Parent}.");

    [Fact]
    public void No_folder_and_no_project_takes_strictness_back() => Gate.Holds(
        FolderProps().Select(Project.At).Concat(Repository.AllProjects).SelectMany(Settings.TakenBackBy),
        "These settings hold for every project.");

    [Fact]
    public void Banned_calls_name_their_replacement() => Gate.Holds(
        Repository.Read("BannedSymbols.txt").Split('\n').Where(line => line.Length > 0 && line.Split(';', 2) is not [_, { Length: > 10 }]),
        "A line of BannedSymbols.txt ends with what to use instead.");

    [Fact]
    public void Package_versions_are_exact() =>
        Gate.Holds(Settings.FloatingVersions(Repository.Read("Directory.Packages.props")),
            "A version in Directory.Packages.props never floats.");

    [Theory]
    [InlineData("<Nullable>enable</Nullable>", "<Nullable>annotations</Nullable>")]
    [InlineData("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>", "")]
    [InlineData("BannedApiAnalyzers", "OtherAnalyzers")]
    [InlineData("BannedSymbols.txt", "Symbols.txt")]
    public void A_setting_that_went_is_seen(string part, string replacement)
    {
        Assert.Empty(Settings.MissingEverywhere(Strict));
        Assert.Single(Settings.MissingEverywhere(Strict.Replace(part, replacement, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("src/A/A.csproj", "<Nullable>disable</Nullable>", 1)]
    [InlineData("src/A/A.csproj", "<GenerateDocumentationFile>false</GenerateDocumentationFile>", 1)]
    [InlineData("tests/A/A.csproj", "<GenerateDocumentationFile>false</GenerateDocumentationFile>", 0)]
    [InlineData("src/A/A.csproj", "<Nullable>enable</Nullable>", 0)]
    public void A_setting_taken_back_is_seen(string path, string setting, int count) =>
        Assert.Equal(count, Settings.TakenBackBy(Project.Parse(path, $"<Project>{setting}</Project>")).Count());

    [Theory]
    [InlineData("1.2.3", 0)]
    [InlineData("$(DriverVersion)", 0)]
    [InlineData("1.2.*", 1)]
    [InlineData("[1.2,2.0)", 1)]
    public void A_floating_version_is_seen(string version, int count) => Assert.Equal(count,
        Settings.FloatingVersions($"<Project><PackageVersion Include=\"A\" Version=\"{version}\" /></Project>").Count());

    private static IEnumerable<string> FolderProps() =>
        Repository.TopFolders.SelectMany(folder => Repository.Files(folder, "Directory.Build.props"));
}

using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>Keeps the server backends alike, file by file.</summary>
public sealed class SilhouetteTests
{
    private static readonly string[] Whole =
    [
        "RedisWireupExtensions.cs", "RedisOptions.cs", "RedisPersistenceEngine.cs", "RedisSchema.cs", "RedisWriter.cs", "RedisReader.cs",
        "RedisSnapshots.cs", "RedisDocuments.cs", "RedisRemoval.cs", "RedisWakeUp.cs", "RedisRows.cs", "RedisErrors.cs", "README.md",
        "Scripts/commit.lua", "RedisClock.cs", "PublicApi.txt",
    ];

    [Fact]
    public void Server_backends_have_the_same_files() => Gate.Holds(
        Silhouette.Backends.SelectMany(backend => Silhouette.Differences(backend, FilesOf($"EventStore.{backend}"))),
        "A server backend has one file for each role, and further files begin with its name.");

    [Fact]
    public void Every_server_backend_is_held_to_them() => Gate.Holds(
        from project in Repository.SourceProjects
        where Silhouette.IsServerBackend(project.Name, FilesOf(project.Name))
        && !Silhouette.Backends.Contains(Silhouette.NameOf(project.Name))
        select project.Name,
        "These projects have an engine in their folder and are not among the server backends of Silhouette.");

    [Fact]
    public void A_file_of_SQL_holds_one_statement() => Gate.Holds(
        from path in Repository.Files("src", "*.sql")
        let count = SqlStatements.Count(Repository.Read(path))
        where count != 1
        select $"{path} holds {count}",
        "A statement has a file of its own.");

    [Fact]
    public void A_whole_silhouette_has_no_differences() => Assert.Empty(Silhouette.Differences("Redis", Whole));

    [Theory]
    [InlineData("RedisWriter.cs", "RedisCommits.cs", "EventStore.Redis has no RedisWriter.cs")]
    [InlineData("README.md", "PAGE.md", "EventStore.Redis has no README.md")]
    [InlineData("Scripts/commit.lua", "RedisLog.cs", "EventStore.Redis has no Scripts/*.lua")]
    [InlineData("RedisClock.cs", "Clock.cs", "EventStore.Redis has Clock.cs")]
    [InlineData("RedisClock.cs", "Time/RedisClock.cs", "EventStore.Redis has Time/RedisClock.cs")]
    [InlineData("RedisClock.cs", "RedisTime/RedisClock.cs", "EventStore.Redis has RedisTime/RedisClock.cs")]
    [InlineData("RedisClock.cs", "Sql/commit.sql", "EventStore.Redis has Sql/commit.sql")]
    public void A_file_that_is_missing_or_misnamed_is_seen(string file, string instead, string difference) =>
        Assert.Equal([difference], Silhouette.Differences("Redis", [.. Whole.Select(name => name == file ? instead : name)]));

    [Theory]
    [InlineData("EventStore.Own", "OwnPersistenceEngine.cs", true)]
    [InlineData("EventStore.Own", "Engine/OwnPersistenceEngine.cs", false)]
    public void A_server_backend_is_known_by_its_engine(string project, string file, bool isBackend) =>
        Assert.Equal(isBackend, Silhouette.IsServerBackend(project, [file]));

    [Theory]
    [InlineData("", 0)]
    [InlineData("-- Nothing; at all.\n/* Nor; here. */ ;", 0)]
    [InlineData("SELECT 1", 1)]
    [InlineData("SELECT ';', \";\" -- one;\nFROM t /* ; */;\n", 1)]
    [InlineData("CREATE FUNCTION f() AS $$ SELECT 1; SELECT 2; $$;", 1)]
    [InlineData("CREATE FUNCTION f() AS $body$ SELECT $1; $body$;", 1)]
    [InlineData("SELECT $1; SELECT $2;", 2)]
    public void Statements_are_counted(string text, int count) => Assert.Equal(count, SqlStatements.Count(text));

    private static List<string> FilesOf(string project)
    {
        var folder = $"src/{project}/";
        return [.. Repository.Files($"src/{project}", "*").Select(path => path[folder.Length..])];
    }
}

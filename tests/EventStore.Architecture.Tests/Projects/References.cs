using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>
/// The floors of the house: which projects and packages each source project may reference. Who is not listed here may not be built.
/// </summary>
internal static class References
{
    private static readonly Dictionary<string, (string[] Projects, string[] Packages)> Allowed = new()
    {
        ["EventStore.Abstractions"] = ([], ["Microsoft.Extensions.Logging.Abstractions"]),
        ["EventStore"] = (["EventStore.Abstractions"], []),
        ["EventStore.Conformance"] = (["EventStore", "EventStore.Abstractions"], ["xunit.v3.extensibility.core", "xunit.v3.assert"]),
        ["EventStore.FileSystem"] = Backend(),
        ["EventStore.Sqlite"] = Backend("Microsoft.Data.Sqlite", "SQLitePCLRaw.bundle_e_sqlite3", "Dapper"),
        ["EventStore.Postgres"] = Backend("Npgsql", "Dapper"),
        ["EventStore.Mongo"] = Backend("MongoDB.Driver"),
        ["EventStore.Redis"] = Backend("StackExchange.Redis"),
    };

    /// <summary>The references of a source project that the floors do not allow.</summary>
    public static IEnumerable<string> Strays(Project project)
    {
        if (!Allowed.TryGetValue(project.Name, out var allowed))
            return [$"{project.Name} is not on the floors"];
        return project.Projects.Except(allowed.Projects).Concat(project.Packages.Except(allowed.Packages))
            .Select(reference => $"{project.Name} → {reference}");
    }

    private static (string[] Projects, string[] Packages) Backend(params string[] driver) => (["EventStore.Abstractions"], driver);
}

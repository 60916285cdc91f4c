using EventStore.Architecture.Source;

namespace EventStore.Architecture.Projects;

/// <summary>
/// The floors of the house: which projects and packages each source project may reference. A project that is not listed may not be built.
/// </summary>
internal static class References
{
    private static readonly Dictionary<string, Floor> Floors = new()
    {
        ["EventStore.Abstractions"] = new([], ["Microsoft.Extensions.Logging.Abstractions"]),
        ["EventStore"] = new(["EventStore.Abstractions"], []),
        ["EventStore.Domain"] = new(["EventStore"], []),
        ["EventStore.Testing"] = new(["EventStore.Domain"], []),
        ["EventStore.Conformance"] = new(["EventStore.Testing"], ["xunit.v3.extensibility.core", "xunit.v3.assert"]),
        ["EventStore.FileSystem"] = Backend(),
        ["EventStore.Sqlite"] = Backend("Microsoft.Data.Sqlite", "SQLitePCLRaw.bundle_e_sqlite3", "Dapper", "Dapper.AOT"),
        ["EventStore.Postgres"] = Backend("Npgsql", "Dapper", "Dapper.AOT"),
        ["EventStore.Mongo"] = Backend("MongoDB.Driver"),
        ["EventStore.Redis"] = Backend("StackExchange.Redis"),
    };

    /// <summary>The references of a source project that the floors do not allow.</summary>
    public static IEnumerable<string> Strays(Project project)
    {
        if (!Floors.TryGetValue(project.Name, out var floor))
            return [$"{project.Name} is not on the floors"];
        return project.Projects.Except(floor.Projects).Concat(project.Packages.Except(floor.Packages))
            .Select(reference => $"{project.Name} → {reference}")
            .Concat(project.PackageOnlyProjects.Except(floor.InPackage)
                .Select(reference => $"{project.Name} → {reference}, for its package"));
    }

    /// <summary>
    /// What the package of a source project must bring along and does not: core with every backend, so that one package is enough to begin.
    /// </summary>
    public static IEnumerable<string> MissingInPackage(Project project) => !Floors.TryGetValue(project.Name, out var floor)
        ? []
        : floor.InPackage.Except(project.PackageOnlyProjects).Select(reference => $"{project.Name} → {reference}, for its package");

    // Its code sees the abstractions and the driver; core is for its package alone.
    private static Floor Backend(params string[] driver) => new(["EventStore.Abstractions"], driver) { InPackage = ["EventStore"] };

    private sealed record Floor(string[] Projects, string[] Packages)
    {
        public string[] InPackage { get; init; } = [];
    }
}

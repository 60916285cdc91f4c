using EventStore.Architecture.Source;

namespace EventStore.Architecture.Rooms;

/// <summary>Holds the rooms of every source project apart: no circles, and in the core only the arrows of its picture.</summary>
public sealed class RoomTests
{
    private static readonly Project Core = Repository.SourceProjects.Single(project => project.Name == "EventStore");

    [Fact]
    public void Rooms_never_point_in_a_circle()
    {
        var circles = Repository.SourceProjects.SelectMany(project =>
            RoomCircles.In(RoomEdges.Of(project)).Select(circle => $"{project.Name}\n    {circle}"));
        Gate.Holds(circles, "These rooms point in a circle; move what both need below both, or hand it in.");
    }

    [Fact]
    public void Core_has_only_the_arrows_of_its_picture()
    {
        var strays = RoomEdges.Of(Core).Where(edge => !CoreArrows.Allow(edge.From, edge.To)).DistinctBy(edge => (edge.FilePath, edge.Name));
        Gate.Holds(strays, "These uses follow no arrow of the core's picture.");
    }

    [Fact]
    public void Core_has_only_the_rooms_of_its_picture()
    {
        var rooms = Core.Sources.Select(source => Room.Of(source.FilePath, Core.Folder)!).Distinct();
        Gate.Holds(rooms.Where(room => !CoreArrows.Know(room)), "These rooms have no place in the core's picture.");
    }

    [Fact]
    public void Every_type_of_core_and_its_vocabulary_is_known_here()
    {
        // An unknown name would hide edges, so it must not go unnoticed.
        string[] known = ["EventStore.Abstractions", "EventStore"];
        var unknown = Repository.SourceProjects.Where(project => known.Contains(project.Name))
            .SelectMany(project => Compilations.Of(project).GetDiagnostics())
            .Where(diagnostic => diagnostic.Id is "CS0246" or "CS0234")
            .Select(diagnostic => diagnostic.ToString());
        Gate.Holds(unknown, "These names mean nothing to the architecture tests; reference their package in this project.");
    }

    [Fact]
    public void Namespaces_follow_rooms()
    {
        var strays = from project in Repository.SourceProjects
                     from source in project.Sources
                     where !RoomNamespaces.Fit(source, project)
                     select $"{source.FilePath} declares {string.Join(", ", RoomNamespaces.DeclaredIn(source))}";
        Gate.Holds(strays,
            "A file's namespace is its project's and its room's; only files whose types are all public may leave out the room.");
    }

    [Fact]
    public void Rooms_are_not_named_by_kind()
    {
        string[] kinds = ["Utils", "Utilities", "Common", "Helpers", "Core", "Internal", "Infrastructure"];
        var folders = Repository.AllSources.Select(source => Path.GetDirectoryName(source.FilePath)!.Replace('\\', '/')).Distinct();
        Gate.Holds(folders.Where(folder => folder.Split('/').Intersect(kinds, StringComparer.OrdinalIgnoreCase).Any()),
            "A room named by kind ends in a knot; name it by what it is about.");
    }
}

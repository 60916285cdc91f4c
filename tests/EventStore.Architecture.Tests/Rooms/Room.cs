namespace EventStore.Architecture.Rooms;

/// <summary>A room: the first folder below a project's own, or the front door, which is the project's folder itself.</summary>
internal static class Room
{
    /// <summary>The room of files that lie in the project's own folder.</summary>
    public const string FrontDoor = "(front door)";

    /// <summary>The room in which a file of a project lies; null for a file of another project.</summary>
    public static string? Of(string filePath, string projectFolder)
    {
        if (!filePath.StartsWith(projectFolder + "/", StringComparison.Ordinal))
            return null;
        var inside = filePath[(projectFolder.Length + 1)..];
        return inside.Contains('/', StringComparison.Ordinal) ? inside[..inside.IndexOf('/', StringComparison.Ordinal)] : FrontDoor;
    }
}

/// <summary>A place where one room uses something that another declares.</summary>
internal sealed record RoomEdge(string From, string To, string FilePath, int Line, string Name)
{
    public override string ToString() => $"{From} → {To}: {FilePath}:{Line} uses {Name}";
}

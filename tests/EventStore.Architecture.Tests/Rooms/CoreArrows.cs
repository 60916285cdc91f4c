namespace EventStore.Architecture.Rooms;

/// <summary>
/// The picture of the core: which of its rooms may use which. A room uses the floors below its own, never its neighbors.
/// </summary>
internal static class CoreArrows
{
    private static readonly string[][] Floors =
    [
        [Room.FrontDoor],
        ["Composition"],
        ["Retention", "Imports"],
        ["Streams", "Dispatch", "Consumers", "ReadStreams"],
        ["Deliveries"],
        ["Feeds", "Leases"],
        ["Pipeline"],
        ["Serialization", "Diagnostics"],
    ];

    // An engine like those of the other packages: it is handed to the rest, sees nothing of it, and only its makers name it.
    private const string Engine = "InMemory";
    private static readonly string[] MakersOfTheEngine = [Room.FrontDoor, "Composition"];

    /// <summary>Whether the picture has an arrow, direct or through other rooms, from one room to another.</summary>
    public static bool Allow(string from, string to) => to == Engine
        ? MakersOfTheEngine.Contains(from)
        : FloorOf(from) is { } upper && FloorOf(to) is { } lower && upper < lower;

    /// <summary>Whether the picture has the room at all.</summary>
    public static bool Know(string room) => room == Engine || FloorOf(room) is not null;

    private static int? FloorOf(string room)
    {
        var floor = Array.FindIndex(Floors, rooms => rooms.Contains(room));
        return floor < 0 ? null : floor;
    }
}

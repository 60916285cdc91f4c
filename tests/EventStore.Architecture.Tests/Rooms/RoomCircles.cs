namespace EventStore.Architecture.Rooms;

/// <summary>Finds circles between rooms, the shortest for each room that stands in one, shown by an edge for each step.</summary>
internal static class RoomCircles
{
    /// <summary>One text for each circle; empty when rooms only ever point downwards.</summary>
    public static IReadOnlyList<string> In(IReadOnlyList<RoomEdge> edges)
    {
        var steps = edges.GroupBy(edge => (edge.From, edge.To)).ToDictionary(group => group.Key, group => group.First());
        return
        [
            .. steps.Keys.Select(step => step.From).Distinct().Order(StringComparer.Ordinal)
                .Select(room => ShortestBackTo(room, steps.Values))
                .OfType<List<RoomEdge>>()
                .DistinctBy(circle => string.Join('|', circle.Select(edge => edge.From).Order(StringComparer.Ordinal)))
                .Select(circle => string.Join("\n    ", circle)),
        ];
    }

    private static List<RoomEdge>? ShortestBackTo(string room, IReadOnlyCollection<RoomEdge> steps)
    {
        var paths = new Queue<List<RoomEdge>>(steps.Where(step => step.From == room).Select(step => new List<RoomEdge> { step }));
        var seen = new HashSet<string>();
        while (paths.TryDequeue(out var path))
        {
            if (path[^1].To == room)
                return path;
            if (!seen.Add(path[^1].To))
                continue;
            foreach (var next in steps.Where(step => step.From == path[^1].To))
                paths.Enqueue([.. path, next]);
        }

        return null;
    }
}

namespace GitHistory;

/// <summary>What became of one file: the fold of its stream, and the state that its snapshots keep.</summary>
internal sealed record FileState(long Changes, long Added, long Removed, DateTimeOffset First, DateTimeOffset Last)
{
    /// <summary>A file of which nothing is known.</summary>
    public static FileState Unborn { get; } = new(0, 0, 0, DateTimeOffset.MaxValue, DateTimeOffset.MinValue);

    public FileState Apply(IFileEvent happened)
    {
        var change = happened.Change;
        return new(
            Changes + 1,
            Added + (change.Added ?? 0),
            Removed + (change.Removed ?? 0),
            change.When < First ? change.When : First,
            change.When > Last ? change.When : Last);
    }
}

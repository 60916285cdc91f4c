namespace EventStore.Engines;

/// <summary>
/// Remembers the commit ids whose outcome is unknown, so that a later failure of the same attempt does not claim that nothing was stored
/// (G12). Bounded: beyond its capacity every id counts as unknown, which is always a correct report. May be used by many threads at once.
/// </summary>
/// <param name="capacity">How many ids are remembered.</param>
public sealed class UnknownCommits(int capacity)
{
    private readonly Lock gate = new();
    private readonly HashSet<Guid> ids = [];
    private volatile bool isEmpty = true;
    private bool isFull;

    /// <summary>Remembers the ids of a batch that ended in an unknown way.</summary>
    /// <param name="attempts">The batch.</param>
    public void Add(IReadOnlyList<CommitAttempt> attempts)
    {
        ArgumentNullException.ThrowIfNull(attempts);
        lock (gate)
        {
            isEmpty = false;
            for (var i = 0; i < attempts.Count && !isFull; i++)
            {
                isFull = ids.Count == capacity && !ids.Contains(attempts[i].CommitId);
                if (!isFull) ids.Add(attempts[i].CommitId);
            }

            if (isFull) ids.Clear();
        }
    }

    /// <summary>Whether the outcome of one of the attempts may be unknown.</summary>
    /// <param name="attempts">A batch that failed, or is to be tried.</param>
    public bool Concerns(IReadOnlyList<CommitAttempt> attempts)
    {
        ArgumentNullException.ThrowIfNull(attempts);
        if (isEmpty) return false;
        lock (gate) return isFull || attempts.Any(attempt => ids.Contains(attempt.CommitId));
    }
}

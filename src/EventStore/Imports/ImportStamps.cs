namespace EventStore.Imports;

/// <summary>Knows which stamps the engine will raise, before they are sent.</summary>
/// <param name="time">The clock.</param>
/// <param name="isAlone">Whether the import holds the store. Otherwise any other writer may store a newer stamp at any time.</param>
/// <param name="newest">The newest stamp of the store; null where it is not known, because the newest events were removed.</param>
internal sealed class ImportStamps(TimeProvider time, bool isAlone, DateTimeOffset? newest)
{
    private static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);
    private DateTimeOffset? known = newest;

    /// <summary>Whether the next outcome shows what is not known yet.</summary>
    public bool IsUncertain => isAlone && known is null;

    /// <summary>The newest stamp, or the present time where there is none.</summary>
    public DateTimeOffset Newest => known is { Ticks: > 0 } stamp ? stamp : time.GetUtcNow();

    /// <exception cref="StampAheadException">The stamp is too far ahead of the clock.</exception>
    public void Require(ImportCommit commit)
    {
        var now = time.GetUtcNow();
        if (commit.Stamp - now > MaxAhead) throw new StampAheadException(commit.Stream, commit.CommitId, commit.Stamp, now);
    }

    /// <summary>Whether a stamp will be raised, as far as that is known.</summary>
    public bool MayBeRaised(DateTimeOffset stamp) => !isAlone || known is null || Stored(stamp) < known;

    /// <summary>Whether a stored stamp is another one than was asked for.</summary>
    public static bool IsRaised(DateTimeOffset stored, DateTimeOffset asked) => stored > Stored(asked);

    /// <summary>Notes a stamp that is sent next, or was found.</summary>
    public void Note(DateTimeOffset stamp)
    {
        if (known is { } before && before < Stored(stamp)) known = Stored(stamp);
    }

    /// <summary>Notes the stamp of the newest commit.</summary>
    public void Learn(DateTimeOffset stored)
    {
        if (known is null || known < stored) known = stored;
    }

    private static DateTimeOffset Stored(DateTimeOffset stamp) =>
        new(stamp.UtcTicks - (stamp.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}

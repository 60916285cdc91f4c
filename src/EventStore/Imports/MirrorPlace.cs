namespace EventStore.Imports;

/// <summary>
/// Where a mirror is: its newest checkpoint, what was added and not sent included, and the events that it must make up for.
/// </summary>
/// <param name="name">The name of the import.</param>
/// <param name="head">The newest checkpoint of the store.</param>
internal sealed class MirrorPlace(string name, Checkpoint head)
{
    public Checkpoint Head { get; private set; } = head;

    public MissingEvents Missing { get; } = new();

    public void MoveTo(Checkpoint newHead) => Head = newHead;

    /// <summary>Whether a commit or unit is stored already. Throws where a mirror cannot have it.</summary>
    public bool Has(IReadOnlyList<ImportCommit> unit)
    {
        var next = unit[0].FirstCheckpoint;
        if (next == Checkpoint.Origin) throw new ArgumentException("A mirror needs FirstCheckpoint of every commit.", nameof(unit));
        foreach (var commit in unit)
        {
            if (commit.FirstCheckpoint != next)
                throw new ArgumentException("The commits of a unit have consecutive checkpoints in a mirror.", nameof(unit));
            next += commit.EventCount;
        }

        var isStored = unit[^1].LastCheckpoint <= Head;
        if (!isStored && unit[0].FirstCheckpoint <= Head)
            throw Differs(unit[0], $"has checkpoint {unit[0].FirstCheckpoint}, but the store is at {Head}.");
        return isStored;
    }

    /// <summary>Throws where a commit comes before all places of its stream that it misses are filled.</summary>
    public void RequireFilled(IReadOnlyList<ImportCommit> unit)
    {
        foreach (var commit in unit)
        {
            if (Missing.CountOf(commit.Stream) is > 0 and var missing)
                throw Differs(commit, $"comes before the last {missing} missing events that were announced.");
        }
    }

    /// <summary>Throws where a commit is not stored as the source has it.</summary>
    public void Require(ImportCommit commit, CommitRecord? stored)
    {
        if (stored is null) throw Differs(commit, $"is not stored, but its checkpoint {commit.FirstCheckpoint} is assigned.");
        if (stored.FirstCheckpoint != commit.FirstCheckpoint)
            throw Differs(commit, $"is stored at checkpoint {stored.FirstCheckpoint}, not {commit.FirstCheckpoint}.");
        if (commit.FirstRevision != Revision.None && stored.FirstRevision != commit.FirstRevision)
            throw Differs(
                commit, $"is stored at revision {stored.FirstRevision}, not {commit.FirstRevision}: were its first events truncated?");
    }

    private ImportException Differs(ImportCommit commit, string how) => new(
        name,
        $"would not be a mirror: commit {commit.CommitId} of stream '{commit.Stream}' {how}",
        "Give it every commit of the source in order, announce truncated streams first, and begin with an empty storage.");
}

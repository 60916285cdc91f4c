using System.ComponentModel;

namespace EventStore;

/// <summary>Choices of an import.</summary>
public sealed class ImportOptions
{
    /// <summary>Whether a merge holds the store until it is complete, as a mirror does. Default: no.</summary>
    public bool HoldsStore { get; set; }

    /// <summary>The time after which the progress is recorded again. Default: 2 seconds.</summary>
    public TimeSpan ProgressInterval { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Gets the counts after each batch; null where no code wants them.</summary>
    public IProgress<ImportReport>? Progress { get; set; }

    /// <summary>A checked copy.</summary>
    /// <exception cref="InvalidOptionException">A value is out of its range.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public ImportOptions Validated()
    {
        Engines.OptionRules.RequirePositive(this, ProgressInterval);
        return (ImportOptions)MemberwiseClone();
    }
}

/// <summary>
/// What an import did, in all its runs. What was stored shortly before a run was broken off may count as a duplicate.
/// </summary>
/// <param name="Commits">Commits stored, each member of a unit for itself.</param>
/// <param name="Events">Their events.</param>
/// <param name="Duplicates">Commits that were stored before.</param>
/// <param name="RaisedStamps">Commits whose stamp would have decreased; they have the header <c>original-stamp</c>.</param>
/// <param name="SkippedCheckpoints">Checkpoints that a mirror passed over.</param>
/// <param name="Snapshots">Snapshots saved.</param>
public sealed record ImportReport(
    long Commits, long Events, long Duplicates, long RaisedStamps, long SkippedCheckpoints, long Snapshots);

/// <summary>The recorded progress of an import.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mode">How it stores commits.</param>
/// <param name="Position">The checkpoint of the source up to which everything is stored.</param>
/// <param name="Report">What it did up to there.</param>
/// <param name="IsComplete">Whether it was completed.</param>
public sealed record ImportProgress(string Name, ImportMode Mode, Checkpoint Position, ImportReport Report, bool IsComplete);

/// <summary>A stream of a source, some of whose first commits were truncated with all their events.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Incarnation">The checkpoint of its first event.</param>
/// <param name="Events">How many events those commits had.</param>
/// <param name="Commits">How many commits those were; 0 where that is not known. Then later commit sequences may differ.</param>
/// <param name="Before">The first checkpoint of the next commit; <see cref="Checkpoint.Max"/> where there is none.</param>
public sealed record TruncatedStream(StreamId Stream, Checkpoint Incarnation, long Events, long Commits, Checkpoint Before);

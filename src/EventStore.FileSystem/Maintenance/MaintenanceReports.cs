namespace EventStore;

/// <summary>How far a backup, a compaction or a repair is.</summary>
/// <param name="BytesDone">Bytes of files processed so far.</param>
/// <param name="BytesExpected">Bytes of files to process, as far as is known.</param>
public readonly record struct FileSystemProgress(long BytesDone, long BytesExpected);

/// <summary>What a backup did.</summary>
/// <param name="UpTo">The checkpoint up to which the copy holds every event.</param>
/// <param name="FilesCopied">Files written.</param>
/// <param name="FilesUnchanged">Files that an earlier backup had copied already.</param>
/// <param name="BytesCopied">Bytes written.</param>
public sealed record BackupReport(Checkpoint UpTo, int FilesCopied, int FilesUnchanged, long BytesCopied);

/// <summary>What a compaction did.</summary>
/// <param name="SegmentsRewritten">Files of the log that were rewritten.</param>
/// <param name="RecordsRemoved">Commits, snapshots and documents that were deleted, pruned or replaced, and are no longer on the
/// disk.</param>
/// <param name="BytesBefore">Bytes of those files before.</param>
/// <param name="BytesAfter">Bytes of those files after.</param>
public sealed record CompactionReport(int SegmentsRewritten, long RecordsRemoved, long BytesBefore, long BytesAfter)
{
    /// <summary>The number of bytes freed on the disk.</summary>
    public long BytesFreed => BytesBefore - BytesAfter;
}

/// <summary>What a repair saved and what was lost.</summary>
/// <param name="CommitsSaved">Commits in the new store.</param>
/// <param name="EventsSaved">Events in the new store.</param>
/// <param name="LostParts">The damaged parts, in the order of the log. One that cost nothing has 0 bytes.</param>
/// <param name="LostRevisions">Where the saved streams have holes now. Reading across a hole fails and says so; reading before or after
/// it does not.</param>
public sealed record RepairReport(
    long CommitsSaved, long EventsSaved, IReadOnlyList<LostPart> LostParts, IReadOnlyList<LostRevisions> LostRevisions)
{
    /// <summary>Whether everything was saved: no damaged part cost anything.</summary>
    public bool IsComplete => LostParts.All(part => part.Bytes == 0 && part.After == part.UpTo);
}

/// <summary>
/// A damaged part of the log. Beside events it may have held snapshots, documents and deletions; a stream deleted there exists again,
/// unless it was created again.
/// </summary>
/// <param name="Place">The damaged file, and where in it.</param>
/// <param name="Problem">What is wrong there.</param>
/// <param name="Bytes">How many bytes of the log were lost; 0 if the damage cost nothing.</param>
/// <param name="After">The events lost are those after this checkpoint …</param>
/// <param name="UpTo">… up to this one; none if the two are equal.</param>
public sealed record LostPart(string Place, string Problem, long Bytes, Checkpoint After, Checkpoint UpTo);

/// <summary>Revisions of a stream that were lost.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="First">The first of them.</param>
/// <param name="Last">The last of them.</param>
public sealed record LostRevisions(StreamId Stream, Revision First, Revision Last);

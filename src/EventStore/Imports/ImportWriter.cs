using EventStore.Pipeline;

namespace EventStore.Imports;

/// <summary>
/// Sends batches, checks their outcomes, and counts. A failure of the storage before a batch is sent leaves it as it is, to be sent again.
/// </summary>
/// <param name="target">What an import does to the storage.</param>
/// <param name="journal">Records the progress.</param>
/// <param name="batch">What is sent next.</param>
/// <param name="choices">The choices of the import.</param>
internal sealed class ImportWriter(ImportTarget target, ImportJournal journal, ImportBatch batch, ImportOptions choices)
{
    private Exception? failure;

    public required ImportStamps Stamps { get; init; }

    /// <summary>Where a mirror is; null for a merge.</summary>
    public required MirrorPlace? Mirror { get; init; }

    public ImportJournal Journal => journal;

    /// <summary>The source's checkpoint up to which everything is stored.</summary>
    public Checkpoint Position { get; private set; } = new(journal.Record!.Position);

    public ImportReport Report { get; private set; } = journal.Record!.Report;

    public bool HoldsStore => choices.HoldsStore;

    /// <exception cref="ImportException">A commit could not be stored before, so that those after it would be out of order.</exception>
    public void ThrowIfFailed()
    {
        if (failure is not null)
            throw new ImportException(
                journal.Name, $"ended with {failure.GetType().Name}.", "Settle what its message says, and open the import again.");
    }

    /// <summary>Adds an attempt, and sends what was added before if it is enough for a batch.</summary>
    public async ValueTask AddAsync(ImportEntry entry, CancellationToken cancellationToken)
    {
        if (batch.IsFullFor(entry.Attempt)) await SendAsync(cancellationToken).ConfigureAwait(false);
        batch.Add(entry);
        if (entry.Attempt.Stamp is { } stamp) Stamps.Note(stamp);
        Mirror?.MoveTo(entry.FirstCheckpoint + (entry.Attempt.EventCount - 1));
    }

    /// <summary>Fills all checkpoints of a mirror up to one: with events in the place of truncated ones, or with nothing.</summary>
    public async ValueTask FillAsync(MirrorPlace mirror, Checkpoint upTo, DateTimeOffset stamp, CancellationToken cancellationToken)
    {
        while (mirror.Head < upTo)
        {
            if (mirror.Missing.FindNext(mirror.Head + 1, upTo) is not { } filler)
            {
                await SkipAsync(mirror, upTo, cancellationToken).ConfigureAwait(false);
                return;
            }

            if (filler.First > mirror.Head + 1)
                await SkipAsync(mirror, new Checkpoint(filler.First.Value - 1), cancellationToken).ConfigureAwait(false);
            var attempt = AttemptMaker.MakeFiller(filler, stamp);
            await AddAsync(new ImportEntry(attempt, [], filler.First, filler.IsLast), cancellationToken).ConfigureAwait(false);
            mirror.Missing.Accept(filler);
        }
    }

    /// <summary>Notes that a commit of the source was stored before.</summary>
    public async ValueTask PassAsync(IReadOnlyList<ImportCommit> unit, CancellationToken cancellationToken)
    {
        Report = Report with { Duplicates = Report.Duplicates + unit.Count };
        await MoveToAsync(unit[^1].LastCheckpoint, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Notes that everything up to a checkpoint of the source is stored.</summary>
    public async ValueTask MoveToAsync(Checkpoint position, CancellationToken cancellationToken)
    {
        if (position > Position) Position = position;
        if (journal.IsDue(choices.ProgressInterval)) await RecordAsync(isComplete: false, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask RecordAsync(bool isComplete, CancellationToken cancellationToken)
    {
        var record = journal.Record! with { Position = Position.Value, Report = Report, IsComplete = isComplete };
        try
        {
            await journal.WriteAsync(record, cancellationToken).ConfigureAwait(false);
        }
        catch (ImportException taken)
        {
            failure = taken;
            throw;
        }
    }

    public void CountSnapshot() => Report = Report with { Snapshots = Report.Snapshots + 1 };

    /// <summary>Sends the batch, if there is one.</summary>
    public async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (batch.IsEmpty) return;
        var entries = batch.Entries;
        var (outcomes, wasSettled) = await target.CommitAsync([.. entries.Select(entry => entry.Attempt)]).ConfigureAwait(false);
        var (report, position) = (Report, Position);
        try
        {
            for (var i = 0; i < entries.Count; i++)
            {
                report = await AcceptAsync(entries[i], outcomes[i], wasSettled, report).ConfigureAwait(false);
                if (entries[i].Source is [.., var last]) position = last.LastCheckpoint > position ? last.LastCheckpoint : position;
            }
        }
        catch (Exception error) when (error is not (StorageUnavailableException or CommitOutcomeUnknownException))
        {
            failure = error;
            throw;
        }

        (Report, Position) = (report, position);
        batch.Clear();
        await MoveToAsync(Position, cancellationToken).ConfigureAwait(false);
        choices.Progress?.Report(Report);
    }

    /// <summary>Truncates what a commit of the source has lost, where an earlier run did not.</summary>
    public async ValueTask TruncateAgainAsync(ImportCommit commit, CommitRecord stored, CancellationToken cancellationToken)
    {
        if (commit.MissingEvents == 0) return;
        var head = await target.FindHeadAsync(commit.Stream, cancellationToken).ConfigureAwait(false);
        if (head is not null && head.FirstRevision < stored.FirstRevision + commit.MissingEvents)
            await TruncateAsync(commit, stored).ConfigureAwait(false);
    }

    private async ValueTask TruncateAsync(ImportCommit commit, CommitRecord stored)
    {
        if (Mirror is null || commit.MissingEvents == 0) return;
        var before = stored.FirstRevision + commit.MissingEvents;
        await target.TruncateAsync(commit.Stream, before, CancellationToken.None).ConfigureAwait(false);
    }

    private async ValueTask SkipAsync(MirrorPlace mirror, Checkpoint upTo, CancellationToken cancellationToken)
    {
        await SendAsync(cancellationToken).ConfigureAwait(false);
        await target.SkipAsync(upTo, cancellationToken).ConfigureAwait(false);
        Report = Report with { SkippedCheckpoints = Report.SkippedCheckpoints + upTo.Value - mirror.Head.Value };
        mirror.MoveTo(upTo);
    }

    private async ValueTask<ImportReport> AcceptAsync(
        ImportEntry entry, CommitOutcome outcome, bool wasSettled, ImportReport report)
    {
        if (outcome.Kind is not (CommitOutcomeKind.Committed or CommitOutcomeKind.Duplicate))
            throw Refusal.Of(entry.Attempt, outcome);
        var isStoredNow = outcome.Kind == CommitOutcomeKind.Committed;
        if (entry.Source.Count == 0) return await AcceptFillerAsync(entry, outcome.Commit!, report).ConfigureAwait(false);
        var sources = entry.Source.Where(commit => Mirror is not null || commit.EventCount > commit.MissingEvents).ToArray();
        for (var i = 0; i < sources.Length; i++)
        {
            var (commit, stored) = (sources[i], i == 0 ? outcome.Commit! : outcome.Rest[i - 1]);
            var member = entry.Attempt.Member(i);
            var isOwn = isStoredNow || await target.Duplicates.IsOwnAsync(
                member, stored, wasSettled, Mirror is null ? 0 : commit.MissingEvents).ConfigureAwait(false);
            Mirror?.Require(commit, stored);
            await TruncateAsync(commit, stored).ConfigureAwait(false);
            report = isOwn ? Count(commit, member, stored, report) : report with { Duplicates = report.Duplicates + 1 };
        }

        return report;
    }

    private ImportReport Count(ImportCommit commit, CommitAttempt member, CommitRecord stored, ImportReport report)
    {
        Stamps.Learn(stored.Stamp);
        return report with
        {
            Commits = report.Commits + 1,
            Events = report.Events + member.Events.Count - (Mirror is null ? 0 : commit.MissingEvents),
            RaisedStamps = report.RaisedStamps + (ImportStamps.IsRaised(stored.Stamp, commit.Stamp) ? 1 : 0),
        };
    }

    private async ValueTask<ImportReport> AcceptFillerAsync(ImportEntry entry, CommitRecord stored, ImportReport report)
    {
        if (stored.FirstCheckpoint != entry.FirstCheckpoint)
            throw new ImportException(
                journal.Name,
                $"would not be a mirror: truncated events of stream '{stored.Stream}' are stored at checkpoint {stored.FirstCheckpoint}, "
                    + $"not {entry.FirstCheckpoint}.",
                "Begin with an empty storage.");
        if (entry.Truncates)
            await target.TruncateAsync(stored.Stream, stored.LastRevision + 1, CancellationToken.None).ConfigureAwait(false);
        return report;
    }
}

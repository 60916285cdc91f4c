using System.Diagnostics.CodeAnalysis;
using EventStore.Pipeline;

namespace EventStore.Imports;

/// <summary>An import as the application sees it: one call at a time, each commit after the one before.</summary>
/// <param name="writer">Sends batches.</param>
/// <param name="target">What an import does to the storage.</param>
/// <param name="maker">Makes attempts.</param>
/// <param name="codec">Encodes snapshots.</param>
[SuppressMessage("Design", "CA1001", Justification = "A disposed semaphore would never end its waits; it holds nothing else.")]
internal sealed class RunningImport(ImportWriter writer, ImportTarget target, AttemptMaker maker, EventCodec codec) : IImport
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private Checkpoint last;
    private bool isOver;

    public string Name => writer.Journal.Name;

    public ImportMode Mode => writer.Mirror is null ? ImportMode.Merge : ImportMode.Mirror;

    public Checkpoint Position => writer.Position;

    public ValueTask ExpectTruncatedAsync(TruncatedStream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        _ = stream.Stream.Id;
        if (stream.Events < 1 || stream.Incarnation == Checkpoint.Origin || stream.Before.Value - stream.Incarnation.Value < stream.Events)
            throw new ArgumentException(
                "A truncated stream has at least one missing event, and room for all of them before its next commit.", nameof(stream));
        return InTurnAsync(() => ExpectAsync(stream, cancellationToken), cancellationToken);
    }

    public ValueTask AddAsync(ImportCommit commit, CancellationToken cancellationToken = default) => AddAsync([commit], cancellationToken);

    public ValueTask AddAsync(IReadOnlyList<ImportCommit> unit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(unit);
        if (unit.Count == 0) throw new ArgumentException("A unit has at least one commit.", nameof(unit));
        foreach (var commit in unit)
        {
            ArgumentNullException.ThrowIfNull(commit, nameof(unit));
            if (commit.EventCount == 0) throw new ArgumentException("A commit has at least one event, or a missing one.", nameof(unit));
        }

        return InTurnAsync(() => AddNextAsync(unit, cancellationToken), cancellationToken);
    }

    public ValueTask AdvanceAsync(Checkpoint upTo, CancellationToken cancellationToken = default) => InTurnAsync(
        async () =>
        {
            if (writer.Mirror is { } mirror)
                await writer.FillAsync(mirror, upTo, maker.Stamps.Newest, cancellationToken).ConfigureAwait(false);
            await writer.SendAsync(cancellationToken).ConfigureAwait(false);
            await writer.MoveToAsync(upTo, cancellationToken).ConfigureAwait(false);
            if (upTo > last) last = upTo;
        },
        cancellationToken);

    public ValueTask SaveSnapshotAsync(ImportSnapshot snapshot, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(snapshot);

        // It belongs to the stream as it is here, which may begin at another checkpoint.
        var record = (snapshot.Record ?? codec.Encode(snapshot.Snapshot!)) with { Incarnation = default };
        return SentAsync(
            async () =>
            {
                await target.Snapshots.SaveAsync(record, cancellationToken).ConfigureAwait(false);
                writer.CountSnapshot();
            },
            cancellationToken);
    }

    public ValueTask TruncateStreamAsync(StreamId stream, Revision before, CancellationToken cancellationToken = default)
    {
        _ = stream.Id;
        return SentAsync(() => target.TruncateAsync(stream, before, cancellationToken), cancellationToken);
    }

    public ValueTask SealStreamAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        _ = stream.Id;
        return SentAsync(
            async () => await target.Maintenance.SealStreamAsync(stream, ExpectedRevision.Any, cancellationToken).ConfigureAwait(false),
            cancellationToken);
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        SentAsync(() => writer.RecordAsync(isComplete: false, cancellationToken), cancellationToken);

    public async ValueTask<ImportReport> CompleteAsync(CancellationToken cancellationToken = default)
    {
        await SentAsync(
            async () =>
            {
                if (writer.Mirror?.Missing.Any is { } missing)
                    throw new ImportException(
                        Name, $"has no place yet for truncated events of stream '{missing}'.", "Advance to the head of the source first.");

                // A hold that ends before this is recorded is taken again when the import is continued; one that stayed would be lost.
                await writer.RecordAsync(isComplete: false, cancellationToken).ConfigureAwait(false);
                if (writer.HoldsStore) await target.ReleaseAsync(Name, cancellationToken).ConfigureAwait(false);
                await writer.RecordAsync(isComplete: true, cancellationToken).ConfigureAwait(false);
                isOver = true;
            },
            cancellationToken).ConfigureAwait(false);
        return writer.Report;
    }

    public async ValueTask DisposeAsync()
    {
        await turn.WaitAsync().ConfigureAwait(false);
        isOver = true;
        turn.Release();
    }

    private async ValueTask ExpectAsync(TruncatedStream stream, CancellationToken cancellationToken)
    {
        if (writer.Mirror is not { } mirror) return;
        var head = await target.FindHeadAsync(stream.Stream, cancellationToken).ConfigureAwait(false);
        var filled = head?.Revision.Value ?? 0;
        if (filled == 0 && stream.Incarnation <= mirror.Head)
            throw new ImportException(
                Name, $"is at checkpoint {mirror.Head}, beyond the beginning of the truncated stream '{stream.Stream}'.",
                "Announce truncated streams before the first commit; begin with an empty storage.");
        if (filled < stream.Events) mirror.Missing.Add(stream, filled, head?.CommitSequence.Value ?? 0);
        else if (head!.FirstRevision.Value <= stream.Events)
            await target.TruncateAsync(stream.Stream, new Revision(stream.Events + 1), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask AddNextAsync(IReadOnlyList<ImportCommit> unit, CancellationToken cancellationToken)
    {
        var first = unit[0].FirstCheckpoint;
        if (first != Checkpoint.Origin && first <= last)
            throw new ArgumentException($"Commits come in the order of the source: checkpoint {first} comes after {last}.", nameof(unit));
        var isStored = writer.Mirror?.Has(unit) ?? false;
        if (maker.Stamps.IsUncertain) await writer.SendAsync(cancellationToken).ConfigureAwait(false);
        var attempt = await MakeAsync(unit, isStored, cancellationToken).ConfigureAwait(false);
        if (isStored) await RequireStoredAsync(writer.Mirror!, unit, attempt!, cancellationToken).ConfigureAwait(false);
        else if (attempt is not null) await StoreAsync(unit, attempt, cancellationToken).ConfigureAwait(false);
        if (first != Checkpoint.Origin) last = unit[^1].LastCheckpoint;
    }

    private async ValueTask<CommitAttempt?> MakeAsync(
        IReadOnlyList<ImportCommit> unit, bool isStored, CancellationToken cancellationToken)
    {
        var isMirror = writer.Mirror is not null;
        try
        {
            return maker.Make(unit, isMirror, isStored);
        }
        catch (ImportException) when (!isStored)
        {
            // What an earlier run stored needs no header, so that its headers do not have to be read.
            var found = await target.FindCommitAsync(unit[0].Stream, unit[0].CommitId, cancellationToken).ConfigureAwait(false);
            if (found is null) throw;
            return maker.Make(unit, isMirror, isStored: true);
        }
    }

    private async ValueTask StoreAsync(IReadOnlyList<ImportCommit> unit, CommitAttempt attempt, CancellationToken cancellationToken)
    {
        var first = unit[0].FirstCheckpoint;
        if (writer.Mirror is { } mirror)
        {
            await writer.FillAsync(mirror, new Checkpoint(first.Value - 1), unit[0].Stamp, cancellationToken).ConfigureAwait(false);
            mirror.RequireFilled(unit);
        }

        await writer.AddAsync(new ImportEntry(attempt, unit, first), cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask RequireStoredAsync(
        MirrorPlace mirror, IReadOnlyList<ImportCommit> unit, CommitAttempt attempt, CancellationToken cancellationToken)
    {
        for (var i = 0; i < unit.Count; i++)
        {
            var stored = await target.FindCommitAsync(unit[i].Stream, unit[i].CommitId, cancellationToken).ConfigureAwait(false);
            mirror.Require(unit[i], stored);
            await target.Duplicates.IsOwnAsync(
                attempt.Member(i), stored!, wasSettled: false, unit[i].MissingEvents).ConfigureAwait(false);
            await writer.TruncateAgainAsync(unit[i], stored!, cancellationToken).ConfigureAwait(false);
        }

        await writer.PassAsync(unit, cancellationToken).ConfigureAwait(false);
    }

    private ValueTask SentAsync(Func<ValueTask> act, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            await writer.SendAsync(cancellationToken).ConfigureAwait(false);
            await act().ConfigureAwait(false);
        },
        cancellationToken);

    private async ValueTask InTurnAsync(Func<ValueTask> act, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(isOver, typeof(IImport));
            target.ThrowIfEnded();
            writer.ThrowIfFailed();
            await act().ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }
}

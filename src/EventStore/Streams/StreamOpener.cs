using EventStore.Diagnostics;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

namespace EventStore.Streams;

/// <summary>Makes the stream objects with which the application works.</summary>
internal sealed class StreamOpener(CommitPath commits, ReadPath reads, ILogger logger)
{
    private readonly PageReader pages = reads.Pages;

    /// <summary>A stream object that was not read.</summary>
    public OptimisticEventStream Create(StreamId stream)
    {
        _ = stream.Id;
        return new OptimisticEventStream(
            stream, commits, reads, (stored, error) => Log.CommitNotShown(logger, error, stored.CommitId, stored.Stream));
    }

    /// <summary>Reads a range of a stream.</summary>
    public async ValueTask<IEventStream> OpenAsync(StreamId stream, StreamRange range, CancellationToken cancellationToken)
    {
        if (range.Direction != ReadDirection.Forward)
            throw new ArgumentException("A stream is opened oldest event first. Read it backward with ReadStreamAsync.", nameof(range));
        var opened = Create(stream);
        var mayExist = await opened.LoadAsync(range, cancellationToken).ConfigureAwait(false);

        // A range without events that reaches the head does not show where the stream is, which the next commit expects. One that
        // ends before the head stays at revision 0: a commit decided on an empty past conflicts.
        while (mayExist && opened.Revision == Revision.None && (range != StreamRange.All || opened.FirstRevision.Value > 1)
            && await pages.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false) is { } head)
        {
            if (!await ReachesAsync(range, head, cancellationToken).ConfigureAwait(false)) break;
            if (range.Last != 0 && range.RelativeTo(head.Revision).From <= head.Revision && head.FirstRevision <= head.Revision)
            {
                // The events came between the two reads.
                mayExist = await opened.LoadAsync(range, cancellationToken).ConfigureAwait(false);
                continue;
            }

            opened.StartAt(head);
        }

        return opened;
    }

    /// <summary>Reads the events of a stream after a snapshot.</summary>
    public async ValueTask<IEventStream> OpenAsync(Snapshot snapshot, Revision upTo, CancellationToken cancellationToken)
    {
        _ = snapshot.Stream.Id;
        if (snapshot.Revision == Revision.None)
            throw new ArgumentException("A snapshot is of revision 1 or higher, but this one is of revision 0.", nameof(snapshot));
        if (upTo < snapshot.Revision)
            throw new ArgumentException(
                $"The stream is to be read up to revision {upTo}, but the snapshot is of revision {snapshot.Revision}.", nameof(upTo));
        var opened = Create(snapshot.Stream);

        // The event of the snapshot itself has the commit sequence at which the stream continues. Where it is truncated, the head has.
        var read = new StreamRead(snapshot.Stream, snapshot.Revision, snapshot.Revision, ReadDirection.Forward, new PageLimit(1, 1));
        var page = await pages.ReadStreamPageAsync(read, cancellationToken).ConfigureAwait(false);
        if (!AttemptRules.Accepts(Place(snapshot), page.State))
        {
            if (snapshot.Incarnation != Checkpoint.Origin && snapshot.Incarnation != page.State.Incarnation)
                throw new StreamReplacedException(snapshot.Stream, snapshot.Incarnation, page.State.Incarnation);
            throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, page.State);
        }

        var sequence = page.Events.IsEmpty ? default : page.Events.Span[0].Commit.Sequence;
        opened.StartAt(snapshot with { Incarnation = page.State.Incarnation }, sequence);
        await opened.LoadAfterAsync(upTo, cancellationToken).ConfigureAwait(false);
        if (opened.CommitSequence == default && page.State.Revision == snapshot.Revision)
            await StartAtHeadAsync(opened, cancellationToken).ConfigureAwait(false);
        return opened;

        static SnapshotRecord Place(Snapshot snapshot) =>
            new(snapshot.Stream, snapshot.Revision, snapshot.SchemaVersion, nameof(Snapshot), default)
            {
                Incarnation = snapshot.Incarnation,
            };
    }

    /// <summary>Opens a stream at its head, without reading events.</summary>
    public async ValueTask<IEventStream> OpenAtHeadAsync(StreamId stream, CancellationToken cancellationToken)
    {
        var opened = Create(stream);
        await StartAtHeadAsync(opened, cancellationToken).ConfigureAwait(false);
        return opened;
    }

    private async ValueTask StartAtHeadAsync(OptimisticEventStream opened, CancellationToken cancellationToken)
    {
        if (await pages.FindHeadAsync(opened.Stream, cancellationToken).ConfigureAwait(false) is { } head) opened.StartAt(head);
    }

    // Whether a range ends at the head or after it.
    private async ValueTask<bool> ReachesAsync(StreamRange range, StreamHead head, CancellationToken cancellationToken)
    {
        if (range.RelativeTo(head.Revision).To < head.Revision) return false;
        return range.AsOf is not { } instant
            || (await pages.FindAsync(head.Stream, head.Revision, cancellationToken).ConfigureAwait(false) is { } newest
                && newest.Commit.Stamp <= instant);
    }
}

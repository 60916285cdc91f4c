using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>
/// Loads the state of a stream: from the cached state or the newest snapshot and the events after it, or else from all events. A start
/// counts only if the stream is still the same one, and has every event after it.
/// </summary>
internal static class StateLoader
{
    // Bounds the memory of a long replay.
    private const int EventsAtOnce = 4096;

    public static async ValueTask<LoadedStream<TState>> LoadAsync<TState>(
        IEventStore store, StreamId stream, Fold<TState> fold, CancellationToken cancellationToken)
        where TState : notnull
    {
        if (fold.Cache?.Find(store, stream) is { } cached)
        {
            if (await ContinueAsync(store, stream, fold, cached, cancellationToken).ConfigureAwait(false) is { } hot) return hot;
            fold.Cache.Remove(store, stream);
        }

        if (await FindSnapshotAsync(store, stream, fold, cancellationToken).ConfigureAwait(false) is { } snapshot
            && await ContinueAsync(store, stream, fold, snapshot, cancellationToken).ConfigureAwait(false) is { } warm) return warm;

        var origin = new FoldedState<TState>(fold.Initial, Revision.None, Checkpoint.Origin);
        return await ContinueAsync(store, stream, fold, origin, cancellationToken).ConfigureAwait(false)
            ?? throw new ReadInterruptedException(stream, new Revision(1));
    }

    // The state at the head, from an earlier one; null where that one is not of this stream, or events after it are missing.
    private static async ValueTask<LoadedStream<TState>?> ContinueAsync<TState>(
        IEventStore store, StreamId stream, Fold<TState> fold, FoldedState<TState> folded, CancellationToken cancellationToken)
        where TState : notnull
    {
        while (true)
        {
            // Beginning with the last event that is known, the read is never empty: so it shows the stream without a second one.
            var range = new StreamRange { From = new(Math.Max(1, folded.Revision.Value)), To = folded.Revision + EventsAtOnce };
            var opened = await store.OpenStreamAsync(stream, range, cancellationToken).ConfigureAwait(false);
            if (folded.Revision == Revision.None && opened.FirstRevision > new Revision(1))
                throw new StreamTruncatedException(stream, opened.FirstRevision);
            if (!folded.IsContinuedBy(opened)) return null;

            folded = folded.After(opened.CommittedEvents, fold) with { Revision = opened.Revision, Incarnation = opened.Incarnation };
            if (opened.Revision == range.To) continue;
            fold.Cache?.Put(store, stream, folded);
            return new LoadedStream<TState>(store, fold, opened, folded);
        }
    }

    private static async ValueTask<FoldedState<TState>?> FindSnapshotAsync<TState>(
        IEventStore store, StreamId stream, Fold<TState> fold, CancellationToken cancellationToken)
        where TState : notnull
    {
        if (fold.Snapshots is not { } policy) return null;
        Exception? reason = null;
        try
        {
            var found = await store.Snapshots.FindAsync(
                stream, schemaVersion: policy.SchemaVersion, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (found is null) return null;
            if (found.State is TState state) return new(state, found.Revision, found.Incarnation);
        }
        catch (EventSerializationException error)
        {
            reason = error;
        }

        DomainLog.SnapshotUnreadable(store.Loggers.CreateLogger(DomainLog.Category), reason, stream, typeof(TState).Name);
        return null;
    }
}

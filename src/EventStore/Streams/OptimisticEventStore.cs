using EventStore.Feeds;
using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>The store as the application sees it: every member goes straight to the commit path, the read path or the engine.</summary>
internal sealed class OptimisticEventStore(
    IPersistenceEngine engine,
    CommitPath commits,
    ReadPath reads,
    SharedPages pages,
    PipelineHooks hooks,
    ISnapshots snapshots,
    IDispatch dispatch,
    IConsumers consumers,
    IReadStreams readStreams,
    Liveness liveness,
    StoreDescription description,
    Func<ValueTask> disposeParts) : IEventStore
{
    public ISnapshots Snapshots => snapshots;

    public IDispatch Dispatch => dispatch;

    public IConsumers Consumers => consumers;

    public IReadStreams ReadStreams => readStreams;

    public IEventStream CreateStream(StreamId stream)
    {
        liveness.ThrowIfDisposed();
        _ = stream.Id;
        return new OptimisticEventStream(stream, commits, reads);
    }

    public async ValueTask<IEventStream> OpenStreamAsync(StreamId stream, StreamRange? range = null, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        range ??= StreamRange.All;
        if (range.Direction != ReadDirection.Forward) throw new ArgumentException("A stream is opened oldest event first. Read it backward with ReadStreamAsync.", nameof(range));
        var opened = new OptimisticEventStream(stream, commits, reads);
        await opened.LoadAsync(range, cancellationToken).ConfigureAwait(false);

        // A range without events says nothing of the stream, whose revision the next commit expects.
        if (opened.Revision == Revision.None && range != StreamRange.All && await engine.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false) is { } head)
            opened.StartAt(head.Revision, head.CommitSequence);
        return opened;
    }

    public async ValueTask<IEventStream> OpenStreamAsync(Snapshot snapshot, Revision? upTo = null, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(snapshot);
        var opened = new OptimisticEventStream(snapshot.Stream, commits, reads);

        // The event of the snapshot itself tells the commit sequence at which the stream goes on.
        var page = await engine.ReadStreamAsync(
            new StreamRead(snapshot.Stream, snapshot.Revision, snapshot.Revision, ReadDirection.Forward, new PageLimit(1, 1)), cancellationToken).ConfigureAwait(false);
        if (page.Events.IsEmpty) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, page.Head);
        opened.StartAt(snapshot.Revision, page.Events.Span[0].Commit.Sequence);
        await opened.LoadAsync(new StreamRange { From = snapshot.Revision + 1, To = upTo ?? Revision.Max }, cancellationToken).ConfigureAwait(false);
        return opened;
    }

    public async ValueTask<IEventStream> OpenStreamAtHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        var opened = new OptimisticEventStream(stream, commits, reads);
        if (await engine.FindHeadAsync(stream, cancellationToken).ConfigureAwait(false) is { } head) opened.StartAt(head.Revision, head.CommitSequence);
        return opened;
    }

    public ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        IReadOnlyCollection<EventMessage> events,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        return commits.AppendAsync(stream, expected, commitId ?? NewId.Next(), events as IReadOnlyList<EventMessage> ?? [.. events], headers, cancellationToken);
    }

    public IAsyncEnumerable<CommittedEvent> ReadStreamAsync(
        StreamId stream, StreamRange? range = null, EventDecoding decoding = EventDecoding.Eager, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        return reads.ReadStreamAsync(stream, range ?? StreamRange.All, decoding, cancellationToken);
    }

    public IAsyncEnumerable<CommittedEvent> ReadAllAsync(
        EventQuery? query = null, EventDecoding decoding = EventDecoding.Eager, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        query ??= new EventQuery();
        return reads.ReadAllAsync(query, query.After, query.UpTo, query.Direction, decoding, cancellationToken);
    }

    public async ValueTask<EventPage> ReadPageAsync(EventQuery query, int size, string? continuation = null, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        var forward = query.Direction == ReadDirection.Forward;
        ContinuationToken? start = continuation is null ? null : ContinuationToken.Read(continuation, query);
        var after = forward ? start?.Position ?? query.After : query.After;
        var upTo = forward ? start?.Bound ?? query.UpTo : start?.Position ?? query.UpTo;

        var events = new List<CommittedEvent>();
        await foreach (var page in reads.ReadAllPagesAsync(query, after, upTo, query.Direction, Math.Min(size, ReadPath.MaxPageEvents - 1) + 1, cancellationToken).ConfigureAwait(false))
        {
            var bound = start?.Bound ?? new Checkpoint(Math.Min(query.UpTo.Value, page.Head.Value));
            for (var i = 0; i < page.Events.Length; i++)
            {
                // One event beyond a full page proves that there is a next one.
                var recorded = page.Events.Span[i];
                if (events.Count == size)
                {
                    var position = forward ? events[^1].Checkpoint : new Checkpoint(events[^1].Checkpoint.Value - 1);
                    return new EventPage(events, new ContinuationToken(position, bound).Write(query));
                }

                if (reads.Show(recorded, EventDecoding.Eager) is { } shown) events.Add(shown);
            }
        }

        return new EventPage(events, Continuation: null);
    }

    public async ValueTask<CommittedEvent?> FindLastEventAsync(EventQuery query, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(query);
        await foreach (var page in reads.ReadAllPagesAsync(query, query.After, query.UpTo, ReadDirection.Backward, pageEvents: 1, cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < page.Events.Length; i++)
            {
                if (reads.Show(page.Events.Span[i], EventDecoding.Eager) is { } last) return last;
            }
        }

        return null;
    }

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        return engine.FindHeadAsync(stream, cancellationToken);
    }

    public IAsyncEnumerable<StreamHead> ListStreamsAsync(string? bucket = null, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        return SnapshotStore.ListAsync(engine, liveness, bucket, minEventsSinceSnapshot: 0, cancellationToken);
    }

    public async ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        var existed = await engine.DeleteStreamAsync(stream, cancellationToken).ConfigureAwait(false);
        pages.Forget();
        if (existed) await hooks.AfterDeleteAsync(stream).ConfigureAwait(false);
        return existed;
    }

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default) =>
        PurgeAsync(StreamId.RequireBucket(bucket), cancellationToken);

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default) => PurgeAsync(bucket: null, cancellationToken);

    public ValueTask<VerificationReport> VerifyAsync(IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        liveness.ThrowIfDisposed();
        return engine.VerifyAsync(progress, cancellationToken);
    }

    public StoreDescription Describe()
    {
        liveness.ThrowIfDisposed();
        return description;
    }

    public ValueTask DisposeAsync() => liveness.TryEnd() ? disposeParts() : default;

    private async ValueTask PurgeAsync(string? bucket, CancellationToken cancellationToken)
    {
        liveness.ThrowIfDisposed();
        await engine.PurgeAsync(bucket, cancellationToken).ConfigureAwait(false);
        pages.Forget();
        await hooks.AfterPurgeAsync(bucket).ConfigureAwait(false);
    }
}

using EventStore.Pipeline;

namespace EventStore.Streams;

/// <summary>
/// The store as the application sees it. Each member checks that the store is open, and calls the part that does the work.
/// </summary>
internal sealed class OptimisticEventStore(
    CommitPath commits, ReadPath reads, StoreMaintenance maintenance, StoreLifetime lifetime) : IEventStore
{
    public required ISnapshots Snapshots
    {
        get => WhileOpen(field);
        init;
    }

    public required IDispatch Dispatch
    {
        get => WhileOpen(field);
        init;
    }

    public required IConsumers Consumers
    {
        get => WhileOpen(field);
        init;
    }

    public required IReadStreams ReadStreams
    {
        get => WhileOpen(field);
        init;
    }

    /// <summary>Makes the stream objects.</summary>
    public required StreamOpener Streams { get; init; }

    /// <summary>Reads queries page by page.</summary>
    public required StoreQueries Queries { get; init; }

    /// <summary>What the store was built from.</summary>
    public required StoreDescription Description { get; init; }

    public IEventStream CreateStream(StreamId stream)
    {
        lifetime.ThrowIfEnded();
        return Streams.Create(stream);
    }

    public ValueTask<IEventStream> OpenStreamAsync(
        StreamId stream, StreamRange? range = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return Streams.OpenAsync(stream, range ?? StreamRange.All, cancellationToken);
    }

    public ValueTask<IEventStream> OpenStreamAsync(Snapshot snapshot, Revision? upTo = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        ArgumentNullException.ThrowIfNull(snapshot);
        return Streams.OpenAsync(snapshot, upTo ?? Revision.Max, cancellationToken);
    }

    public ValueTask<IEventStream> OpenStreamAtHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return Streams.OpenAtHeadAsync(stream, cancellationToken);
    }

    public ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        IReadOnlyCollection<EventMessage> events,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        var list = events as IReadOnlyList<EventMessage> ?? [.. events];
        return commits.AppendAsync(stream, expected, commitId ?? SequentialGuid.Next(), list, headers, cancellationToken);
    }

    public IAsyncEnumerable<CommittedEvent> ReadStreamAsync(
        StreamId stream,
        StreamRange? range = null,
        EventDecoding decoding = EventDecoding.Eager,
        CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        OptionRules.RequireDefined(decoding);
        return reads.ReadStreamAsync(stream, range ?? StreamRange.All, decoding, cancellationToken);
    }

    public IAsyncEnumerable<CommittedEvent> ReadAllAsync(
        EventQuery? query = null, EventDecoding decoding = EventDecoding.Eager, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        OptionRules.RequireDefined(decoding);
        return reads.ReadAllAsync(query ?? new EventQuery(), decoding, cancellationToken);
    }

    public ValueTask<EventPage> ReadPageAsync(
        EventQuery query, int size, string? continuation = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return Queries.ReadPageAsync(query, size, continuation, cancellationToken);
    }

    public ValueTask<CommittedEvent?> FindLastEventAsync(EventQuery query, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return Queries.FindLastAsync(query, cancellationToken);
    }

    public ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        return reads.Pages.FindHeadAsync(stream, cancellationToken);
    }

    public IAsyncEnumerable<StreamHead> ListStreamsAsync(string? bucket = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        if (bucket is not null) StreamId.RequireBucket(bucket);
        return reads.Pages.ListHeadsAsync(bucket, minEventsSinceSnapshot: 0, after: null, cancellationToken);
    }

    public IAsyncEnumerable<StreamHead> ListStreamsAsync(
        string bucket, string category, string idPrefix = "", CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        StreamId.RequireBucket(bucket);
        StreamId.RequireCategory(category);
        Names.Require(idPrefix, nameof(idPrefix), StreamId.MaxIdBytes, mayBeEmpty: true);
        return reads.Pages.ListHeadsAsync(bucket, category, idPrefix, cancellationToken);
    }

    public ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        return maintenance.DeleteStreamAsync(stream, cancellationToken);
    }

    public ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return maintenance.PurgeBucketAsync(StreamId.RequireBucket(bucket), cancellationToken);
    }

    public ValueTask PurgeAllAsync(CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return maintenance.PurgeAllAsync(cancellationToken);
    }

    public ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return maintenance.VerifyAsync(progress, cancellationToken);
    }

    public StoreDescription Describe()
    {
        lifetime.ThrowIfEnded();
        return Description;
    }

    public ValueTask DisposeAsync() => lifetime.EndAsync();

    private T WhileOpen<T>(T part)
    {
        lifetime.ThrowIfEnded();
        return part;
    }
}

using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

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

    public required IImports Imports
    {
        get => WhileOpen(field);
        init;
    }

    public required IRetention Retention
    {
        get => WhileOpen(field);
        init;
    }

    public required TimeProvider Time
    {
        get => WhileOpen(field);
        init;
    }

    public required ILoggerFactory Loggers
    {
        get => WhileOpen(field);
        init;
    }

    /// <summary>Makes the stream objects.</summary>
    public required StreamOpener Streams { get; init; }

    /// <summary>Commits several streams together.</summary>
    public required UnitPath Units { get; init; }

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
        var request = new CommitRequest(stream, commitId ?? SequentialGuid.Next(), events as IReadOnlyList<EventMessage> ?? [.. events])
        {
            Expected = expected,
            Headers = headers,
        };
        return commits.AppendAsync(request, cancellationToken);
    }

    public ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        AppendCondition condition,
        IReadOnlyCollection<EventMessage> events,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        ArgumentNullException.ThrowIfNull(condition);
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        var request = new CommitRequest(stream, commitId ?? SequentialGuid.Next(), [.. events])
        {
            Expected = expected,
            Condition = condition,
            Headers = headers,
        };
        return commits.AppendAsync(request, cancellationToken);
    }

    public ValueTask<UnitResult> CommitAsync(CommitUnit unit, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        ArgumentNullException.ThrowIfNull(unit);
        if (unit.Commits.Count == 0) throw new ArgumentException("A unit has at least one commit. Append events to it.", nameof(unit));
        return Units.CommitAsync(unit, cancellationToken);
    }

    public ValueTask<CommitResult?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        return Queries.FindCommitAsync(stream, commitId, cancellationToken);
    }

    public ValueTask<UnitResult?> FindUnitAsync(
        Guid commitId, IReadOnlyCollection<StreamId> streams, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        ArgumentNullException.ThrowIfNull(streams);
        return Queries.FindUnitAsync(commitId, streams, cancellationToken);
    }

    public ValueTask<EventSelection> SelectAsync(
        EventCriteria criteria, Checkpoint after = default, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return Queries.SelectAsync(criteria, after, cancellationToken);
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

    public ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        DeleteStreamAsync(stream, ExpectedRevision.Any, cancellationToken);

    public ValueTask<bool> DeleteStreamAsync(StreamId stream, ExpectedRevision expected, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        return maintenance.DeleteStreamAsync(stream, expected, cancellationToken);
    }

    public ValueTask<Revision?> TruncateStreamAsync(
        StreamId stream, Revision before, ExpectedRevision? expected = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        return maintenance.TruncateStreamAsync(stream, before, expected ?? ExpectedRevision.Any, cancellationToken);
    }

    public ValueTask<Revision> SealStreamAsync(
        StreamId stream, ExpectedRevision? expected = null, CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        _ = stream.Id;
        return maintenance.SealStreamAsync(stream, expected ?? ExpectedRevision.Any, cancellationToken);
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

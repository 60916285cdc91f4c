using System.ComponentModel;
using EventStore.Engines;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>
/// The store as an application sees it. Thread-safe; one for the life of the process. Every member throws
/// <see cref="ObjectDisposedException"/> after dispose.
/// </summary>
public interface IEventStore : IAsyncDisposable
{
    /// <summary>Snapshots of streams.</summary>
    ISnapshots Snapshots { get; }

    /// <summary>The dispatch progress of events.</summary>
    IDispatch Dispatch { get; }

    /// <summary>The retention of events, as the wireup says (<c>KeepEvents</c>).</summary>
    IRetention Retention { get; }

    /// <summary>Imports of commits from other stores.</summary>
    IImports Imports { get; }

    /// <summary>Durable, resumable readers, with or without a state.</summary>
    IConsumers Consumers { get; }

    /// <summary>Persisted sequences of links to events.</summary>
    IReadStreams ReadStreams { get; }

    /// <summary>The clock of the store. For packages that build on it.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    TimeProvider Time { get; }

    /// <summary>The loggers of the store. For packages that build on it.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    ILoggerFactory Loggers { get; }

    /// <summary>A stream that must not exist yet. Reads nothing; its first commit expects no stream.</summary>
    IEventStream CreateStream(StreamId stream);

    /// <summary>Opens a stream with its history, or a range of it; a stream that does not exist opens empty.</summary>
    ValueTask<IEventStream> OpenStreamAsync(StreamId stream, StreamRange? range = null, CancellationToken cancellationToken = default);

    /// <summary>Opens a stream with only the events after a snapshot.</summary>
    /// <param name="snapshot">The snapshot.</param>
    /// <param name="upTo">The last revision to read, included; null for the head.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="SnapshotRefusedException">The stream does not reach the snapshot's revision.</exception>
    ValueTask<IEventStream> OpenStreamAsync(Snapshot snapshot, Revision? upTo = null, CancellationToken cancellationToken = default);

    /// <summary>Opens a stream at its head, without history.</summary>
    ValueTask<IEventStream> OpenStreamAtHeadAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Stores events as one commit without loading the stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="events">At least one event; serialized before this returns.</param>
    /// <param name="commitId">The commit's id; null for a new one. Repeat an id to repeat a commit without storing twice.</param>
    /// <param name="headers">The commit's headers; null for none.</param>
    /// <param name="cancellationToken">Cancelled before the commit is sent, nothing is stored; after that, the outcome is unknown.</param>
    /// <exception cref="ConcurrencyException">The stream is at another revision than expected.</exception>
    /// <exception cref="CommitIdReusedException">The id is already used by a commit with other events.</exception>
    /// <exception cref="CommitRefusedException">A hook refused the commit.</exception>
    /// <exception cref="CommitOutcomeUnknownException">The outcome is unknown; repeat the commit with the same id.</exception>
    /// <exception cref="TooLargeException">The commit exceeds the engine's limits.</exception>
    ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        IReadOnlyCollection<EventMessage> events,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default);

    /// <summary>
    /// Stores events as one commit, if no event that matches the condition is stored after its checkpoint. What a decision has read is then
    /// the boundary of its consistency, instead of one stream.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="condition">What must not be stored yet. It never sees the events of this commit.</param>
    /// <param name="events">At least one event; serialized before this returns.</param>
    /// <param name="commitId">The commit's id; null for a new one. Repeat an id to repeat a commit without storing twice.</param>
    /// <param name="headers">The commit's headers; null for none.</param>
    /// <param name="cancellationToken">Cancelled before the commit is sent, nothing is stored; after that, the outcome is unknown.</param>
    /// <exception cref="AppendConditionException">The condition does not hold.</exception>
    /// <exception cref="ConcurrencyException">The stream is at another revision than expected.</exception>
    /// <exception cref="CommitIdReusedException">The id is already used by a commit with other events.</exception>
    ValueTask<CommitResult> AppendAsync(
        StreamId stream,
        ExpectedRevision expected,
        AppendCondition condition,
        IReadOnlyCollection<EventMessage> events,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default);

    /// <summary>Stores commits of several streams together, or none of them.</summary>
    /// <param name="unit">At least one commit.</param>
    /// <param name="cancellationToken">Cancelled before the unit is sent, nothing is stored; after that, the outcome is unknown.</param>
    /// <exception cref="AppendConditionException">The condition of the unit does not hold.</exception>
    /// <exception cref="ConcurrencyException">A stream is at another revision than expected; the exception names it.</exception>
    /// <exception cref="CommitIdReusedException">
    /// The id is already used in one of the streams, but not by this unit in all of them.
    /// </exception>
    /// <exception cref="StreamSealedException">A stream is sealed; the exception names it.</exception>
    /// <exception cref="CommitRefusedException">A hook refused one of the commits.</exception>
    /// <exception cref="CommitOutcomeUnknownException">The outcome is unknown; repeat the unit with the same id.</exception>
    /// <exception cref="TooLargeException">The unit exceeds the engine's limits.</exception>
    ValueTask<UnitResult> CommitAsync(CommitUnit unit, CancellationToken cancellationToken = default);

    /// <summary>Finds a commit by its id, also where its events were truncated; null where the stream has none.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="commitId">The commit's id.</param>
    /// <param name="cancellationToken">Ends the search by throwing.</param>
    /// <returns>The result of the commit, as a duplicate. Null proves nothing while the commit may still be under way.</returns>
    ValueTask<CommitResult?> FindCommitAsync(StreamId stream, Guid commitId, CancellationToken cancellationToken = default);

    /// <summary>Finds a unit by the id of its commits; null where none of the streams has a commit of it.</summary>
    /// <param name="commitId">The id of the unit's commits.</param>
    /// <param name="streams">The streams of the unit, in the order of the result. Streams without a commit of it are left out.</param>
    /// <param name="cancellationToken">Ends the search by throwing.</param>
    /// <returns>The result of the unit, as a duplicate. Null proves nothing while the unit may still be under way.</returns>
    /// <exception cref="CommitIdReusedException">What the streams have of the id is not one whole unit.</exception>
    ValueTask<UnitResult?> FindUnitAsync(
        Guid commitId, IReadOnlyCollection<StreamId> streams, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads the events that match criteria, to decide on them, with the checkpoint up to which they were read. Costs what is read.
    /// </summary>
    /// <param name="criteria">What the decision depends on. All criteria name one bucket, and each a category or a tag.</param>
    /// <param name="after">Only events after this checkpoint, to continue an earlier selection. Default: from the origin.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="ArgumentException">The criteria cannot be the condition of a commit.</exception>
    ValueTask<EventSelection> SelectAsync(
        EventCriteria criteria, Checkpoint after = default, CancellationToken cancellationToken = default);

    /// <summary>Reads one stream up to its head at the start of the read. Returns the whole range, or throws.</summary>
    IAsyncEnumerable<CommittedEvent> ReadStreamAsync(
        StreamId stream,
        StreamRange? range = null,
        EventDecoding decoding = EventDecoding.Eager,
        CancellationToken cancellationToken = default);

    /// <summary>Reads the store in checkpoint order, up to its head at the start of the read. Returns the whole range, or throws.</summary>
    IAsyncEnumerable<CommittedEvent> ReadAllAsync(
        EventQuery? query = null, EventDecoding decoding = EventDecoding.Eager, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads one page of a query, with a token for the next one. The token is text, and stays valid while events are stored.
    /// </summary>
    /// <param name="query">The query; the same for all its pages.</param>
    /// <param name="size">Most events on the page; at least 1.</param>
    /// <param name="continuation">The token of the page before; null for the first.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <exception cref="ArgumentException">The token is of another query.</exception>
    ValueTask<EventPage> ReadPageAsync(
        EventQuery query, int size, string? continuation = null, CancellationToken cancellationToken = default);

    /// <summary>Finds the newest event of a query, in either direction; null for none.</summary>
    ValueTask<CommittedEvent?> FindLastEventAsync(EventQuery query, CancellationToken cancellationToken = default);

    /// <summary>Finds a stream's head without reading events; null for no stream.</summary>
    ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Lists all streams of a bucket, or of the store for null, by name.</summary>
    IAsyncEnumerable<StreamHead> ListStreamsAsync(string? bucket = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Lists the streams of a bucket and a category by name, those whose id begins with a text. Costs what it lists, whatever else is
    /// stored.
    /// </summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="category">The category; empty for streams without one.</param>
    /// <param name="idPrefix">What their ids begin with; empty for all.</param>
    /// <param name="cancellationToken">Ends the listing by throwing.</param>
    /// <exception cref="InvalidNameException">A name is too long or ill-formed, or the bucket is empty.</exception>
    IAsyncEnumerable<StreamHead> ListStreamsAsync(
        string bucket, string category, string idPrefix = "", CancellationToken cancellationToken = default);

    /// <summary>Deletes a stream with its snapshots. It can be created again, from revision 1. Returns whether it existed.</summary>
    ValueTask<bool> DeleteStreamAsync(StreamId stream, CancellationToken cancellationToken = default);

    /// <summary>Deletes a stream with its snapshots, if it is at a revision. It can be created again, from revision 1.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="expected">The expected revision.</param>
    /// <param name="cancellationToken">Cancelled before it is sent, nothing is deleted.</param>
    /// <returns>Whether it existed.</returns>
    /// <exception cref="ConcurrencyException">The stream is at another revision than expected. Nothing was deleted.</exception>
    ValueTask<bool> DeleteStreamAsync(StreamId stream, ExpectedRevision expected, CancellationToken cancellationToken = default);

    /// <summary>
    /// Removes the events of a stream below a revision from every read, with the snapshots that need them. Revision, commit ids and later
    /// events stay; appends go on at the head. Cannot be undone.
    /// </summary>
    /// <param name="stream">The stream.</param>
    /// <param name="before">The first revision to keep. One above the head removes all events.</param>
    /// <param name="expected">The expected revision of the stream; null for any.</param>
    /// <param name="cancellationToken">Cancelled before it is sent, nothing is removed.</param>
    /// <returns>The first revision that exists now, one above the head where none does; null for no stream.</returns>
    /// <exception cref="ConcurrencyException">The stream is at another revision than expected. Nothing was removed.</exception>
    ValueTask<Revision?> TruncateStreamAsync(
        StreamId stream, Revision before, ExpectedRevision? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a stream refuse commits until it is deleted. Sealing it again does nothing.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="expected">The expected revision of the stream; null for any.</param>
    /// <param name="cancellationToken">Cancelled before it is sent, nothing is changed.</param>
    /// <returns>The revision at which it is sealed.</returns>
    /// <exception cref="ConcurrencyException">There is no such stream, or it is at another revision than expected.</exception>
    ValueTask<Revision> SealStreamAsync(
        StreamId stream, ExpectedRevision? expected = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes all streams of a bucket, with their snapshots. Checkpoints are never reused.</summary>
    /// <exception cref="InvalidNameException">The bucket's name is empty, too long or ill-formed.</exception>
    ValueTask PurgeBucketAsync(string bucket, CancellationToken cancellationToken = default);

    /// <summary>Deletes all streams of the store, with their snapshots. Checkpoints are never reused.</summary>
    ValueTask PurgeAllAsync(CancellationToken cancellationToken = default);

    /// <summary>Checks all stored data and reports each damage with its place.</summary>
    ValueTask<VerificationReport> VerifyAsync(
        IProgress<VerificationProgress>? progress = null, CancellationToken cancellationToken = default);

    /// <summary>Describes the store: engine, hooks in order, serializer, transforms, dispatch.</summary>
    StoreDescription Describe();
}

/// <summary>A page of a query.</summary>
/// <param name="Events">Its events, in the order of the query.</param>
/// <param name="Continuation">The token for the next page; null after the last.</param>
public sealed record EventPage(IReadOnlyList<CommittedEvent> Events, string? Continuation);

/// <summary>The dispatch progress of events.</summary>
public interface IDispatch
{
    /// <summary>Starts the scheduler, if the wireup chose an explicit start. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">The wireup has no scheduler.</exception>
    ValueTask StartAsync(CancellationToken cancellationToken = default);

    /// <summary>Lists undispatched events in checkpoint order, all or those of a filter. Empty if dispatch is not tracked.</summary>
    IAsyncEnumerable<CommittedEvent> GetUndispatchedAsync(EventFilter? filter = null, CancellationToken cancellationToken = default);

    /// <summary>Marks events as dispatched. Marking an event again does nothing.</summary>
    ValueTask MarkAsDispatchedAsync(IEnumerable<CommittedEvent> events, CancellationToken cancellationToken = default);

    /// <summary>Marks undispatched events by their ids. Unknown ids are ignored.</summary>
    ValueTask MarkAsDispatchedAsync(IEnumerable<Guid> eventIds, CancellationToken cancellationToken = default);

    /// <summary>Marks all undispatched events of commits. Unknown ids are ignored.</summary>
    ValueTask MarkCommitsAsDispatchedAsync(IEnumerable<Guid> commitIds, CancellationToken cancellationToken = default);

    /// <summary>Lists the events that were parked after too many failures, in checkpoint order.</summary>
    IAsyncEnumerable<CommittedEvent> GetParkedAsync(CancellationToken cancellationToken = default);

    /// <summary>Dispatches the parked events now, in checkpoint order, until one fails. Returns how many were dispatched.</summary>
    /// <exception cref="InvalidOperationException">The wireup has no dispatcher.</exception>
    ValueTask<long> ReplayParkedAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// Waits until all events stored now are dispatched or parked, here or by another process. Limit the wait with the token.
    /// </summary>
    /// <exception cref="CalledFromInsideException">The dispatcher of this store called it.</exception>
    ValueTask WaitUntilDispatchedAsync(CancellationToken cancellationToken = default);

    /// <summary>Returns how far dispatch is.</summary>
    ValueTask<DispatchStatus> GetStatusAsync(CancellationToken cancellationToken = default);
}

/// <summary>How far dispatch is.</summary>
/// <param name="Watermark">Everything up to here is dispatched or parked.</param>
/// <param name="Head">The newest checkpoint of the store.</param>
/// <param name="Backlog">How many checkpoints are not dispatched, those of deleted events included.</param>
/// <param name="Parked">How many events are parked.</param>
/// <param name="IsDispatchingHere">Whether this process dispatches.</param>
/// <param name="ConsecutiveFailures">How many dispatches failed in a row.</param>
public sealed record DispatchStatus(
    Checkpoint Watermark, Checkpoint Head, long Backlog, long Parked, bool IsDispatchingHere, int ConsecutiveFailures)
{
    /// <summary>
    /// Why the scheduler of this process does not work, apart from a failing bus: what its loop last threw. Null while it works, and where
    /// there is none.
    /// </summary>
    public Exception? Failure { get; init; }
}

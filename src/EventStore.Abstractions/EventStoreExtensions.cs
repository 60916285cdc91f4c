using System.Collections;

namespace EventStore;

/// <summary>Shorter forms of the methods of <see cref="IEventStore"/> and <see cref="IEventStream"/>.</summary>
public static class EventStoreExtensions
{
    /// <summary>Appends one event as one commit, at any revision of the stream.</summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="event">The event. A collection is appended element by element.</param>
    /// <param name="cancellationToken">Cancelled before the commit is sent, nothing is stored; after that, the outcome is unknown.</param>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store, StreamId stream, object @event, CancellationToken cancellationToken = default) =>
        store.AppendAsync(stream, ExpectedRevision.Any, @event, cancellationToken: cancellationToken);

    /// <summary>Appends events as one commit, at any revision of the stream.</summary>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store, StreamId stream, IEnumerable<object> events, CancellationToken cancellationToken = default) =>
        store.AppendAsync(stream, ExpectedRevision.Any, events, cancellationToken: cancellationToken);

    /// <summary>Appends several events as one commit, at any revision of the stream.</summary>
    public static ValueTask<CommitResult> AppendAsync(this IEventStore store, StreamId stream, params ReadOnlySpan<object> events) =>
        store.AppendAsync(stream, ExpectedRevision.Any, events);

    /// <summary>Appends one event as one commit.</summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="event">The event. A collection is appended element by element.</param>
    /// <param name="commitId">The commit's id; null for a new one. Repeat an id to repeat a commit without storing twice.</param>
    /// <param name="headers">The commit's headers; null for none.</param>
    /// <param name="cancellationToken">Cancelled before the commit is sent, nothing is stored; after that, the outcome is unknown.</param>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store,
        StreamId stream,
        ExpectedRevision expected,
        object @event,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        return store.AppendAsync(stream, expected, [.. MessagesOf(@event)], commitId, headers, cancellationToken);
    }

    /// <summary>Appends events as one commit.</summary>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store,
        StreamId stream,
        ExpectedRevision expected,
        IEnumerable<object> events,
        Guid? commitId = null,
        IReadOnlyDictionary<string, string>? headers = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(events);
        return store.AppendAsync(stream, expected, [.. events.Select(AsMessage)], commitId, headers, cancellationToken);
    }

    /// <summary>Appends one event as one commit.</summary>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store, StreamId stream, ExpectedRevision expected, object @event, CancellationToken cancellationToken) =>
        store.AppendAsync(stream, expected, @event, commitId: null, cancellationToken: cancellationToken);

    /// <summary>Appends events as one commit.</summary>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store,
        StreamId stream,
        ExpectedRevision expected,
        IEnumerable<object> events,
        CancellationToken cancellationToken) =>
        store.AppendAsync(stream, expected, events, commitId: null, cancellationToken: cancellationToken);

    /// <summary>Appends several events as one commit.</summary>
    public static ValueTask<CommitResult> AppendAsync(
        this IEventStore store, StreamId stream, ExpectedRevision expected, params ReadOnlySpan<object> events)
    {
        ArgumentNullException.ThrowIfNull(store);
        var messages = new List<EventMessage>(events.Length);
        foreach (var body in events) messages.Add(AsMessage(body));
        return store.AppendAsync(stream, expected, messages);
    }

    /// <summary>Opens a stream from its newest snapshot that fits, or with all events if there is none.</summary>
    /// <param name="store">The store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="atMost">Only a snapshot at or below this revision; null for any.</param>
    /// <param name="upTo">The last revision to read, included, and the highest one of the snapshot. Null for the head.</param>
    /// <param name="schemaVersion">Only a snapshot of this schema version; null for any.</param>
    /// <param name="cancellationToken">Ends the read by throwing.</param>
    /// <returns>The snapshot, or null; and the stream with only the events after it.</returns>
    public static async ValueTask<OpenedStream> OpenFromSnapshotAsync(
        this IEventStore store,
        StreamId stream,
        Revision? atMost = null,
        Revision? upTo = null,
        int? schemaVersion = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        var newest = new Revision(Math.Min((atMost ?? Revision.Max).Value, (upTo ?? Revision.Max).Value));
        var snapshot = await store.Snapshots.FindAsync(stream, newest, schemaVersion, cancellationToken).ConfigureAwait(false);
        var opened = snapshot is null
            ? await store.OpenStreamAsync(stream, new StreamRange { To = upTo ?? Revision.Max }, cancellationToken).ConfigureAwait(false)
            : await store.OpenStreamAsync(snapshot, upTo, cancellationToken).ConfigureAwait(false);
        return new OpenedStream(snapshot, opened);
    }

    /// <summary>Finds the newest snapshot that fits, with its state as a type; null for none.</summary>
    /// <typeparam name="TState">The state.</typeparam>
    /// <param name="snapshots">The snapshots of a store.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="atMost">Only a snapshot at or below this revision; null for any.</param>
    /// <param name="schemaVersion">Only a snapshot of this schema version; null for any.</param>
    /// <param name="cancellationToken">Ends the search by throwing.</param>
    /// <exception cref="InvalidCastException">The state is of another type.</exception>
    public static async ValueTask<Snapshot<TState>?> FindAsync<TState>(
        this ISnapshots snapshots,
        StreamId stream,
        Revision? atMost = null,
        int? schemaVersion = null,
        CancellationToken cancellationToken = default)
        where TState : notnull
    {
        ArgumentNullException.ThrowIfNull(snapshots);
        return (await snapshots.FindAsync(stream, atMost, schemaVersion, cancellationToken).ConfigureAwait(false))?.Of<TState>();
    }

    /// <summary>Adds an event that needs no headers. A collection is added element by element.</summary>
    public static void Add(this IEventStream stream, object @event)
    {
        ArgumentNullException.ThrowIfNull(stream);
        foreach (var message in MessagesOf(@event).ToList()) stream.Add(message);
    }

    // An array of structs is no IEnumerable<object>, so it is passed as an object although it is a collection.
    private static IEnumerable<EventMessage> MessagesOf(object @event)
    {
        ArgumentNullException.ThrowIfNull(@event);
        return @event is IEnumerable elements and not (string or byte[] or System.Text.Json.Nodes.JsonNode)
            ? elements.Cast<object>().Select(AsMessage)
            : [AsMessage(@event)];
    }

    private static EventMessage AsMessage(object body) => body as EventMessage ?? new EventMessage(body);
}

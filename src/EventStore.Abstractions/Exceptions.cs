using System.ComponentModel;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// The base of the exceptions of this library. A message names what happened, what was expected and what to do; never a payload.
/// </summary>
public abstract class EventStoreException : Exception
{
    private protected EventStoreException(string message, Exception? inner = null) : base(message, inner) =>
        HelpLink = TroubleshootingPage.LinkTo(GetType());
}

/// <summary>A stream is not at the revision that a commit expected. Nothing was stored.</summary>
public sealed class ConcurrencyException(StreamId stream, ExpectedRevision expected, Revision actual) : EventStoreException(
    $"Stream '{stream}' {(actual == Revision.None ? "has no events" : $"is at revision {actual}")}, but the commit expected {expected}. "
    + $"Nothing was stored. {Advice(expected, actual)}")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>What the commit expected.</summary>
    public ExpectedRevision Expected { get; } = expected;

    /// <summary>The current revision of the stream.</summary>
    public Revision Actual { get; } = actual;

    private static string Advice(ExpectedRevision expected, Revision actual) =>
        expected == ExpectedRevision.StreamExists
            ? "Check the name of the stream; to create it, expect NoStream or Any."
        : expected == ExpectedRevision.NoStream && actual > Revision.None
            ? "The stream exists already: open it, decide again and commit, or choose another name."
        : actual == Revision.None
            ? "The stream was deleted, or never had these events: open it again and decide again."
        : "Refresh the stream, decide again and commit, or let TransactAsync do so.";
}

/// <summary>A commit id that is stored in the stream was used again with other events. Nothing was stored.</summary>
public sealed class CommitIdReusedException(StreamId stream, Guid commitId, Revision firstRevision) : EventStoreException(
    $"Commit id {commitId} is already stored in stream '{stream}' at revision {firstRevision}, with other events than these. "
    + "Nothing was stored. "
    + "Use a new commit id for new events; repeat an id only with the same events.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The id.</summary>
    public Guid CommitId { get; } = commitId;

    /// <summary>The first revision of the commit stored under the id.</summary>
    public Revision FirstRevision { get; } = firstRevision;
}

/// <summary>Something is larger than a limit. Nothing was written.</summary>
/// <param name="what">What is too large.</param>
/// <param name="actual">Its size or number.</param>
/// <param name="limit">The limit.</param>
/// <param name="unit">What is counted.</param>
/// <param name="advice">What to do; null where the limit is one of the engine's.</param>
public sealed class TooLargeException(string what, long actual, long limit, string unit, string? advice = null) : EventStoreException(
    advice is null
        ? $"The {what} has {actual} {unit}, but the limit of this engine is {limit}. "
            + "Nothing was stored. Split it, or choose a backend with a higher limit."
        : $"The {what} has {actual} {unit}, but the limit is {limit}. {advice}")
{
    /// <summary>The actual size or number.</summary>
    public long Actual { get; } = actual;

    /// <summary>The limit.</summary>
    public long Limit { get; } = limit;
}

/// <summary>A before-commit hook refused the commit. Nothing was stored.</summary>
public sealed class CommitRefusedException(StreamId stream, string hook, string reason) : EventStoreException(
    $"The commit to stream '{stream}' was refused by {Names.Printable(hook)}: {Names.Printable(reason)} Nothing was stored.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The reason of the hook.</summary>
    public string Reason { get; } = reason;
}

/// <summary>The commit was sent, but its outcome is unknown. It is stored once or not at all.</summary>
public sealed class CommitOutcomeUnknownException : EventStoreException
{
    /// <summary>Creates the exception for one commit, with the reason.</summary>
    public CommitOutcomeUnknownException(StreamId stream, Guid commitId, string why, Exception? inner = null) : base(
        $"The outcome of commit {commitId} to stream '{stream}' is unknown: {why} "
        + "It is stored once or not at all. Repeat it with the same commit id and the same events; it is never stored twice.", inner) =>
        (Stream, CommitId) = (stream, commitId);

    /// <summary>The stream.</summary>
    public StreamId Stream { get; }

    /// <summary>The id with which to repeat the commit.</summary>
    public Guid CommitId { get; }
}

/// <summary>A stream is sealed. Nothing was stored.</summary>
public sealed class StreamSealedException(StreamId stream, Revision revision) : EventStoreException(
    $"Stream '{stream}' is sealed at revision {revision}. Nothing was stored. Append to another stream, or delete this one first.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>Its last revision.</summary>
    public Revision Revision { get; } = revision;
}

/// <summary>A stream was deleted, and possibly created again, since it was opened or read. Nothing was stored.</summary>
public sealed class StreamReplacedException(StreamId stream, Checkpoint expected, Checkpoint actual) : EventStoreException(
    $"Stream '{stream}' began at checkpoint {expected} when it was read, but "
    + (actual == Checkpoint.Origin ? "was deleted since. " : $"was deleted and created again at checkpoint {actual} since. ")
    + "Nothing was stored. Open it again and decide again.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>Where the stream began that was read.</summary>
    public Checkpoint Expected { get; } = expected;

    /// <summary>Where the stream begins now; the origin for no stream.</summary>
    public Checkpoint Actual { get; } = actual;
}

/// <summary>Events at the beginning of a stream were truncated, so it cannot be folded from there.</summary>
public sealed class StreamTruncatedException(StreamId stream, Revision firstRevision) : EventStoreException(
    $"Stream '{stream}' begins at revision {firstRevision}: the events before it were truncated. "
    + $"Open it from a snapshot at revision {Math.Max(0, firstRevision.Value - 1)} or higher.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The first revision that exists.</summary>
    public Revision FirstRevision { get; } = firstRevision;
}

/// <summary>The condition of a commit does not hold. Nothing was stored.</summary>
public sealed class AppendConditionException(AppendCondition condition, Checkpoint checkpoint, bool isOutdated) : EventStoreException(
    isOutdated
        ? $"The condition ({condition}) cannot be decided, because events up to checkpoint {checkpoint} were removed since. "
            + "Nothing was stored. Read and decide again."
        : $"The condition ({condition}) does not hold: the event at checkpoint {checkpoint} matches. "
            + "Nothing was stored. Read and decide again.")
{
    /// <summary>The condition.</summary>
    public AppendCondition Condition { get; } = condition;

    /// <summary>The first matching event; where the condition is outdated, the highest checkpoint that was removed.</summary>
    public Checkpoint Checkpoint { get; } = checkpoint;

    /// <summary>Whether events were removed after the condition's checkpoint.</summary>
    public bool IsOutdated { get; } = isOutdated;
}

/// <summary>A snapshot does not fit its stream. Nothing was stored.</summary>
public sealed class SnapshotRefusedException(StreamId stream, Revision revision, StreamState state) : EventStoreException(
    $"A snapshot at revision {revision} was refused, because stream '{stream}' "
    + (revision > state.Revision
        ? $"is at revision {state.Revision}. Nothing was stored. Take snapshots only of committed events."
    : revision.Value < state.FirstRevision.Value - 1
        ? $"begins at revision {state.FirstRevision}. Nothing was stored. Take snapshots at the revision before that or higher."
        : "was deleted and created again since. Nothing was stored. Open the stream again."))
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The snapshot's revision.</summary>
    public Revision Revision { get; } = revision;

    /// <summary>The stream's revision.</summary>
    public Revision Head { get; } = state.Revision;

    /// <summary>The first revision that is not truncated.</summary>
    public Revision FirstRevision { get; } = state.FirstRevision;
}

/// <summary>
/// A stream was deleted, and perhaps created again, while it was read or before it was refreshed. The events returned so far are not the
/// whole range.
/// </summary>
public sealed class ReadInterruptedException(StreamId stream, Revision expected) : EventStoreException(
    $"Stream '{stream}' was deleted, and perhaps created again, since it was read first: revision {expected} is not what it was. "
    + "Read or open it again.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;
}

/// <summary>A type has no stable name, so objects of it cannot be stored.</summary>
public sealed class TypeNotRegisteredException(Type type) : EventStoreException(
    $"{type} has no stable name, so it cannot be stored. "
    + $"Register it, as in UsingJsonSerialization(types => types.Register<{type.Name}>(\"a-name\")), "
    + "or put [EventType(\"a-name\")] on it. CLR names are not used, because they change.")
{
    /// <summary>The type.</summary>
    public Type Type { get; } = type;
}

/// <summary>A body, header or state could not be serialized, read or converted.</summary>
public sealed class EventSerializationException : EventStoreException
{
    /// <summary>Creates the exception with the place and the reason, neither of which shows a part of the payload.</summary>
    /// <param name="what">What failed, such as "deserialization".</param>
    /// <param name="place">Of what, and where.</param>
    /// <param name="why">The reason, and what to do.</param>
    /// <param name="inner">The cause, without texts that quote the payload; null for none.</param>
    public EventSerializationException(string what, string place, string why, Exception? inner = null) : base(
        $"The {what} {place} failed: {why}", inner)
    {
    }
}

/// <summary>A stored payload could not be decrypted or decompressed.</summary>
public sealed class PayloadTransformException : EventStoreException
{
    /// <summary>Creates the exception with the transform and the reason; a key or a payload is never shown.</summary>
    public PayloadTransformException(string transform, string why, string advice, Exception? inner = null)
        : this(transform, null, why, advice, inner)
    {
    }

    private PayloadTransformException(string transform, string? place, string why, string advice, Exception? inner)
        : base($"The transform '{transform}' could not restore {place ?? "a stored payload"}: {why} {advice}", inner) =>
        (Transform, Place, Why, Advice) = (transform, place, why, advice);

    /// <summary>The id of the transform.</summary>
    public string Transform { get; }

    /// <summary>The event, snapshot or state that has the payload; null in the exception of a transform, which does not know it.</summary>
    public string? Place { get; }

    private string Why { get; }

    private string Advice { get; }

    /// <summary>The same failure, with the place of the payload. For core.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public PayloadTransformException At(string place) => new(Transform, place, Why, Advice, this);
}

/// <summary>
/// A position is after the head of the store. Events were lost at its end, an older copy was put in its place, or it is another store.
/// Thrown for consumers, subscriptions, read streams, dispatch, continuation tokens and reads in pages. Nothing was delivered.
/// </summary>
public sealed class PositionAheadException(string name, Checkpoint position, Checkpoint head) : EventStoreException(
    $"'{Names.Printable(name)}' has read up to checkpoint {position}, but the store ends at {head}. "
    + "Events were lost at its end, an older copy was put in its place, or it is another store. Nothing was delivered. "
    + "Find out which events are missing; then read again, or delete the consumer or the read stream and start it again.")
{
    /// <summary>The position.</summary>
    public Checkpoint Position { get; } = position;

    /// <summary>The newest checkpoint of the store.</summary>
    public Checkpoint Head { get; } = head;
}

/// <summary>A read stream does not exist, has another condition, or its stored definition cannot be trusted.</summary>
public sealed class ReadStreamException(string name, string problem, string advice) : EventStoreException(
    $"The read stream '{Names.Printable(name)}' {problem} {advice}")
{
    /// <summary>The read stream's name.</summary>
    public string Name { get; } = name;
}

/// <summary>A choice of the wireup is missing, was made twice, or contradicts another one.</summary>
public sealed class WireupException(string message) : EventStoreException(message);

/// <summary>The value of an option, or of a parameter of the wireup, is out of range. Nothing was opened or started.</summary>
public sealed class InvalidOptionException(string options, string property, string value, string limit) : EventStoreException(
    $"{options}.{property} is {Shown(value)}, but must be {limit}.")
{
    /// <summary>The class of the options, or the method of the wireup.</summary>
    public string Options { get; } = options;

    /// <summary>The property or parameter.</summary>
    public string Property { get; } = property;

    private static string Shown(string value) =>
        string.IsNullOrEmpty(value) ? "empty" : string.IsNullOrWhiteSpace(value) ? "blank" : Names.Printable(value);
}

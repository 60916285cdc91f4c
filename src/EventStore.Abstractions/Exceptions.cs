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
    $"Stream '{stream}' is at revision {actual}, but the commit expected {expected}. Nothing was stored. "
    + "Refresh the stream, decide again and commit, or let TransactAsync do so.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>What the commit expected.</summary>
    public ExpectedRevision Expected { get; } = expected;

    /// <summary>The current revision of the stream.</summary>
    public Revision Actual { get; } = actual;
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

/// <summary>Something is larger than a limit of the engine. Nothing was written.</summary>
public sealed class TooLargeException(string what, long actual, long limit, string unit) : EventStoreException(
    $"The {what} has {actual} {unit}, but the limit of this engine is {limit}. "
    + "Nothing was stored. Split it, or choose a backend with a higher limit.")
{
    /// <summary>The actual size or number.</summary>
    public long Actual { get; } = actual;

    /// <summary>The engine's limit.</summary>
    public long Limit { get; } = limit;
}

/// <summary>A before-commit hook refused the commit. Nothing was stored.</summary>
public sealed class CommitRefusedException(StreamId stream, string hook, string reason) : EventStoreException(
    $"The commit to stream '{stream}' was refused by {hook}: {reason} Nothing was stored.")
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
        : $"begins at revision {state.FirstRevision}. Nothing was stored. Take snapshots at the revision before that or higher."))
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

/// <summary>A stream was deleted while it was read. The events returned so far are not the whole range.</summary>
public sealed class ReadInterruptedException(StreamId stream, Revision expected) : EventStoreException(
    $"Stream '{stream}' was deleted while it was being read: revision {expected} does not exist any more. Read it again.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;
}

/// <summary>A type has no stable name, so objects of it cannot be stored. Nothing was stored.</summary>
public sealed class TypeNotRegisteredException(Type type) : EventStoreException(
    $"{type} has no stable name, so it cannot be stored. Nothing was stored. "
    + $"Register it, as in UsingJsonSerialization(types => types.Register<{type.Name}>(\"a-name\")), "
    + "or put [EventType(\"a-name\")] on it. CLR names are not used, because they change.")
{
    /// <summary>The type.</summary>
    public Type Type { get; } = type;
}

/// <summary>An object could not be serialized or deserialized.</summary>
public sealed class EventSerializationException : EventStoreException
{
    /// <summary>Creates the exception with the place; the payload is never shown.</summary>
    public EventSerializationException(string what, string place, Exception inner) : base(
        $"The {what} {place} failed: {inner?.GetType().Name}. The inner exception has the details; the stored bytes are unchanged.", inner)
    {
    }
}

/// <summary>A stored payload could not be decrypted or decompressed.</summary>
public sealed class PayloadTransformException : EventStoreException
{
    /// <summary>Creates the exception with the transform and the reason; a key or a payload is never shown.</summary>
    public PayloadTransformException(string transform, string why, string advice, Exception? inner = null)
        : base($"The transform '{transform}' could not restore a stored payload: {why} {advice}", inner) => Transform = transform;

    /// <summary>The id of the transform.</summary>
    public string Transform { get; }
}

/// <summary>A consumer of this name is already running, or another process took the name over. No event was lost.</summary>
public sealed class ConsumerTakenException(string name, string why) : EventStoreException(
    $"The consumer '{name}' is already running: {why} Stop it, choose another name, or wait for it with WhenTaken.Wait.")
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;
}

/// <summary>A consumer stopped before an event that its handler could not handle. Started again, it begins with that event.</summary>
public sealed class ConsumerStoppedException(string name, StreamId stream, Checkpoint checkpoint, Exception inner) : EventStoreException(
    $"The consumer '{name}' stopped before checkpoint {checkpoint} of stream '{stream}': its handler failed with {inner?.GetType().Name}. "
    + "Fix the handler and start the consumer again, or set MaxRetries and OnFailure so that it parks or skips the event.", inner)
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;

    /// <summary>The stream of the event.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The event's position.</summary>
    public Checkpoint Checkpoint { get; } = checkpoint;
}

/// <summary>
/// A position is after the head of the store: events were lost at its end, or it is another store. Nothing was delivered.
/// </summary>
public sealed class PositionAheadException(string name, Checkpoint position, Checkpoint head) : EventStoreException(
    $"'{name}' has handled everything up to checkpoint {position}, but the store ends at {head}: "
    + "events were lost at its end, or it is another store. Nothing was delivered. "
    + "Find out which events are missing; then delete the consumer or the read stream and start it again.")
{
    /// <summary>The position.</summary>
    public Checkpoint Position { get; } = position;

    /// <summary>The newest checkpoint of the store.</summary>
    public Checkpoint Head { get; } = head;
}

/// <summary>A read stream does not exist, has another condition, or its stored definition cannot be trusted.</summary>
public sealed class ReadStreamException(string name, string problem, string advice) : EventStoreException(
    $"The read stream '{name}' {problem} {advice}")
{
    /// <summary>The read stream's name.</summary>
    public string Name { get; } = name;
}

/// <summary>A choice of the wireup is missing, was made twice, or contradicts another one.</summary>
public sealed class WireupException(string message) : EventStoreException(message);

/// <summary>The value of an option is out of range. Nothing was opened or started.</summary>
public sealed class InvalidOptionException(string options, string property, string value, string limit) : EventStoreException(
    $"{options}.{property} is {value}, but must be {limit}.")
{
    /// <summary>The class of the options.</summary>
    public string Options { get; } = options;

    /// <summary>The property.</summary>
    public string Property { get; } = property;
}

/// <summary>The storage failed, and a later call would fail too.</summary>
public class StorageException : EventStoreException
{
    /// <summary>Creates the exception with what failed and what to do.</summary>
    public StorageException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage was opened for reading only. Nothing was written.</summary>
public sealed class ReadOnlyStorageException(string what) : StorageException(
    $"{what} is not possible: the storage was opened for reading only. Nothing was written. Use a process that opens it for writing.");

/// <summary>
/// The storage is not available now, and nothing was written. A later call may succeed.
/// If it is unknown whether a batch was written, an engine throws <see cref="BatchOutcomeUnknownException"/> instead.
/// </summary>
public sealed class StorageUnavailableException : StorageException
{
    /// <summary>Creates the exception with what is unavailable and what to do.</summary>
    public StorageUnavailableException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage does not exist, and may not be created. Nothing was changed. Another process may create it later.</summary>
public sealed class StorageNotFoundException : StorageException
{
    /// <summary>Creates the exception with what was not found, the place, and what to do.</summary>
    public StorageNotFoundException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage is held by an import. Nothing was written.</summary>
public sealed class StorageHeldException(string holder) : StorageException(
    $"The storage is held by the import '{holder}'. Nothing was written. Wait until it is finished, or finish it under that name.")
{
    /// <summary>The name of the import.</summary>
    public string Holder { get; } = holder;
}

/// <summary>Stored data is damaged at a known place. Nothing was changed.</summary>
public sealed class CorruptStorageException : StorageException
{
    /// <summary>Creates the exception with the place of the damage, what is wrong, and what to do.</summary>
    public CorruptStorageException(string place, string problem, string advice, Exception? inner = null)
        : base($"Damage at {place}: {problem} {advice}", inner) => (Place, Problem) = (place, problem);

    /// <summary>The place: a file and offset, a table and key.</summary>
    public string Place { get; }

    /// <summary>What is wrong there.</summary>
    public string Problem { get; }
}

/// <summary>Stored data has a format that this version does not know. Nothing was changed.</summary>
public sealed class StorageFormatException(string place, string found, string expected) : StorageException(
    $"{place} has {found}, but this version knows {expected}. Nothing was changed. Open it with the version that wrote it, or a newer one.")
{
    /// <summary>The place: a file, a table.</summary>
    public string Place { get; } = place;

    /// <summary>The format that was found.</summary>
    public string Found { get; } = found;

    /// <summary>The format that is known.</summary>
    public string Expected { get; } = expected;
}

/// <summary>A name of a stream, an event type or a document cannot be stored. Nothing was.</summary>
public sealed class InvalidNameException : ArgumentException
{
    /// <summary>Says what is wrong with the name and what to do.</summary>
    public InvalidNameException(string what, string problem, string advice)
        : base($"The {what} {problem}. Nothing was stored; {advice}.", what) =>
        HelpLink = TroubleshootingPage.LinkTo(typeof(InvalidNameException));
}

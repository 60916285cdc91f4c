using EventStore.Engines;

namespace EventStore;

/// <summary>Everything this store throws for a reason of its own. Messages say what happened, what was expected and what to do; never a payload.</summary>
public abstract class EventStoreException : Exception
{
    private protected EventStoreException(string message, Exception? inner = null) : base(message, inner) =>
        HelpLink = TroubleshootingPage.LinkTo(GetType());
}

/// <summary>A stream is not at the revision a commit expected. Nothing was stored.</summary>
public sealed class ConcurrencyException(StreamId stream, ExpectedRevision expected, Revision actual) : EventStoreException(
    $"Stream '{stream}' is at revision {actual}, but the commit expected {expected}. Nothing was stored. "
    + "Refresh the stream, decide again and commit, or let TransactAsync do so.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>What the commit expected.</summary>
    public ExpectedRevision Expected { get; } = expected;

    /// <summary>The revision at which the stream is.</summary>
    public Revision Actual { get; } = actual;
}

/// <summary>A commit id that is known in the stream came again with other events. Nothing was stored.</summary>
public sealed class CommitIdReusedException(StreamId stream, Guid commitId, Revision firstRevision) : EventStoreException(
    $"Commit id {commitId} is already stored in stream '{stream}' at revision {firstRevision}, with other events than these. Nothing was stored. "
    + "Use a new commit id for new events; repeat an id only with the same events.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The id.</summary>
    public Guid CommitId { get; } = commitId;

    /// <summary>The first revision of what is stored under the id.</summary>
    public Revision FirstRevision { get; } = firstRevision;
}

/// <summary>Something is larger than the engine takes. It was refused before anything was written.</summary>
public sealed class TooLargeException(string what, long actual, long limit, string unit) : EventStoreException(
    $"The {what} has {actual} {unit}, but this engine takes at most {limit}. Nothing was stored. Split it, or choose a backend with a higher limit.")
{
    /// <summary>What was measured.</summary>
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

    /// <summary>The reason the hook gave.</summary>
    public string Reason { get; } = reason;
}

/// <summary>The commit was sent, but its outcome could not be learnt. It is stored once or not at all.</summary>
public sealed class CommitOutcomeUnknownException : EventStoreException
{
    /// <summary>Says why the outcome of one commit is unknown.</summary>
    public CommitOutcomeUnknownException(StreamId stream, Guid commitId, string why, Exception? inner = null) : base(
        $"The outcome of commit {commitId} to stream '{stream}' is unknown: {why} "
        + "It is stored once or not at all. Repeat it with the same commit id and the same events; that settles it and never stores twice.", inner) =>
        (Stream, CommitId) = (stream, commitId);

    /// <summary>The stream.</summary>
    public StreamId Stream { get; }

    /// <summary>The id with which to repeat the commit.</summary>
    public Guid CommitId { get; }
}

/// <summary>A snapshot does not fit its stream. Nothing was stored.</summary>
public sealed class SnapshotRefusedException(StreamId stream, Revision revision, Revision head) : EventStoreException(
    $"A snapshot at revision {revision} was refused, because stream '{stream}' is at revision {head}. Nothing was stored. "
    + "Take snapshots only of committed events.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The snapshot's revision.</summary>
    public Revision Revision { get; } = revision;

    /// <summary>The stream's revision.</summary>
    public Revision Head { get; } = head;
}

/// <summary>A range that was being read vanished before it was read to its end. What was answered so far is not the whole.</summary>
public sealed class ReadInterruptedException(StreamId stream, Revision expected) : EventStoreException(
    $"Stream '{stream}' was deleted while it was being read: revision {expected} is no longer there. Read it again.")
{
    /// <summary>The stream.</summary>
    public StreamId Stream { get; } = stream;
}

/// <summary>A type that is to be stored has no stable name. Nothing was stored.</summary>
public sealed class TypeNotRegisteredException(Type type) : EventStoreException(
    $"{type} has no stable name to be stored under. Nothing was stored. Register it, as in UsingJsonSerialization(types => types.Register<{type.Name}>(\"a-name\")), "
    + "or put [EventType(\"a-name\")] on it. CLR names are not used, because they change.")
{
    /// <summary>The type.</summary>
    public Type Type { get; } = type;
}

/// <summary>Bytes could not be made of an object, or an object of stored bytes.</summary>
public sealed class EventSerializationException : EventStoreException
{
    /// <summary>Says where it happened; never shows the payload.</summary>
    public EventSerializationException(string what, string place, Exception inner) : base(
        $"The {what} {place} failed: {inner?.GetType().Name}. The inner exception has the details; the stored bytes are unchanged.", inner)
    {
    }
}

/// <summary>A stored payload could not be decrypted or decompressed.</summary>
public sealed class PayloadTransformException : EventStoreException
{
    /// <summary>Says which transform failed and why; never shows a key or a payload.</summary>
    public PayloadTransformException(string transform, string why, string advice, Exception? inner = null)
        : base($"The transform '{transform}' could not restore a stored payload: {why} {advice}", inner) => Transform = transform;

    /// <summary>The id of the transform.</summary>
    public string Transform { get; }
}

/// <summary>A consumer's name has an active subscriber, or was taken over by one. Nothing was delivered twice because of it, and nothing lost.</summary>
public sealed class ConsumerTakenException(string name, string why) : EventStoreException(
    $"The consumer '{name}' has another active subscriber: {why} Stop that one, give this one a name of its own, or let it wait with WhenTaken.Wait.")
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;
}

/// <summary>A consumer stopped before an event that its handler could not handle. Started again, it begins with that event.</summary>
public sealed class ConsumerStoppedException(string name, StreamId stream, Checkpoint checkpoint, Exception inner) : EventStoreException(
    $"The consumer '{name}' stopped before checkpoint {checkpoint} of stream '{stream}': its handler failed with {inner?.GetType().Name}. "
    + "Mend the handler and start the consumer again; or let it retry, park or skip by MaxRetries and OnFailure.", inner)
{
    /// <summary>The consumer's name.</summary>
    public string Name { get; } = name;

    /// <summary>The stream of the event.</summary>
    public StreamId Stream { get; } = stream;

    /// <summary>The event's position.</summary>
    public Checkpoint Checkpoint { get; } = checkpoint;
}

/// <summary>A position lies beyond the store's head: the storage has lost its end, or it is another store. Nothing was delivered.</summary>
public sealed class PositionAheadException(string name, Checkpoint position, Checkpoint head) : EventStoreException(
    $"'{name}' has handled everything up to checkpoint {position}, but the store ends at {head}: the storage lost its end, or it is another store. Nothing was delivered. "
    + "Find out which events are gone; then delete the consumer or the read stream and let it begin anew.")
{
    /// <summary>The position.</summary>
    public Checkpoint Position { get; } = position;

    /// <summary>The newest checkpoint of the store.</summary>
    public Checkpoint Head { get; } = head;
}

/// <summary>A read stream is missing, stands for another condition, or its stored definition cannot be trusted.</summary>
public sealed class ReadStreamException(string name, string problem, string advice) : EventStoreException($"The read stream '{name}' {problem} {advice}")
{
    /// <summary>The read stream's name.</summary>
    public string Name { get; } = name;
}

/// <summary>The wireup is missing a choice, has two of a kind, or choices that contradict each other.</summary>
public sealed class WireupException(string message) : EventStoreException(message);

/// <summary>An option has a value that cannot work. Nothing was opened or started.</summary>
public sealed class InvalidOptionException(string options, string property, string value, string limit) : EventStoreException(
    $"{options}.{property} is {value}, but must be {limit}.")
{
    /// <summary>The class of the options.</summary>
    public string Options { get; } = options;

    /// <summary>The property.</summary>
    public string Property { get; } = property;
}

/// <summary>The storage failed for a reason that time will not heal.</summary>
public class StorageException : EventStoreException
{
    /// <summary>Says what failed and what to do.</summary>
    public StorageException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>The storage was opened for reading only, and something was to be written. Nothing was.</summary>
public sealed class ReadOnlyStorageException(string what) : StorageException(
    $"{what} is not possible: the storage was opened for reading only. Nothing was written. Write by a process that opens it for writing.");

/// <summary>
/// The storage cannot be reached now; what was asked was not carried out. Time may heal it.
/// An engine that cannot tell whether a batch was carried out throws <see cref="BatchOutcomeUnknownException"/> instead.
/// </summary>
public sealed class StorageUnavailableException : StorageException
{
    /// <summary>Says what cannot be reached and what to do.</summary>
    public StorageUnavailableException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>There is no storage where it was looked for, and none may be made. Nothing was changed; it may come into being yet.</summary>
public sealed class StorageNotFoundException : StorageException
{
    /// <summary>Says what was looked for, where, and what to do.</summary>
    public StorageNotFoundException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}

/// <summary>Stored data is damaged at a known place. Nothing was changed.</summary>
public sealed class CorruptStorageException : StorageException
{
    /// <summary>Says what is damaged, where, and what to do.</summary>
    public CorruptStorageException(string place, string problem, string advice, Exception? inner = null)
        : base($"Damage at {place}: {problem} {advice}", inner) => (Place, Problem) = (place, problem);

    /// <summary>Where: a file and offset, a table and key.</summary>
    public string Place { get; }

    /// <summary>What is wrong there.</summary>
    public string Problem { get; }
}

/// <summary>Stored data is sound, but of a format that this version does not know. Nothing was changed.</summary>
public sealed class StorageFormatException(string place, string found, string expected) : StorageException(
    $"{place} is of {found}, but this version knows {expected}. Nothing was changed. Open it with the version that wrote it, or a newer one.")
{
    /// <summary>Where: a file, a table.</summary>
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
    public InvalidNameException(string what, string problem, string advice) : base($"The {what} {problem}. Nothing was stored; {advice}.", what) =>
        HelpLink = TroubleshootingPage.LinkTo(typeof(InvalidNameException));
}

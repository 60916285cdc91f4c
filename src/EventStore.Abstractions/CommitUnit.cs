using System.Collections.Frozen;
using EventStore.Engines;

namespace EventStore;

/// <summary>
/// Commits of several streams that are stored together, or not at all. Their checkpoints are consecutive. It obeys the limits of one
/// commit.
/// </summary>
public sealed class CommitUnit
{
    private readonly List<UnitCommit> commits = [];

    /// <summary>Creates a unit without commits.</summary>
    /// <param name="commitId">The id of all its commits; null for a new one. Repeat an id to repeat a unit without storing twice.</param>
    /// <param name="condition">What must not be stored yet; null for no condition. It never sees the events of the unit itself.</param>
    /// <param name="headers">The headers of each of its commits; null for none.</param>
    /// <exception cref="ArgumentException">The id is all zeros.</exception>
    public CommitUnit(
        Guid? commitId = null, AppendCondition? condition = null, IReadOnlyDictionary<string, string>? headers = null)
    {
        if (commitId == Guid.Empty) throw new ArgumentException("A commit id is not all zeros.", nameof(commitId));
        CommitId = commitId ?? SequentialGuid.Next();
        Condition = condition;
        Headers = headers is null ? FrozenDictionary<string, string>.Empty : headers.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The id of all its commits.</summary>
    public Guid CommitId { get; }

    /// <summary>What must not be stored yet; null for no condition.</summary>
    public AppendCondition? Condition { get; }

    /// <summary>The headers of each of its commits; never null.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Its commits, in the order in which they are stored.</summary>
    public IReadOnlyList<UnitCommit> Commits => commits;

    /// <summary>Adds events of a stream. They are serialized when the unit is committed.</summary>
    /// <param name="stream">The stream, at most once in a unit.</param>
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="events">At least one event; an <see cref="EventMessage"/> or a body of its own.</param>
    /// <returns>The same unit.</returns>
    /// <exception cref="ArgumentException">There are no events, or the stream is in the unit already.</exception>
    public CommitUnit Append(StreamId stream, ExpectedRevision expected, params IEnumerable<object> events)
    {
        Add(stream, new StreamExpectation(expected), events);
        return this;
    }

    /// <summary>Adds events of a stream, if it is still as it was opened. They are serialized when the unit is committed.</summary>
    /// <param name="opened">The stream, opened to its head. It keeps what was added to it, and does not follow the unit.</param>
    /// <param name="events">At least one event; an <see cref="EventMessage"/> or a body of its own.</param>
    /// <returns>The same unit.</returns>
    /// <exception cref="ArgumentException">There are no events, or the stream is in the unit already.</exception>
    public CommitUnit Append(IEventStream opened, params IEnumerable<object> events)
    {
        ArgumentNullException.ThrowIfNull(opened);
        Add(opened.Stream, new StreamExpectation(opened.Revision, opened.Incarnation), events);
        return this;
    }

    private void Add(StreamId stream, StreamExpectation expected, IEnumerable<object> events)
    {
        _ = stream.Id;
        ArgumentNullException.ThrowIfNull(events);
        EventMessage[] messages = [.. events.Select(body => body as EventMessage ?? new EventMessage(body))];
        if (messages.Length == 0) throw new ArgumentException("A commit has at least one event.", nameof(events));
        if (commits.Any(commit => commit.Stream == stream))
            throw new ArgumentException(
                $"The unit has a commit of stream '{stream}' already. Add all events of a stream in one call.", nameof(stream));
        commits.Add(new UnitCommit(stream, expected.Revision, messages) { Incarnation = expected.Incarnation });
    }
}

/// <summary>A commit of a unit.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Expected">The expected revision of the stream.</param>
/// <param name="Events">Its events, in order.</param>
public sealed record UnitCommit(StreamId Stream, ExpectedRevision Expected, IReadOnlyList<EventMessage> Events)
{
    /// <summary>The stream that is expected, by the checkpoint of its first event; the origin for any of the name.</summary>
    public Checkpoint Incarnation { get; init; }
}

/// <summary>The result of a unit, stored by this call or by an earlier one with the same id.</summary>
/// <param name="CommitId">The id of all its commits.</param>
/// <param name="Commits">Its commits, in their order.</param>
/// <param name="IsDuplicate">Whether it was stored before this call. Nothing was stored again.</param>
public sealed record UnitResult(Guid CommitId, IReadOnlyList<CommitResult> Commits, bool IsDuplicate)
{
    /// <summary>The checkpoint of its last event.</summary>
    public Checkpoint LastCheckpoint => Commits[^1].LastCheckpoint;
}

namespace EventStore;

/// <summary>The events that a decision is made on, read by criteria up to a known checkpoint.</summary>
/// <param name="Criteria">What was read.</param>
/// <param name="Events">The events, in checkpoint order.</param>
/// <param name="UpTo">
/// The checkpoint up to which everything that matches was read. A condition made of it misses nothing, and refuses nothing that was read.
/// </param>
public sealed record EventSelection(EventCriteria Criteria, IReadOnlyList<CommittedEvent> Events, Checkpoint UpTo)
{
    /// <summary>Holds as long as nothing that matches the criteria is stored after the events that were read.</summary>
    public AppendCondition Condition => new(Criteria, UpTo);
}

/// <summary>A decision on selected events: what it reads, and what it adds.</summary>
public sealed class Decision
{
    private readonly EventSelection selection;

    internal Decision(EventSelection selection, Guid commitId)
    {
        this.selection = selection;
        Unit = new CommitUnit(commitId, selection.Condition);
    }

    /// <summary>The events that match the criteria, in checkpoint order.</summary>
    public IReadOnlyList<CommittedEvent> Events => selection.Events;

    /// <summary>The checkpoint up to which they were read.</summary>
    public Checkpoint UpTo => selection.UpTo;

    /// <summary>What is added so far, with the condition of the decision.</summary>
    internal CommitUnit Unit { get; }

    /// <summary>Adds events of a stream, at any revision of it. The condition of the decision protects it.</summary>
    /// <param name="stream">The stream, at most once.</param>
    /// <param name="events">At least one event; an <see cref="EventMessage"/> or a body of its own.</param>
    public Decision Append(StreamId stream, params IEnumerable<object> events) => Append(stream, ExpectedRevision.Any, events);

    /// <summary>Adds events of a stream.</summary>
    /// <param name="stream">The stream, at most once.</param>
    /// <param name="expected">The expected revision of the stream.</param>
    /// <param name="events">At least one event; an <see cref="EventMessage"/> or a body of its own.</param>
    /// <exception cref="ArgumentException">There are no events, or the stream has some already.</exception>
    public Decision Append(StreamId stream, ExpectedRevision expected, params IEnumerable<object> events)
    {
        Unit.Append(stream, expected, events);
        return this;
    }
}

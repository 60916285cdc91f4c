namespace EventStore;

/// <summary>A state, and where in the store it belongs: what the cache keeps and a snapshot is made of.</summary>
/// <param name="State">The state.</param>
/// <param name="Revision">The revision of the last event in it; 0 for the initial state.</param>
/// <param name="Incarnation">The stream, by the checkpoint of its first event; the origin for the initial state.</param>
internal readonly record struct FoldedState<TState>(TState State, Revision Revision, Checkpoint Incarnation) where TState : notnull
{
    /// <summary>How many events came since the newest snapshot that is known.</summary>
    public long EventsSinceSnapshot { get; init; }

    /// <summary>The bytes of their bodies; counted only where the policy asks for it.</summary>
    public long BytesSinceSnapshot { get; init; }

    /// <summary>When the first of them was stored; default for none.</summary>
    public DateTimeOffset OldestSinceSnapshot { get; init; }

    /// <summary>When the last of them was stored; default for none.</summary>
    public DateTimeOffset NewestSinceSnapshot { get; init; }

    /// <summary>Whether an opened stream is the one of this state, and no event after the state is missing in it.</summary>
    public bool IsContinuedBy(IEventStream opened) =>
        opened.Revision >= Revision
        && opened.FirstRevision <= Revision + 1
        && (Incarnation == Checkpoint.Origin || Incarnation == opened.Incarnation);

    /// <summary>The state after further events. Those that are in it already are passed over.</summary>
    public FoldedState<TState> After(IReadOnlyList<CommittedEvent> events, Fold<TState> fold)
    {
        var folded = this;
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Revision > folded.Revision) folded = folded.After(events[i], fold);
        }

        return folded;
    }

    private FoldedState<TState> After(CommittedEvent committed, Fold<TState> fold) => this with
    {
        State = fold.Evolve(State, committed.Body)
            ?? throw new InvalidOperationException($"Evolve returned null for an event of type {committed.Body.GetType()}."),
        Revision = committed.Revision,
        EventsSinceSnapshot = EventsSinceSnapshot + 1,
        BytesSinceSnapshot = BytesSinceSnapshot + (fold.Snapshots?.EveryBytes is null ? 0 : committed.Payload.Length),
        OldestSinceSnapshot = OldestSinceSnapshot == default ? committed.Stamp : OldestSinceSnapshot,
        NewestSinceSnapshot = committed.Stamp,
    };
}

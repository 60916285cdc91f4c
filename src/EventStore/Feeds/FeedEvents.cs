using EventStore.Pipeline;

namespace EventStore.Feeds;

/// <summary>
/// The events of a page, in order. Where nothing may hide or replace an event, it is created when it is taken. So pages that several
/// readers share hold no event of one of them, and an event is garbage as soon as its handler has returned.
/// </summary>
internal readonly struct FeedEvents
{
    private readonly ReadPath? reads;
    private readonly ReadOnlyMemory<RecordedEvent> recorded;
    private readonly ReadOnlyMemory<FeedEvent> shown;

    public FeedEvents(ReadOnlyMemory<FeedEvent> shown) => this.shown = shown;

    private FeedEvents(ReadPath reads, ReadOnlyMemory<RecordedEvent> recorded) => (this.reads, this.recorded) = (reads, recorded);

    public int Count => shown.Length + recorded.Length;

    /// <summary>Creates the event unless a hook has seen it already. Take each event once.</summary>
    public FeedEvent this[int index] => reads is null ? shown.Span[index] : Show(reads, recorded.Span[index])!.Value;

    /// <summary>The events of a page for which a condition holds and which no hook hides.</summary>
    public static FeedEvents Of(ReadPath reads, ReadOnlyMemory<RecordedEvent> recorded, EventPredicate? condition = null)
    {
        if (condition is null && reads.ShowsAll) return new(reads, recorded);
        var kept = new FeedEvent[recorded.Length];
        var count = 0;
        foreach (ref readonly var one in recorded.Span)
        {
            if (reads.Holds(condition, one) && Show(reads, one) is { } seen) kept[count++] = seen;
        }

        return new(kept.AsMemory(0, count));
    }

    private static FeedEvent? Show(ReadPath reads, in RecordedEvent recorded) =>
        reads.Show(recorded, EventDecoding.OnDemand) is { } shown
            ? new FeedEvent(shown, new(recorded.Checkpoint.Value, recorded.Revision.Value))
            : null;
}

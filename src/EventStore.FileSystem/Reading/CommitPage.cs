using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Reading;

/// <summary>Builds a page from commits as they are read, with copies of their bytes.</summary>
/// <param name="limit">The limit of the page.</param>
/// <param name="expectedEvents">The expected number of events; 0 if it is not known.</param>
/// <param name="isForward">Whether the events of a commit come oldest first.</param>
/// <param name="filter">The types and criteria of events to include; null for all.</param>
internal sealed class CommitPage(PageLimit limit, int expectedEvents, bool isForward, EventFilter? filter = null)
{
    private readonly PageBuilder page = new(limit, expectedEvents);
    private readonly PageBytes kept = new();
    private readonly IReadOnlyCollection<string>? types = filter?.EventTypes;
    private readonly EventCriteria? criteria = filter?.Criteria;

    public ReadOnlyMemory<RecordedEvent> Events => page.Events;

    public int Count => page.Count;

    public bool IsFull => page.IsFull;

    /// <summary>Adds a range of a commit's events, or fewer if the page fills up; returns how many were processed.</summary>
    /// <param name="commit">The commit, no event of it read yet.</param>
    /// <param name="record">The commit without its events.</param>
    /// <param name="first">The place of the oldest event that is meant.</param>
    /// <param name="last">The place of the newest one.</param>
    public int Add(ref CommitReader commit, CommitRecord record, int first, int last)
    {
        commit.SkipTo(first);
        return isForward ? AddForward(ref commit, record, first, last) : AddBackward(ref commit, record, first, last);
    }

    public CommitRecord Record(in CommitReader commit) => commit.ToRecord(kept);

    private int AddForward(ref CommitReader commit, CommitRecord record, int first, int last)
    {
        for (var i = first; i <= last; i++)
        {
            if (page.IsFull) return i - first;
            Add(new RecordedEvent(record, i, commit.NextEvent(kept)));
        }

        return last - first + 1;
    }

    private int AddBackward(ref CommitReader commit, CommitRecord record, int first, int last)
    {
        var events = new EventRecord[last - first + 1];
        for (var i = 0; i < events.Length; i++) events[i] = commit.NextEvent(kept);
        for (var i = last; i >= first; i--)
        {
            if (page.IsFull) return last - i;
            Add(new RecordedEvent(record, i, events[i - first]));
        }

        return events.Length;
    }

    private void Add(RecordedEvent recorded)
    {
        if (types is not null && !types.Contains(recorded.Record.EventType)) return;
        if (criteria is null || criteria.Matches(recorded)) page.TryAdd(recorded);
    }
}

using EventStore.FileSystem.Bytes;

namespace EventStore.FileSystem.Reading;

/// <summary>Gathers a page from commits as they are read, with copies of what it hands out.</summary>
/// <param name="limit">How much it takes.</param>
/// <param name="expectedEvents">How many events there will be, as far as is known.</param>
/// <param name="isForward">Whether the events of a commit come oldest first.</param>
/// <param name="types">Which types are meant; null for all.</param>
internal sealed class CommitPage(PageLimit limit, int expectedEvents, bool isForward, IReadOnlyCollection<string>? types = null)
{
    private readonly PageBuilder page = new(limit, expectedEvents);
    private readonly PageBytes kept = new();

    public ReadOnlyMemory<RecordedEvent> Events => page.Events;

    public int Count => page.Count;

    public bool IsFull => page.IsFull;

    /// <summary>Takes a commit's events from a first place in it to a last, or less when the page is full before; answers with how many it is done.</summary>
    /// <param name="commit">The commit, no event of it read yet.</param>
    /// <param name="record">The commit without its events.</param>
    /// <param name="first">The place of the oldest event that is meant.</param>
    /// <param name="last">The place of the newest one.</param>
    public int Add(ref CommitReader commit, CommitRecord record, int first, int last)
    {
        for (var i = 0; i < first; i++) commit.SkipEvent();
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

    private void Add(in RecordedEvent recorded)
    {
        if (types is null || types.Contains(recorded.Record.EventType)) page.TryAdd(recorded);
    }
}

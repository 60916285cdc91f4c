using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>Gathers a page of the store from the entries of a window of checkpoints, and knows how far it looked.</summary>
internal sealed class MongoWindow(StoreRead read, MongoGoing going, long low, long high)
{
    private readonly bool isForward = read.Direction == ReadDirection.Forward;
    private readonly PageBuilder page = new(read.Limit);
    private int taken;
    private bool isFull;
    private bool isThrough;

    // The last checkpoint examined; none yet.
    private long position = read.Direction == ReadDirection.Forward ? low : high + 1;

    /// <summary>Takes the next entry. Returns whether the page has room for more.</summary>
    public bool Take(BsonDocument document)
    {
        taken++;
        var entry = MongoEntry.Of(document);
        if (isForward && entry.First > high)
        {
            isThrough = true;
            return false;
        }

        for (var i = 0; i < entry.Members.Length; i++)
        {
            if (!TakeEvents(entry, entry.Members[isForward ? i : entry.Members.Length - 1 - i])) return false;
        }

        position = isForward ? Math.Max(position, Math.Min(entry.Last, high)) : Math.Min(position, Math.Max(entry.First, low + 1));
        return !(isFull = page.IsFull);
    }

    /// <summary>The page. Where fewer entries came than were asked for, the whole window was looked through.</summary>
    public StorePage ToPage(long end, int maxTaken)
    {
        if (isThrough || (!isFull && taken < maxTaken)) position = isForward ? high : low + 1;
        var isEnd = isForward ? position >= Math.Min(read.UpTo.Value, end) : position <= read.After.Value + 1;
        return new StorePage(page.Events, new Checkpoint(position), new Checkpoint(end), isEnd);
    }

    private bool TakeEvents(MongoEntry entry, MongoMember member)
    {
        var visible = going.FirstVisible(entry, member);
        if (visible > member.To) return true;
        var commit = entry.ToCommit(member);
        if (!read.Filter.MatchesCommit(commit)) return true;
        var events = entry.ToEvents(member, commit);
        for (var i = 0; i < events.Length; i++)
        {
            var recorded = events[isForward ? i : events.Length - 1 - i];
            var checkpoint = recorded.Checkpoint.Value;
            if (checkpoint <= low || checkpoint > high || recorded.Revision.Value < visible) continue;
            if (read.Filter.Matches(recorded) && !page.TryAdd(recorded))
            {
                isFull = true;
                return false;
            }

            position = checkpoint;
        }

        return true;
    }
}

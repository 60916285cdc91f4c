using MongoDB.Bson;

namespace EventStore.Mongo;

/// <summary>Gathers a page of the store from the entries of a window of checkpoints, and knows how far it looked.</summary>
internal sealed class MongoWindow(StoreRead read, List<MongoEntry> removals, long low, long high)
{
    private readonly bool isForward = read.Direction == ReadDirection.Forward;
    private readonly PageBuilder page = new(read.Limit);
    private int taken;
    private bool isFull;

    // The last checkpoint examined; none yet.
    private long position = read.Direction == ReadDirection.Forward ? low : high + 1;

    /// <summary>Takes the next entry. Returns whether the page has room for more.</summary>
    public bool Take(BsonDocument document)
    {
        taken++;
        var entry = MongoEntry.Of(document);
        if (entry.IsCommit && IsThere(entry) && !TakeEvents(document)) return false;
        position = isForward ? Math.Max(position, Math.Min(entry.Last, high)) : Math.Min(position, Math.Max(entry.First, low + 1));
        return !(isFull = page.IsFull);
    }

    /// <summary>The page. Where fewer entries came than were asked for, the whole window was looked through.</summary>
    public StorePage ToPage(long end, int maxTaken)
    {
        var isThrough = !isFull && taken < Math.Min(read.Limit.MaxEvents, maxTaken);
        if (isThrough) position = isForward ? high : low + 1;
        var isEnd = isForward ? position >= Math.Min(read.UpTo.Value, end) : position <= read.After.Value + 1;
        return new StorePage(page.Events, new Checkpoint(position), new Checkpoint(end), isEnd);
    }

    private bool IsThere(in MongoEntry entry)
    {
        foreach (var removal in removals)
        {
            if (removal.First > entry.First
                && removal.Target.Covers(new StreamId(entry.Target.Bucket, entry.Target.Category, entry.Target.Id))) return false;
        }

        return true;
    }

    private bool TakeEvents(BsonDocument document)
    {
        var commit = MongoRows.ToCommit(document);
        if (!read.Filter.MatchesCommit(commit)) return true;
        var events = MongoRows.ToEvents(commit, document);
        for (var i = 0; i < events.Length; i++)
        {
            var recorded = events[isForward ? i : events.Length - 1 - i];
            var checkpoint = recorded.Checkpoint.Value;
            if (checkpoint <= low || checkpoint > high) continue;
            if ((read.Filter.EventTypes is not { } types || types.Contains(recorded.Record.EventType)) && !page.TryAdd(recorded))
            {
                isFull = true;
                return false;
            }

            position = checkpoint;
        }

        return true;
    }
}

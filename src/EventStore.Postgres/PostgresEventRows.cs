using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// The rows of a page, as they are read one after the other. Events of one commit share its record, and what it says is decoded once. An
/// event that is larger than its share comes without its bytes, and so does one whose stream has no name yet. It is completed or left out
/// later.
/// </summary>
internal sealed class PostgresEventRows(PageLimit limit, Func<long, StreamId> nameOf)
{
    // What every event may have, however few bytes a page is to hold: most events are smaller.
    private const int MinShareBytes = 1024;
    private readonly List<RecordedEvent> events = new(Math.Min(limit.MaxEvents, 32)); // most streams are short
    private CommitRecord? commit;
    private long listedUpTo;
    private int listed;
    private bool isCut;

    public IReadOnlyList<RecordedEvent> Events => events;

    public long MaxBytes => limit.MaxBytes;

    /// <summary>The state of the stream of a page of one stream.</summary>
    public StreamState State { get; private set; }

    /// <summary>Places of the events that lack their bytes, by checkpoint.</summary>
    public Dictionary<long, int> Large { get; } = [];

    /// <summary>Keys of the streams of the events that lack a name, by place.</summary>
    public Dictionary<int, long> Unnamed { get; } = [];

    /// <summary>How large an event may be to come with the others: so many of that size fit into a page.</summary>
    public static int ShareOf(PageLimit limit) => (int)Math.Clamp(limit.MaxBytes / limit.MaxEvents, MinShareBytes, int.MaxValue);

    /// <summary>Takes the row at which the reader is.</summary>
    /// <exception cref="CorruptStorageException">The row is none that a store writes.</exception>
    public void Add(NpgsqlDataReader reader)
    {
        var (checkpoint, index) = (reader.GetInt64(0), reader.GetInt32(7));
        if (commit is null || commit.FirstCheckpoint.Value != checkpoint - index)
        {
            if (reader.IsDBNull(12)) throw Damaged(checkpoint, "the first event of its commit is missing.");
            commit = PostgresRows.Commit(
                (nameOf(reader.GetInt64(1)), reader.GetGuid(5)),
                (checkpoint - index, reader.GetInt64(2) - index, reader.GetInt64(3), reader.GetInt32(8)),
                PostgresRows.Stamp(reader, 4), reader.GetFieldValue<byte[]>(12), PostgresRows.UnitOf(reader, 14));
        }

        if (index < 0 || index >= commit.EventCount || reader.GetInt64(2) - index != commit.FirstRevision.Value)
            throw Damaged(checkpoint, "its place in its commit or stream is out of range.");
        var eventId = reader.GetGuid(6);
        if (eventId == Guid.Empty) throw Damaged(checkpoint, "it has no event id.");

        if (commit.Stream == default) Unnamed.Add(events.Count, reader.GetInt64(1));
        var isLarge = reader.IsDBNull(10);
        if (isLarge) Large.Add(checkpoint, events.Count);
        var (body, headers) = isLarge ? (default(byte[]), default(byte[]))
            : (reader.GetFieldValue<byte[]>(10), reader.GetFieldValue<byte[]>(11));
        events.Add(new RecordedEvent(
            commit, index, new EventRecord(eventId, reader.GetString(9), body, headers, PostgresRows.TagsOf(reader, 13, checkpoint))));
    }

    /// <summary>
    /// Takes the row at which the reader is, which has the state of its stream and perhaps an event. Returns the newest checkpoint of the
    /// store.
    /// </summary>
    public long AddOfStream(NpgsqlDataReader reader)
    {
        if (!State.Exists && !reader.IsDBNull(17)) State = PostgresRows.StateOf(reader, 17);
        if (!reader.IsDBNull(0)) Add(reader);
        return PostgresRows.LastCheckpointOf(reader, 16);
    }

    /// <summary>
    /// Takes the row at which the reader is, of an event that an index lists. Only one that matches has more than its checkpoint.
    /// </summary>
    public void AddListed(NpgsqlDataReader reader)
    {
        if (isCut || events.Count == limit.MaxEvents) return;
        listed++;
        listedUpTo = reader.GetInt64(0);
        isCut = reader.GetBoolean(16);
        if (!reader.IsDBNull(1)) Add(reader);
    }

    /// <summary>The last checkpoint that the indexes listed; null where nothing else is listed after it.</summary>
    /// <param name="most">How many they list at most.</param>
    public long? ListedUpTo(int most) => isCut || listed >= most || events.Count == limit.MaxEvents ? listedUpTo : null;

    /// <summary>Gives a large event its bytes.</summary>
    public void Complete(NpgsqlDataReader reader)
    {
        if (!Large.Remove(reader.GetInt64(0), out var place)) return;
        var (commit, index, record) = (events[place].Commit, events[place].IndexInCommit, events[place].Record);
        events[place] = new RecordedEvent(commit, index,
            new EventRecord(
                record.EventId, record.EventType, reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2), record.Tags));
    }

    /// <summary>Gives names to the events that lack them. An event that still has none is left out, and needs no bytes.</summary>
    public void Name(Dictionary<long, StreamId> learnt)
    {
        CommitRecord? unnamed = null, named = null;
        foreach (var place in Unnamed.Keys.Order().ToArray())
        {
            if (!learnt.TryGetValue(Unnamed[place], out var name)) continue;
            var recorded = events[place];
            if (recorded.Commit != unnamed) (unnamed, named) = (recorded.Commit, recorded.Commit with { Stream = name });
            events[place] = new RecordedEvent(named!, recorded.IndexInCommit, recorded.Record);
            Unnamed.Remove(place);
        }

        foreach (var place in Unnamed.Keys) Large.Remove(events[place].Checkpoint.Value);
    }

    /// <summary>
    /// Whether a large event within the page has no bytes. Its stream was deleted after the rows were read, and others of that stream may
    /// be among them. Those that were cut off lie beyond the end, as all before them that were fetched are part of the page.
    /// </summary>
    public bool IsTorn()
    {
        if (Large.Count == 0) return false;
        var page = new PageBuilder(limit, events.Count);
        for (var place = 0; place < events.Count && !page.IsFull; place++)
        {
            if (Unnamed.ContainsKey(place)) continue;
            if (Large.ContainsKey(events[place].Checkpoint.Value)) return true;
            page.TryAdd(events[place]);
        }

        return false;
    }

    /// <summary>
    /// The page, and the checkpoint at which its limit cut it off; null where it holds all that was asked for. An event without a name was
    /// deleted meanwhile. The page is not torn.
    /// </summary>
    public (PageBuilder Page, long? CutAt) ToPage()
    {
        var page = new PageBuilder(limit, events.Count);
        for (var place = 0; place < events.Count; place++)
        {
            if (Unnamed.Count > 0 && Unnamed.ContainsKey(place)) continue;
            page.TryAdd(events[place]);
            if (page.IsFull) return (page, events[place].Checkpoint.Value);
        }

        return (page, events.Count < limit.MaxEvents ? null : events[^1].Checkpoint.Value);
    }

    private static CorruptStorageException Damaged(long checkpoint, string problem) =>
        PostgresErrors.Damage($"events, checkpoint {checkpoint}", problem);
}

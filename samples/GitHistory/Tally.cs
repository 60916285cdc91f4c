using EventStore;

namespace GitHistory;

/// <summary>Counts events by file, author and day. Fed by a replay or by dispatch, in whatever order the streams are interleaved.</summary>
internal sealed class Tally
{
    private readonly Dictionary<string, FileState> files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> authors = new(StringComparer.Ordinal);
    private readonly SortedDictionary<DateOnly, long> days = [];

    public IReadOnlyDictionary<string, FileState> Files => files;

    public IReadOnlyDictionary<string, long> Authors => authors;

    public IReadOnlyDictionary<DateOnly, long> Days => days;

    public long Events { get; private set; }

    public long Added { get; private set; }

    public long Removed { get; private set; }

    /// <summary>Counts one event; what this sample does not know is passed over.</summary>
    public void Count(CommittedEvent committed)
    {
        if (committed.Body is not IFileEvent happened) return;
        var change = happened.Change;
        files[committed.Stream.Id] = files.GetValueOrDefault(committed.Stream.Id, FileState.Unborn).Apply(happened);
        authors[change.Author] = authors.GetValueOrDefault(change.Author) + 1;
        var day = DateOnly.FromDateTime(change.When.UtcDateTime);
        days[day] = days.GetValueOrDefault(day) + 1;
        Events++;
        Added += change.Added ?? 0;
        Removed += change.Removed ?? 0;
    }

    /// <summary>Whether another tally says the same of every file, author and day.</summary>
    public bool SaysTheSameAs(Tally other) =>
        Same(files, other.files) && Same(authors, other.authors) && Same(days, other.days);

    /// <summary>Counts what the store holds of a repository by reading all of it.</summary>
    public static async Task<Tally> ReplayAsync(IEventStore store, string bucket, CancellationToken cancellationToken)
    {
        var tally = new Tally();
        await foreach (var committed in store.ReadAllAsync(Streams.AllOf(bucket), cancellationToken: cancellationToken))
            tally.Count(committed);
        return tally;
    }

    private static bool Same<TKey, TValue>(IDictionary<TKey, TValue> left, IDictionary<TKey, TValue> right) =>
        left.Count == right.Count && left.All(entry => right.TryGetValue(entry.Key, out var value) && Equals(entry.Value, value));
}

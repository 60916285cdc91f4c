using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using GitHistory;

namespace LiveProjections;

/// <summary>
/// A state: lines and changes, and the changes of each author or each month. A step makes a new one and leaves the old as it is.
/// </summary>
internal sealed record Totals(long Changes, long Added, long Removed, ImmutableSortedDictionary<string, long> ChangesBy)
{
    private static readonly Totals Nothing = new(0, 0, 0, ImmutableSortedDictionary.Create<string, long>(StringComparer.Ordinal));

    /// <summary>The projections that are followed, by name.</summary>
    public static IReadOnlyDictionary<string, Projection<Totals>> Projections { get; } = new Dictionary<string, Projection<Totals>>
    {
        ["authors"] = new(Nothing, (totals, committed) => totals.Add(committed, change => change.Author)),
        ["months"] = new(Nothing, (totals, committed) =>
            totals.Add(committed, change => change.When.UtcDateTime.ToString("yyyy-MM", CultureInfo.InvariantCulture))),
    };

    /// <summary>What the whole log says that a state is.</summary>
    public static async Task<Totals> FoldAsync(IEventStore store, string name, CancellationToken cancellationToken)
    {
        var totals = Projections[name].Initial;
        await foreach (var committed in store.ReadAllAsync(cancellationToken: cancellationToken))
            totals = await Projections[name].ApplyAsync(totals, committed, cancellationToken);
        return totals;
    }

    /// <summary>All of it as one line, the same for the same totals.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, LiveJson.Default.Totals);

    private Totals Add(CommittedEvent committed, Func<Change, string> keyOf)
    {
        if (committed.Body is not IFileEvent { Change: var change }) return this;
        var key = keyOf(change);
        return new(Changes + 1, Added + (change.Added ?? 0), Removed + (change.Removed ?? 0),
            ChangesBy.SetItem(key, ChangesBy.GetValueOrDefault(key) + 1));
    }
}

/// <summary>The JSON of all that is stored, generated when the sample is compiled.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(FileAdded))]
[JsonSerializable(typeof(FileChanged))]
[JsonSerializable(typeof(FileRenamed))]
[JsonSerializable(typeof(FileDeleted))]
[JsonSerializable(typeof(Totals))]
internal sealed partial class LiveJson : JsonSerializerContext;

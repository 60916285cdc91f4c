using System.Collections.Frozen;

namespace EventStore.Pipeline;

/// <summary>
/// The names of event types: the one under which an event is stored, and the one that an application sees after conversion. A filter by a
/// name finds both.
/// </summary>
internal sealed class TypeNames
{
    private readonly FrozenDictionary<string, string> seen;
    private readonly FrozenDictionary<string, string[]> stored;

    /// <param name="next">The names that are converted, each with the name that follows; without circles.</param>
    public TypeNames(IEnumerable<KeyValuePair<string, string>> next)
    {
        var steps = next.DistinctBy(step => step.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        seen = steps.Keys.Select(name => KeyValuePair.Create(name, Last(name))).Where(pair => pair.Key != pair.Value)
            .ToFrozenDictionary(StringComparer.Ordinal);
        stored = seen.GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.ToArray(), StringComparer.Ordinal);

        // A name that two kinds of converters lead back to itself is left at the longest way.
        string Last(string name)
        {
            for (var left = steps.Count; left > 0 && steps.TryGetValue(name, out var following); left--) name = following;
            return name;
        }
    }

    /// <summary>The name that an application sees for a stored one.</summary>
    public string SeenAs(string storedName) => seen.Count > 0 && seen.TryGetValue(storedName, out var name) ? name : storedName;

    /// <summary>A filter on stored names that finds the same events as one on the names that applications see.</summary>
    public EventFilter Widen(EventFilter filter)
    {
        if (stored.Count == 0) return filter;
        if (filter.EventTypes is { } types) filter = filter with { EventTypes = Widen(types) };
        return filter.Criteria is { } criteria ? filter with { Criteria = Widen(criteria) } : filter;
    }

    /// <summary>A condition on stored names that holds for the same events as one on the names that applications see.</summary>
    public AppendCondition Widen(AppendCondition condition) =>
        stored.Count == 0 ? condition : new AppendCondition(Widen(condition.Criteria), condition.After);

    private EventCriteria Widen(EventCriteria criteria) => criteria.Any.All(criterion => criterion.Types is null)
        ? criteria
        : new EventCriteria(criteria.Any.Select(
            criterion => criterion.Types is { } types ? criterion with { Types = Widen(types) } : criterion));

    private IReadOnlyCollection<string> Widen(IReadOnlyCollection<string> types) => types.Any(stored.ContainsKey)
        ? [.. types, .. types.SelectMany(type => stored.GetValueOrDefault(type) ?? [])]
        : types;
}

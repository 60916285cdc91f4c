using EventStore.Engines;

namespace EventStore;

/// <summary>
/// Selects events by what engines keep an index of: an event matches if any of the criteria matches it. At most 64 criteria.
/// </summary>
public sealed class EventCriteria
{
    /// <summary>The highest number of criteria.</summary>
    public const int MaxCount = 64;

    /// <summary>Creates a selection.</summary>
    /// <param name="criteria">1 to 64 criteria.</param>
    /// <exception cref="ArgumentException">There are none, or more than 64.</exception>
    public EventCriteria(params IEnumerable<EventCriterion> criteria)
    {
        ArgumentNullException.ThrowIfNull(criteria);
        Any = [.. criteria];
        if (Any.Count is 0 or > MaxCount)
            throw new ArgumentException($"Criteria are 1 to {MaxCount}, but {Any.Count} were given.", nameof(criteria));
        foreach (var criterion in Any) ArgumentNullException.ThrowIfNull(criterion, nameof(criteria));
    }

    /// <summary>The criteria, of which one must match.</summary>
    public IReadOnlyList<EventCriterion> Any { get; }

    /// <summary>Events that have all of these tags, in the default bucket.</summary>
    public static EventCriteria Tagged(params IEnumerable<string> tags) => new(new EventCriterion { Tags = [.. tags] });

    /// <summary>Whether an event matches. This defines the meaning of the criteria.</summary>
    public bool Matches(RecordedEvent recorded)
    {
        for (var i = 0; i < Any.Count; i++)
        {
            if (Any[i].Matches(recorded)) return true;
        }

        return false;
    }

    /// <summary>The criteria in words, for messages.</summary>
    public override string ToString() => string.Join(" or ", Any);
}

/// <summary>One criterion: an event matches if every property that is set matches it.</summary>
public sealed record EventCriterion
{
    private readonly string bucket = StreamId.DefaultBucket;
    private readonly string? category;
    private readonly string? id;
    private readonly HashSet<string>? types;
    private readonly string[] tags = [];

    /// <summary>The bucket; the default bucket where it is not set.</summary>
    public string Bucket
    {
        get => bucket;
        init => bucket = StreamId.RequireBucket(value);
    }

    /// <summary>Only this category; null for all. The empty string means streams without a category.</summary>
    public string? Category
    {
        get => category;
        init => category = value is null ? null : Names.Require(value, nameof(Category), StreamId.MaxBucketBytes, mayBeEmpty: true);
    }

    /// <summary>Only streams of this id; null for all.</summary>
    public string? Id
    {
        get => id;
        init => id = value is null ? null : Names.Require(value, nameof(Id), StreamId.MaxIdBytes);
    }

    /// <summary>Only events of one of these types; null for all. An empty collection matches nothing.</summary>
    public IReadOnlyCollection<string>? Types
    {
        get => types;
        init => types = value?.Select(type => Names.Require(type, nameof(Types), EventRecord.MaxTypeBytes))
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Only events that have all of these tags; empty for all.</summary>
    public IReadOnlyCollection<string> Tags
    {
        get => tags;
        init => tags = [.. EventTags.Require(value, nameof(Tags))];
    }

    /// <summary>The stream, where category and id are set; null otherwise.</summary>
    public StreamId? Stream => Category is not null && Id is not null ? (StreamId?)new StreamId(Bucket, Category, Id) : null;

    /// <summary>Whether the criterion names a term that engines keep an index of: a stream, a category or a tag.</summary>
    public bool IsIndexed => Category is not null || tags.Length > 0;

    /// <summary>Whether an event matches.</summary>
    public bool Matches(RecordedEvent recorded)
    {
        var stream = recorded.Commit.Stream;
        if (stream.Bucket != Bucket || (Category is not null && stream.Category != Category) || (Id is not null && stream.Id != Id))
            return false;
        if (types is not null && !types.Contains(recorded.Record.EventType)) return false;
        foreach (var tag in tags)
        {
            if (!recorded.Record.Tags.Contains(tag)) return false;
        }

        return true;
    }

    /// <summary>Compares what the criteria select.</summary>
    public bool Equals(EventCriterion? other) => other is not null
        && (Bucket, Category, Id) == (other.Bucket, other.Category, other.Id)
        && (types is null ? other.types is null : other.types is not null && types.SetEquals(other.types))
        && tags.Order(StringComparer.Ordinal).SequenceEqual(other.tags.Order(StringComparer.Ordinal));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Bucket, Category, Id, types?.Count, tags.Length);

    /// <summary>The criterion in words, for messages.</summary>
    public override string ToString()
    {
        List<string> parts = [$"bucket '{Bucket}'"];
        if (Category is not null) parts.Add($"category '{Category}'");
        if (Id is not null) parts.Add($"id '{Id}'");
        if (types is not null) parts.Add($"types {string.Join('|', types)}");
        if (tags.Length > 0) parts.Add($"tags {string.Join('&', tags)}");
        return string.Join(", ", parts);
    }
}

/// <summary>
/// The condition of a commit: no event that matches the criteria is stored after a checkpoint. It makes what a decision read the boundary
/// of its consistency, instead of one stream.
/// </summary>
public sealed class AppendCondition
{
    /// <summary>Creates a condition.</summary>
    /// <param name="criteria">What must not be stored. All criteria name one bucket, and each a category or a tag.</param>
    /// <param name="after">The checkpoint up to which the decision read; the origin if no such event may exist at all.</param>
    /// <exception cref="ArgumentException">The criteria name several buckets, or one names neither category nor tag.</exception>
    public AppendCondition(EventCriteria criteria, Checkpoint after = default)
    {
        ArgumentNullException.ThrowIfNull(criteria);
        if (criteria.Any.Any(criterion => criterion.Bucket != criteria.Any[0].Bucket))
            throw new ArgumentException("The criteria of a condition name one bucket.", nameof(criteria));
        if (criteria.Any.FirstOrDefault(criterion => !criterion.IsIndexed) is { } unindexed)
            throw new ArgumentException(
                $"A criterion of a condition names a category or a tag, but one names only {unindexed}. "
                + "Without one, deciding it would read the whole store.",
                nameof(criteria));
        (Criteria, After) = (criteria, after);
    }

    /// <summary>What must not be stored after the checkpoint.</summary>
    public EventCriteria Criteria { get; }

    /// <summary>The checkpoint up to which matching events are known.</summary>
    public Checkpoint After { get; }

    /// <summary>The bucket of all criteria.</summary>
    public string Bucket => Criteria.Any[0].Bucket;

    /// <summary>The condition in words, for messages.</summary>
    public override string ToString() => $"no event after checkpoint {After} with {Criteria}";
}

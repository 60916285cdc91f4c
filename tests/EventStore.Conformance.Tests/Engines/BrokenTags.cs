using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Returns no tags when one stream is read, as a statement does that lacks the column (G51).</summary>
[CaughtBy(typeof(TagSpecification<>), nameof(TagSpecification<>.Tags_come_back_in_order_on_every_read_path_and_after_reopening))]
[CaughtBy(
    typeof(DecisionSpecification<>),
    nameof(DecisionSpecification<>.Tags_come_back_on_every_read_path_and_a_selection_ends_where_it_read))]
internal sealed class LosesTagsOfStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StreamPage> ReadStreamAsync(StreamRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadStreamAsync(read, cancellationToken);
        return page with { Events = page.Events.ToArray().Select(WithoutTags).ToArray() };
    }

    private static RecordedEvent WithoutTags(RecordedEvent recorded)
    {
        var record = recorded.Record;
        return new(
            recorded.Commit, recorded.IndexInCommit, new EventRecord(record.EventId, record.EventType, record.Body, record.Headers));
    }
}

/// <summary>Returns tags in the order of their index instead of the given one (G51).</summary>
[CaughtBy(typeof(TagSpecification<>), nameof(TagSpecification<>.Tags_come_back_in_order_on_every_read_path_and_after_reopening))]
internal sealed class SortsTags(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    protected override EventRecord Change(EventRecord record) =>
        new(record.EventId, record.EventType, record.Body, record.Headers, [.. record.Tags.Order(StringComparer.Ordinal)]);
}

/// <summary>Drops the spaces around tags, as splitting a column of joined tags does (G51).</summary>
[CaughtBy(typeof(TagSpecification<>), nameof(TagSpecification<>.Tags_come_back_in_order_on_every_read_path_and_after_reopening))]
internal sealed class TrimsTags(IPersistenceEngine inner) : ChangesWhatIsRead(inner)
{
    protected override EventRecord Change(EventRecord record) =>
        new(record.EventId, record.EventType, record.Body, record.Headers, [.. record.Tags.Select(tag => tag.Trim())]);
}

/// <summary>Finds tags by a collation that ignores case (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>),
    nameof(TagSpecification<>.Tags_that_differ_only_in_form_are_different_and_belong_to_their_bucket_also_after_reopening))]
internal sealed class IgnoresCaseOfTags(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override bool Matches(EventCriterion criterion, RecordedEvent recorded) =>
        (criterion with { Tags = [] }).Matches(recorded)
        && criterion.Tags.All(tag => recorded.Record.Tags.Contains(tag, StringComparer.OrdinalIgnoreCase));
}

/// <summary>Brings tags into one Unicode normal form in its index (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>),
    nameof(TagSpecification<>.Tags_that_differ_only_in_form_are_different_and_belong_to_their_bucket_also_after_reopening))]
[CaughtBy(typeof(ModelSpecification<>), nameof(ModelSpecification<>.The_engine_agrees_with_the_model_over_thousands_of_random_operations))]
internal sealed class NormalizesTags(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override bool Matches(EventCriterion criterion, RecordedEvent recorded) =>
        (criterion with { Tags = [] }).Matches(recorded)
        && criterion.Tags.All(tag => recorded.Record.Tags.Any(its => Composed(its) == Composed(tag)));

    private static string Composed(string tag) => tag.Replace("e\u0301", "é", StringComparison.Ordinal);
}

/// <summary>Finds a tag in every bucket, as an index by the tag alone does (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>),
    nameof(TagSpecification<>.Tags_that_differ_only_in_form_are_different_and_belong_to_their_bucket_also_after_reopening))]
internal sealed class FindsTagsOfEveryBucket(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override bool Matches(EventCriterion criterion, RecordedEvent recorded) =>
        (criterion.Tags.Count > 0 ? criterion with { Bucket = recorded.Commit.Stream.Bucket } : criterion).Matches(recorded);
}

/// <summary>Keeps the index of tags in memory, and does not build it again when the storage is opened (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>),
    nameof(TagSpecification<>.Tags_that_differ_only_in_form_are_different_and_belong_to_their_bucket_also_after_reopening))]
internal sealed class ForgetsTheTagIndex(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    private readonly ConcurrentDictionary<Guid, bool> indexed = [];

    public override ValueTask<IReadOnlyList<CommitOutcome>> CommitAsync(
        IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken = default)
    {
        foreach (var record in attempts.SelectMany(attempt => attempt.Events)) indexed[record.EventId] = true;
        return Inner.CommitAsync(attempts, cancellationToken);
    }

    protected override bool Matches(EventCriterion criterion, RecordedEvent recorded) =>
        criterion.Matches(recorded) && (criterion.Tags.Count == 0 || indexed.ContainsKey(recorded.Record.EventId));
}

/// <summary>Finds events that have any of the tags of a criterion instead of all (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>), nameof(TagSpecification<>.Criteria_select_what_their_meaning_says_in_both_directions_and_any_range))]
internal sealed class TakesAnyTagForAll(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override bool Matches(EventCriterion criterion, RecordedEvent recorded) =>
        (criterion with { Tags = [] }).Matches(recorded)
        && (criterion.Tags.Count == 0 || criterion.Tags.Any(recorded.Record.Tags.Contains));
}

/// <summary>Requires all criteria where one is enough, as conditions joined by AND do (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>), nameof(TagSpecification<>.Criteria_select_what_their_meaning_says_in_both_directions_and_any_range))]
internal sealed class TakesAllCriteriaForAny(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override int CountMatches(EventCriteria criteria, RecordedEvent recorded) =>
        criteria.Any.All(criterion => criterion.Matches(recorded)) ? 1 : 0;
}

/// <summary>Returns an event for each criterion that it matches, as UNION ALL does (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>), nameof(TagSpecification<>.Criteria_select_what_their_meaning_says_in_both_directions_and_any_range))]
internal sealed class RepeatsForEveryCriterion(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override int CountMatches(EventCriteria criteria, RecordedEvent recorded) =>
        criteria.Any.Count(criterion => criterion.Matches(recorded));
}

/// <summary>Applies the tags of a criterion, but not its types (G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>), nameof(TagSpecification<>.Criteria_select_what_their_meaning_says_in_both_directions_and_any_range))]
internal sealed class IgnoresTypesOfCriteria(IPersistenceEngine inner) : ReadsByOtherCriteria(inner)
{
    protected override bool Matches(EventCriterion criterion, RecordedEvent recorded) =>
        (criterion with { Types = null }).Matches(recorded);
}

/// <summary>Skips the last event of a full page of criteria, as a position one too far does (G18, G51).</summary>
[CaughtBy(
    typeof(TagSpecification<>), nameof(TagSpecification<>.Criteria_select_what_their_meaning_says_in_both_directions_and_any_range))]
internal sealed class SkipsTheLastOfACriteriaPage(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default)
    {
        var page = await Inner.ReadAllAsync(read, cancellationToken);
        return read.Filter.Criteria is null || page.IsEnd || page.Events.Length < read.Limit.MaxEvents
            ? page
            : page with { Events = page.Events[..^1] };
    }
}

/// <summary>Deletes a stream, but leaves its entries in the index of tags (G46, G51).</summary>
[CaughtBy(typeof(TagSpecification<>), nameof(TagSpecification<>.Deleted_streams_and_buckets_are_found_by_no_criteria))]
internal sealed class LeavesDeletedEventsInTheTagIndex(IPersistenceEngine inner) : ShowsAnotherLog(inner)
{
    private readonly List<RecordedEvent> left = [];

    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        left.AddRange((await EverythingAsync()).Where(recorded => recorded.Commit.Stream == stream));
        return await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
    }

    public override ValueTask<StorePage> ReadAllAsync(StoreRead read, CancellationToken cancellationToken = default) =>
        read.Filter.Criteria is null ? Inner.ReadAllAsync(read, cancellationToken) : base.ReadAllAsync(read, cancellationToken);

    protected override IEnumerable<RecordedEvent> Show(IReadOnlyList<RecordedEvent> stored) => stored.Concat(left);
}

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>Reads all that a store holds through every kind of read, and checks that they agree.</summary>
internal static class StoreReader
{
    private static readonly PageLimit PageLimit = new(50, 1 << 20);

    private static readonly EventCriteria[] Selections =
    [
        EventCriteria.Tagged("tag-0", "tag-1"), new(new EventCriterion { Category = "" }),
        new(
            new EventCriterion { Bucket = "other", Category = "category", Types = ["type"] },
            new EventCriterion { Bucket = "other", Tags = ["tag-2"] }),
    ];

    public static async ValueTask<StoreContent> ReadAsync(IPersistenceEngine engine)
    {
        var content = new StoreContent();
        var stamp = DateTimeOffset.MinValue;
        var all = new List<RecordedEvent>();
        for (Checkpoint after = new Checkpoint(0); ;)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward, PageLimit));
            content.Reach(page.Head);
            all.AddRange(page.Events.Span);
            stamp = Add(content, page, after.Value, stamp);
            if (page.IsEnd) break;
            after = page.Position;
        }

        foreach (var criteria in Selections) await SelectAsync(engine, criteria, all);
        var heads = await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 1000));
        foreach (var head in heads) content.Note(head);
        Violation.Unless(
            heads.Count == content.Streams.Count, ViolationKind.FalseResult,
            $"{heads.Count} heads are listed, but {content.Streams.Count} streams have events");
        foreach (var head in heads) await ReadStreamAsync(engine, content, head);
        foreach (var document in await engine.ListDocumentsAsync("", "", 1000)) content.Put(document.Name, document.Content.Span);
        return content;
    }

    // What the index lists, read forward or backward, is what the whole store holds of it.
    private static async ValueTask SelectAsync(IPersistenceEngine engine, EventCriteria criteria, List<RecordedEvent> all)
    {
        var expected = all.Where(recorded => criteria.Matches(recorded)).Select(recorded => recorded.Checkpoint).ToList();
        var direction = all.Count % 2 == 0 ? ReadDirection.Forward : ReadDirection.Backward;
        if (direction == ReadDirection.Backward) expected.Reverse();
        var read = new StoreRead(
            new EventFilter { Criteria = criteria }, new Checkpoint(0), Checkpoint.Max, direction, new PageLimit(100_000, long.MaxValue));
        var page = await engine.ReadAllAsync(read);
        Violation.Unless(
            page.IsEnd && expected.SequenceEqual(page.Events.ToArray().Select(recorded => recorded.Checkpoint)),
            ViolationKind.FalseResult, $"{criteria}, read {direction}, has other events than the whole store");
    }

    private static DateTimeOffset Add(StoreContent content, StorePage page, long after, DateTimeOffset stamp)
    {
        foreach (var recorded in page.Events.Span)
        {
            Violation.Unless(
                recorded.Checkpoint.Value > after && recorded.Commit.Stamp >= stamp, ViolationKind.FalseResult,
                $"checkpoint {recorded.Checkpoint} comes after {after}, its stamp {recorded.Commit.Stamp:O} after {stamp:O}");
            (after, stamp) = (recorded.Checkpoint.Value, recorded.Commit.Stamp);
            content.Add(recorded);
        }

        return stamp;
    }

    // The stream by itself, forward or backward, holds what the whole store holds of it.
    private static async ValueTask ReadStreamAsync(IPersistenceEngine engine, StoreContent content, StreamHead head)
    {
        var stream = content.Streams.GetValueOrDefault(head.Stream) ?? throw new Violation(
            ViolationKind.FalseResult, $"the head {head} is that of no stream with events");
        Violation.Unless(
            head.FirstRevision.Value == stream.FirstRevision, ViolationKind.FalseResult,
            $"the head {head} is not that of the stream's events");
        var isForward = head.Revision.Value % 2 == 0;
        var page = await engine.ReadStreamAsync(
            new StreamRead(
                head.Stream, new Revision(1), Revision.Max, isForward ? ReadDirection.Forward : ReadDirection.Backward,
                new PageLimit(10_000, long.MaxValue)));
        Violation.Unless(
            page.IsEnd && page.Events.Length == stream.Events.Count, ViolationKind.FalseResult,
            $"stream {head.Stream} read by itself has {page.Events.Length} events, in the whole store {stream.Events.Count}");
        Compare(page, stream, isForward);
        if (await engine.FindSnapshotAsync(head.Stream, Revision.Max) is { } snapshot) content.Save(snapshot);
        Violation.Unless(
            head.SnapshotRevision.Value == stream.Snapshots.Keys.LastOrDefault().Revision, ViolationKind.FalseResult,
            $"the head {head} names another snapshot than is found");
    }

    private static void Compare(StreamPage page, StreamContent stream, bool isForward)
    {
        for (var i = 0; i < page.Events.Length; i++)
        {
            var recorded = page.Events.Span[i];
            var commit = recorded.Commit;
            var one = StoredEvent.Of(
                recorded.Checkpoint.Value, recorded.Revision.Value, commit.Sequence.Value, commit.CommitId, commit.Headers.Span,
                recorded.Record);
            var other = stream.Events[isForward ? i : page.Events.Length - 1 - i];
            Violation.Unless(
                one == other, ViolationKind.FalseResult,
                $"stream {commit.Stream} read by itself has another event at revision {recorded.Revision} than the whole store");
        }
    }
}

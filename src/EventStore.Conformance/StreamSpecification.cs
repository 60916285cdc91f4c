using Xunit;

namespace EventStore.Conformance;

/// <summary>Streams as an application works with them, through the whole pipeline over the engine.</summary>
public abstract class StreamSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = new("bucket", "category", "stream");

    [Fact, Guarantee("G5", "G9")]
    public async Task After_a_conflict_the_added_events_are_still_there_and_the_stream_can_be_refreshed_and_committed()
    {
        await using var store = await Wire().BuildAsync();
        var mine = store.CreateStream(stream);
        mine.Add("mine 1");
        mine.Add("mine 2");
        await store.AppendAsync(stream, ExpectedRevision.NoStream, ["theirs"]);

        var conflict = await Assert.ThrowsAsync<ConcurrencyException>(async () => await mine.CommitChangesAsync());
        Assert.Equal((stream, 1), (conflict.Stream, conflict.Actual.Value));
        Assert.Equal(["mine 1", "mine 2"], mine.UncommittedEvents.Select(message => (string)message.Body));
        await mine.RefreshAsync();
        Assert.Equal(["theirs"], mine.CommittedEvents.Select(committed => (string)committed.Body));

        var result = await mine.CommitChangesAsync();
        Assert.Equal((3, 2, false), (result.LastRevision.Value, result.FirstRevision.Value, result.IsDuplicate));
        Assert.Empty(mine.UncommittedEvents);
        var read = await ToListAsync(store.ReadStreamAsync(stream));
        Assert.Equal(mine.CommittedEvents.Select(Describe), read.Select(Describe));
        Assert.Equal((3, 2), (mine.Revision.Value, mine.CommitSequence.Value));
    }

    [Fact, Guarantee("G7")]
    public async Task A_repeated_commit_returns_the_original_and_other_content_under_its_id_is_refused()
    {
        await using var store = await Wire().Compress(minBytes: 0).EncryptWith(new EncryptionKey("k", new byte[32])).BuildAsync();
        var commitId = Guid.NewGuid();
        var original = await store.AppendAsync(stream, ExpectedRevision.NoStream, ["one", "two"], commitId);
        await store.AppendAsync(stream, "three");

        var again = await store.AppendAsync(stream, ExpectedRevision.NoStream, ["one", "two"], commitId);
        Assert.Equal(original with { IsDuplicate = true }, again);
        var opened = await store.OpenStreamAsync(stream);
        opened.Add("one");
        opened.Add("two");
        Assert.True((await opened.CommitChangesAsync(commitId)).IsDuplicate);
        Assert.Empty(opened.UncommittedEvents);
        Assert.Equal(3, opened.CommittedEvents.Count);

        foreach (var other in (object[][])[["one"], ["one", "2"], ["one", "two", "three"]])
        {
            var reused = await Assert.ThrowsAsync<CommitIdReusedException>(
                async () => await store.AppendAsync(stream, ExpectedRevision.Any, other, commitId));
            Assert.Equal(1, reused.FirstRevision.Value);
        }

        Assert.Equal(3, (await store.FindHeadAsync(stream))?.Revision.Value);
    }

    [Fact, Guarantee("G7", "G12")]
    public async Task A_duplicate_shows_what_is_stored_and_a_stored_commit_never_fails_because_it_cannot_be_shown()
    {
        await using (var store = await Wire().BuildAsync())
        {
            var (first, second, commitId) = (await store.OpenStreamAsync(stream), await store.OpenStreamAsync(stream), Guid.NewGuid());
            first.Add("same");
            second.Add("same");
            await first.CommitChangesAsync(commitId);
            Assert.True((await second.CommitChangesAsync(commitId)).IsDuplicate);
            Assert.Equal(first.CommittedEvents[0].EventId, second.CommittedEvents[0].EventId);
        }

        await using var picky = await Wire().HookIntoPipelineUsing(new CannotShow("unseen")).BuildAsync();
        var opened = await picky.OpenStreamAsync(stream);
        opened.Add("unseen");
        Assert.Equal(2, (await opened.CommitChangesAsync()).LastRevision.Value);
        opened.Add("seen");
        Assert.Equal(3, (await opened.CommitChangesAsync()).LastRevision.Value);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await picky.OpenStreamAsync(stream));
    }

    [Fact(Timeout = 60_000), Guarantee("G5")]
    public async Task Twenty_concurrent_decisions_each_count_once()
    {
        await using var store = await Wire().BuildAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await store.TransactAsync(stream, (opened, _) =>
        {
            opened.Add($"{opened.CommittedEvents.Count + 1}");
            return default;
        }, maxAttempts: 100))));
        Assert.Equal(
            Enumerable.Range(1, 20).Select(i => $"{i}"),
            (await ToListAsync(store.ReadStreamAsync(stream))).Select(committed => (string)committed.Body));
    }

    [Fact, Guarantee("G16", "G17", "G21")]
    public async Task A_stream_opens_whole_in_part_from_a_snapshot_and_at_its_head()
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 1; i <= 6; i++) await store.AppendAsync(stream, ExpectedRevision.Any, [$"{i}a", $"{i}b"]);

        Assert.Equal(12, (await store.OpenStreamAsync(stream)).CommittedEvents.Count);
        var part = await store.OpenStreamAsync(stream, new StreamRange { To = new Revision(5) });
        Assert.Equal((5, 5, 3), (part.Revision.Value, part.CommittedEvents.Count, part.CommitSequence.Value));
        part.Add("too late");
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await part.CommitChangesAsync());

        var empty = await store.OpenStreamAsync(stream, new StreamRange { To = new Revision(0) });
        Assert.Equal((0, 0), (empty.Revision.Value, empty.CommittedEvents.Count));
        empty.Add("too late");
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await empty.CommitChangesAsync());
        var beyond = await store.OpenStreamAsync(stream, new StreamRange { From = new Revision(100) });
        Assert.Equal((12, 0), (beyond.Revision.Value, beyond.CommittedEvents.Count));

        await store.Snapshots.SaveAsync(new Snapshot(stream, new Revision(9), "state", 3));
        var snapshot = (await store.Snapshots.FindAsync(stream))!;
        Assert.Equal(("state", 3, 9), (snapshot.State, snapshot.SchemaVersion, snapshot.Revision.Value));
        var tail = await store.OpenStreamAsync(snapshot);
        Assert.Equal(["5b", "6a", "6b"], tail.CommittedEvents.Select(committed => (string)committed.Body));
        tail.Add("13");
        Assert.Equal((13, 7), ((await tail.CommitChangesAsync()).LastRevision.Value, tail.CommitSequence.Value));

        var (newest, rest) = await store.OpenFromSnapshotAsync(stream);
        Assert.Equal((9, 4, 13), (newest!.Revision.Value, rest.CommittedEvents.Count, rest.Revision.Value));
        var (none, whole) = await store.OpenFromSnapshotAsync(stream, atMost: new Revision(8));
        Assert.Equal((null, 13), (none, whole.CommittedEvents.Count));

        var head = await store.OpenStreamAtHeadAsync(stream);
        Assert.Equal((13, 7, 0), (head.Revision.Value, head.CommitSequence.Value, head.CommittedEvents.Count));
        head.Add("14");
        Assert.Equal(14, (await head.CommitChangesAsync()).LastRevision.Value);
        Assert.Equal(0, (await store.OpenStreamAtHeadAsync("missing")).Revision.Value);
    }

    [Fact, Guarantee("G15", "G16", "G17")]
    public async Task Ranges_the_last_events_and_a_point_in_time_are_read_in_both_directions()
    {
        await using var store = await Wire().BuildAsync();
        var stamps = new List<DateTimeOffset>();
        for (var i = 1; i <= 9; i++)
        {
            Time.Jump(TimeSpan.FromMinutes(1));
            stamps.Add((await store.AppendAsync(stream, $"{i}")).Stamp);
        }

        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            await RequireAsync("23456", new StreamRange { From = new Revision(2), To = new Revision(6), Direction = direction });
            await RequireAsync("789", new StreamRange { Last = 3, Direction = direction });
            await RequireAsync("56", new StreamRange { Last = 2, To = new Revision(6), Direction = direction });
            await RequireAsync("12345", new StreamRange { AsOf = stamps[4], Direction = direction });
            await RequireAsync("1234", new StreamRange { AsOf = stamps[4].AddMicroseconds(-1), Direction = direction });
            await RequireAsync("45", new StreamRange { AsOf = stamps[4].AddSeconds(1), Last = 2, Direction = direction });
            await RequireAsync("", new StreamRange { AsOf = stamps[0].AddDays(-1), Direction = direction });
            await RequireAsync("", new StreamRange { From = new Revision(10), Direction = direction });
        }

        async Task RequireAsync(string expected, StreamRange range)
        {
            var read = string.Concat((await ToListAsync(store.ReadStreamAsync(stream, range))).Select(committed => (string)committed.Body));
            Assert.Equal(range.Direction == ReadDirection.Forward ? expected : string.Concat(expected.Reverse()), read);
        }
    }

    [Fact, Guarantee("G17")]
    public async Task An_enumeration_is_bounded_by_the_head_at_its_start()
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 0; i < 700; i++) await store.AppendAsync(stream, "old");
        var seen = 0;
        await foreach (var committed in store.ReadStreamAsync(stream))
        {
            if (seen++ % 100 == 0) await store.AppendAsync(stream, "new");
            Assert.Equal("old", committed.Body);
        }

        Assert.Equal(700, seen);
        seen = 0;
        await foreach (var _ in store.ReadAllAsync())
        {
            if (seen++ % 100 == 0) await store.AppendAsync(stream, "newer");
        }

        Assert.Equal(707, seen);
    }

    [Fact, Guarantee("G15")]
    public async Task A_read_of_a_stream_that_is_deleted_meanwhile_throws_and_is_never_short()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(stream, ExpectedRevision.Any, Enumerable.Range(0, 1500).Select(i => (object)$"{i}"));
        await Assert.ThrowsAsync<ReadInterruptedException>(async () =>
        {
            await foreach (var committed in store.ReadStreamAsync(stream))
            {
                if (committed.Revision.Value == 10) await store.DeleteStreamAsync(stream);
            }
        });
    }

    [Fact, Guarantee("G15")]
    public async Task Cancellation_at_any_event_throws_and_never_ends_an_enumeration_early()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync(stream, ExpectedRevision.Any, Enumerable.Range(0, 20).Select(i => (object)$"{i}"));
        for (var at = 1; at <= 20; at++)
        {
            using var cancelling = new CancellationTokenSource();
            foreach (var read in (Func<IAsyncEnumerable<CommittedEvent>>[])[
                () => store.ReadStreamAsync(
                    stream, cancellationToken: cancelling.Token), () => store.ReadAllAsync(cancellationToken: cancelling.Token)])
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
                {
                    var seen = 0;
                    await foreach (var _ in read())
                    {
                        if (++seen == at) await cancelling.CancelAsync();
                    }
                });
            }
        }
    }

    [Theory, Guarantee("G18", "G19")]
    [InlineData(ReadDirection.Forward)]
    [InlineData(ReadDirection.Backward)]
    public async Task Pages_with_a_token_lose_and_repeat_nothing_while_others_append_and_delete(ReadDirection direction)
    {
        await using var store = await Wire().BuildAsync();
        for (var i = 0; i < 25; i++) await store.AppendAsync(new StreamId("b", i % 2 == 0 ? "even" : "odd", $"{i}"), $"{i}");
        var query = new EventQuery { Bucket = "b", Category = "even", Direction = direction };
        var seen = new List<string>();
        string? token = null;
        do
        {
            var page = await store.ReadPageAsync(query, 3, token);
            Assert.InRange(page.Events.Count, 1, 3);
            seen.AddRange(page.Events.Select(committed => (string)committed.Body));
            token = page.Continuation;
            await store.AppendAsync(new StreamId("b", "even", "new"), "new");
            await store.DeleteStreamAsync(new StreamId("b", "even", direction == ReadDirection.Forward ? "0" : "24"));
        }
        while (token is not null);

        var expected = Enumerable.Range(0, 25).Where(i => i % 2 == 0).Select(i => $"{i}");
        Assert.Equal(direction == ReadDirection.Forward ? expected : expected.Reverse(), seen);
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadPageAsync(query, 3, "nonsense"));
        var foreign = (await store.ReadPageAsync(new EventQuery { Bucket = "b" }, 1)).Continuation;
        await Assert.ThrowsAsync<ArgumentException>(async () => await store.ReadPageAsync(query, 3, foreign));
    }

    [Fact, Guarantee("G19")]
    public async Task The_last_event_of_any_query_is_found()
    {
        await using var store = await Wire().BuildAsync();
        ValueTuple<string, string, string>[] cases =
        [
            ("a", "x", "1"), ("a", "y", "1"), ("b", "x", "1"), ("a", "x", "2"),
        ];
        foreach (var (bucket, category, id) in cases)
            await store.AppendAsync(new StreamId(bucket, category, id), $"{bucket}{category}{id}");

        Assert.Equal("ax2", await LastAsync(new EventQuery()));
        Assert.Equal("ay1", await LastAsync(new EventQuery { Bucket = "a", Id = "1" }));
        Assert.Equal("bx1", await LastAsync(new EventQuery { Bucket = "b" }));
        Assert.Equal("ax1", await LastAsync(new EventQuery { Bucket = "a", Category = "x", Id = "1" }));
        Assert.Null(await LastAsync(new EventQuery { Bucket = "c" }));

        async Task<object?> LastAsync(EventQuery query) => (await store.FindLastEventAsync(query))?.Body;
    }

    private static string Describe(CommittedEvent committed) =>
        $"{committed.Stream} {committed.Revision} {committed.Checkpoint} {committed.EventId} {committed.EventType} "
        + $"{committed.CommitId} {committed.CommitSequence} "
        + $"{committed.Stamp:O} {committed.IndexInCommit}/{committed.CommitEventCount} {committed.Body}";
}

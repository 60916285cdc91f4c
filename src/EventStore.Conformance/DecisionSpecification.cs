using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// Tags, conditions, units, truncation and seals as an application meets them: through the whole pipeline over the engine.
/// </summary>
public abstract class DecisionSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private const string Seat = "seat:7";
    private static readonly EventCriteria SeatTaken = EventCriteria.Tagged(Seat);

    [Fact, Guarantee("G51", "G53")]
    public async Task Tags_come_back_on_every_read_path_and_a_selection_ends_where_it_read()
    {
        await using var store = await Wire().BuildAsync();
        var empty = await store.SelectAsync(SeatTaken);
        Assert.Equal((0, Checkpoint.Origin), (empty.Events.Count, empty.UpTo));
        await store.AppendAsync("a", "other");
        await store.AppendAsync("a", Tagged("taken", Seat, "day:1", Seat));
        await store.AppendAsync("b", "other");

        var selection = await store.SelectAsync(SeatTaken);
        var found = Assert.Single(selection.Events);
        Assert.Equal(("taken", new Checkpoint(2), new Checkpoint(3)), (found.Body, found.Checkpoint, selection.UpTo));
        var query = new EventQuery { Criteria = SeatTaken };
        List<CommittedEvent> read =
        [
            found,
            (await ToListAsync(store.ReadStreamAsync("a")))[1],
            (await store.OpenStreamAsync("a")).CommittedEvents[1],
            Assert.Single(await ToListAsync(store.ReadAllAsync(query))),
            Assert.Single((await store.ReadPageAsync(query, 5)).Events),
            (await store.FindLastEventAsync(query))!,
        ];
        Assert.All(read, committed => Assert.Equal([Seat, "day:1"], committed.Tags));

        var rest = await store.SelectAsync(SeatTaken, selection.UpTo);
        Assert.Equal((0, selection.UpTo), (rest.Events.Count, rest.UpTo));
        await Assert.ThrowsAsync<PositionAheadException>(async () => await store.SelectAsync(SeatTaken, new Checkpoint(99)));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await store.SelectAsync(new EventCriteria(new EventCriterion { Types = ["x"] })));
    }

    [Fact, Guarantee("G52", "G53")]
    public async Task A_condition_refuses_what_the_decision_did_not_see_and_nothing_that_it_saw()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("a", Tagged("seen", Seat));
        var selection = await store.SelectAsync(SeatTaken);
        await store.AppendAsync("b", "not of interest");
        await AppendAsync(store, "a", selection.Condition, "fits");

        await store.AppendAsync("b", Tagged("not seen", Seat));
        var refused = await Assert.ThrowsAsync<AppendConditionException>(
            async () => await AppendAsync(store, "a", selection.Condition, "late"));
        Assert.Equal((new Checkpoint(4), false), (refused.Checkpoint, refused.IsOutdated));
        Assert.Same(selection.Condition.Criteria, SeatTaken);
        Assert.Equal(2, (await ReadStreamAsync("a")).Count);
        await AppendAsync(store, "a", (await store.SelectAsync(SeatTaken)).Condition, "again");

        await store.TruncateStreamAsync("b", new Revision(3));
        var outdated = await Assert.ThrowsAsync<AppendConditionException>(
            async () => await AppendAsync(store, "a", selection.Condition, "late"));
        Assert.True(outdated.IsOutdated);
    }

    [Fact, Guarantee("G52")]
    public async Task Of_deciders_that_book_the_same_seats_each_seat_goes_to_one()
    {
        const int Seats = 20, Writers = 16;
        await using var store = await Wire().BuildAsync();
        var booked = await Task.WhenAll(Enumerable.Range(1, Writers).Select(writer => Task.Run(async () =>
        {
            var count = 0;
            for (var seat = 1; seat <= Seats; seat++)
            {
                var tag = $"seat:{(seat + writer) % Seats}";
                var result = await store.TransactAsync(EventCriteria.Tagged(tag), (decision, _) =>
                {
                    if (decision.Events.Count == 0) decision.Append($"writer-{writer}", Tagged($"{tag} by {writer}", tag));
                    return default;
                });
                if (result is not null) count++;
            }

            return count;
        })));
        Assert.Equal(Seats, booked.Sum());
        var events = await ToListAsync(store.ReadAllAsync());
        Assert.Equal(Seats, events.Select(committed => committed.Tags[0]).Distinct().Count());
        Assert.Equal(Seats, events.Count);
    }

    [Fact, Guarantee("G54")]
    public async Task A_unit_is_committed_once_with_hooks_headers_and_consecutive_checkpoints()
    {
        var after = new List<string>();
        await using var store = await Wire().HookIntoPipelineUsing(new RefuseWord("forbidden"), new Observe(after)).BuildAsync();
        var unit = new CommitUnit(headers: new Dictionary<string, string> { ["user"] = "u" })
            .Append("a", ExpectedRevision.NoStream, "a1", "a2").Append("b", ExpectedRevision.Any, Tagged("b1", Seat));
        var result = await store.CommitAsync(unit);
        Assert.Equal((false, new Checkpoint(3)), (result.IsDuplicate, result.LastCheckpoint));
        Assert.Equal([(StreamId)"a", "b"], result.Commits.Select(commit => commit.Stream));
        Assert.Equal([2L, 3L], result.Commits.Select(commit => commit.LastCheckpoint.Value));
        Assert.Equal(2, after.Count);
        var events = await ToListAsync(store.ReadAllAsync());
        Assert.Equal(["a1", "a2", "b1"], Texts(events));
        Assert.All(events, committed =>
        {
            Assert.Equal(unit.CommitId, committed.CommitId);
            Assert.Equal("u", committed.CommitHeaders["user"]);
            Assert.Equal("observed", committed.CommitHeaders["hook"]);
        });

        var again = await store.CommitAsync(unit);
        Assert.Equal((true, 3, 2), (again.IsDuplicate, (await ReadAllAsync()).Count, after.Count));
        Assert.Equal(result.Commits.Select(commit => commit.LastCheckpoint), again.Commits.Select(commit => commit.LastCheckpoint));

        await Assert.ThrowsAsync<CommitIdReusedException>(
            async () => await store.AppendAsync("b", ExpectedRevision.Any, [new EventMessage("b1")], unit.CommitId));
        var conflict = await Assert.ThrowsAsync<ConcurrencyException>(async () => await store.CommitAsync(
            new CommitUnit().Append("c", ExpectedRevision.NoStream, "c1").Append("b", ExpectedRevision.NoStream, "b2")));
        Assert.Equal("b", conflict.Stream);
        await Assert.ThrowsAsync<CommitRefusedException>(async () => await store.CommitAsync(
            new CommitUnit().Append("c", ExpectedRevision.Any, "c1").Append("d", ExpectedRevision.Any, "forbidden")));
        Assert.Equal(3, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G52", "G54")]
    public async Task A_decision_over_several_streams_is_repeated_until_nothing_came_between_and_once_by_its_id()
    {
        await using var store = await Wire().BuildAsync();
        var (id, runs) = (Guid.NewGuid(), 0);
        var result = await store.TransactAsync(SeatTaken, DecideAsync, commitId: id);
        Assert.Equal((2, 2, false), (runs, result!.Commits.Count, result.IsDuplicate));
        var again = await store.TransactAsync(SeatTaken, DecideAsync, commitId: id);
        Assert.Equal((2, true), (runs, again!.IsDuplicate));
        Assert.Null(await store.TransactAsync(SeatTaken, (_, _) => default));

        async ValueTask DecideAsync(Decision decision, CancellationToken cancellationToken)
        {
            if (++runs == 1) await store.AppendAsync("other", [Tagged("between", Seat)], cancellationToken);
            decision.Append("a", Tagged($"saw {decision.Events.Count}", Seat)).Append("b", "and");
        }
    }

    [Fact, Guarantee("G7", "G54", "G55")]
    public async Task A_commit_and_a_unit_are_found_by_their_id_also_where_their_events_were_truncated()
    {
        await using var store = await Wire().BuildAsync();
        var commit = await store.AppendAsync("a", "a1", "a2");
        var unit = await store.CommitAsync(
            new CommitUnit().Append("a", ExpectedRevision.Any, "a3").Append("b", ExpectedRevision.NoStream, "b1"));
        await store.TruncateStreamAsync("a", Revision.Max);
        Assert.Equal(commit with { IsDuplicate = true }, await store.FindCommitAsync("a", commit.CommitId));
        Assert.Null(await store.FindCommitAsync("b", commit.CommitId));
        Assert.Null(await store.FindCommitAsync("missing", commit.CommitId));

        await Assert.ThrowsAsync<CommitIdReusedException>(async () => await store.FindUnitAsync(unit.CommitId, ["a"]));
        var found = await store.FindUnitAsync(unit.CommitId, ["b", "missing", "a"]);
        Assert.True(found!.IsDuplicate);
        Assert.Equal(unit.Commits.Reverse().Select(member => member with { IsDuplicate = true }), found.Commits);
        Assert.Null(await store.FindUnitAsync(commit.CommitId, ["b"]));
        Assert.Single((await store.FindUnitAsync(commit.CommitId, ["a"]))!.Commits);
        await store.DeleteStreamAsync("b");
        await Assert.ThrowsAsync<CommitIdReusedException>(async () => await store.FindUnitAsync(unit.CommitId, ["a", "b"]));
    }

    [Fact, Guarantee("G5", "G54")]
    public async Task A_unit_of_opened_streams_notices_that_one_of_them_was_created_again()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("a", "1");
        await store.AppendAsync("b", "1");
        var (a, b) = (await store.OpenStreamAsync("a"), await store.OpenStreamAsync("b"));
        Assert.Equal((new Checkpoint(1), new Checkpoint(2)), (a.Incarnation, b.Incarnation));
        await store.DeleteStreamAsync("b");
        await store.AppendAsync("b", "again");
        var error = await Assert.ThrowsAsync<StreamReplacedException>(
            async () => await store.CommitAsync(new CommitUnit().Append(a, "2").Append(b, "2")));
        Assert.Equal(((StreamId)"b", b.Incarnation), (error.Stream, error.Expected));
        var again = await store.OpenStreamAsync("b");
        var stored = await store.CommitAsync(new CommitUnit().Append(a, "2").Append(again, "2"));
        Assert.All(stored.Commits, commit => Assert.Equal(new Revision(2), commit.LastRevision));
    }

    [Fact, Guarantee("G55")]
    public async Task A_truncated_stream_goes_on_and_is_not_folded_without_a_snapshot()
    {
        await using var store = await Wire().BuildAsync();
        var id = Guid.NewGuid();
        await store.AppendAsync("s", ExpectedRevision.NoStream, ["1", "2", "3"], id);
        await store.AppendAsync("s", new Revision(3), "4");
        await store.Snapshots.SaveAsync(new Snapshot("s", new Revision(2), "state"));
        Assert.Equal(new Revision(3), await store.TruncateStreamAsync("s", new Revision(3)));
        Assert.Equal(new Revision(3), await store.TruncateStreamAsync("s", new Revision(1)));
        Assert.Null(await store.TruncateStreamAsync("missing", new Revision(1)));

        Assert.Equal(["3", "4"], Texts(await ToListAsync(store.ReadStreamAsync("s"))));
        var backward = new StreamRange { Direction = ReadDirection.Backward };
        Assert.Equal(["4", "3"], Texts(await ToListAsync(store.ReadStreamAsync("s", backward))));
        var opened = await store.OpenStreamAsync("s");
        Assert.Equal((new Revision(3), new Revision(4)), (opened.FirstRevision, opened.Revision));
        await Assert.ThrowsAsync<StreamTruncatedException>(async () => await store.TransactAsync("s", (_, _) => default));
        var (snapshot, rest) = await store.OpenFromSnapshotAsync("s");
        Assert.Equal(("state", 2), (snapshot!.State, rest.CommittedEvents.Count));

        var duplicate = await store.AppendAsync("s", ExpectedRevision.NoStream, ["1", "2", "3"], id);
        Assert.True(duplicate.IsDuplicate);
        await Assert.ThrowsAsync<CommitIdReusedException>(
            async () => await store.AppendAsync("s", ExpectedRevision.NoStream, ["1", "2", "3", "4"], id));

        rest.Add("5");
        Assert.Equal(new Revision(5), (await rest.CommitChangesAsync()).LastRevision);
        Assert.Equal(new Revision(6), await store.TruncateStreamAsync("s", Revision.Max, new Revision(5)));
        Assert.Empty(await ToListAsync(store.ReadStreamAsync("s")));
        var emptied = await store.OpenStreamAsync("s");
        Assert.Equal((new Revision(5), new Revision(6)), (emptied.Revision, emptied.FirstRevision));
        emptied.Add("6");
        Assert.Equal(new Revision(6), (await emptied.CommitChangesAsync()).LastRevision);
        await Assert.ThrowsAsync<ConcurrencyException>(
            async () => await store.TruncateStreamAsync("s", Revision.Max, new Revision(5)));
    }

    [Fact, Guarantee("G56")]
    public async Task A_sealed_stream_refuses_commits_and_stays_readable()
    {
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("s", "1");
        var opened = await store.OpenStreamAsync("s");
        Assert.Equal(new Revision(1), await store.SealStreamAsync("s", new Revision(1)));
        Assert.Equal(new Revision(1), await store.SealStreamAsync("s"));
        opened.Add("2");
        var error = await Assert.ThrowsAsync<StreamSealedException>(async () => await opened.CommitChangesAsync());
        Assert.Equal(("s", new Revision(1)), (error.Stream.Id, error.Revision));
        await Assert.ThrowsAsync<StreamSealedException>(async () => await store.CommitAsync(
            new CommitUnit().Append("t", ExpectedRevision.Any, "1").Append("s", ExpectedRevision.Any, "2")));
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await store.SealStreamAsync("missing"));
        Assert.True((await store.FindHeadAsync("s"))!.IsSealed);
        Assert.Equal(["1"], Texts(await ToListAsync(store.ReadAllAsync())));
        await Assert.ThrowsAsync<ConcurrencyException>(async () => await store.DeleteStreamAsync("s", new Revision(2)));
        Assert.True(await store.DeleteStreamAsync("s", new Revision(1)));
        await store.AppendAsync("s", ExpectedRevision.NoStream, "new");
    }

    private static IEnumerable<string> Texts(IEnumerable<CommittedEvent> events) => events.Select(committed => (string)committed.Body);

    private static EventMessage Tagged(string body, params string[] tags) => new(body, tags: tags);

    private static ValueTask<CommitResult> AppendAsync(IEventStore store, StreamId stream, AppendCondition condition, string body) =>
        store.AppendAsync(stream, ExpectedRevision.Any, condition, [new EventMessage(body)]);
}

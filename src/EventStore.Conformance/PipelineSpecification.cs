using Xunit;

namespace EventStore.Conformance;

/// <summary>Hooks, upconverters, transforms and unknown outcomes, through the whole pipeline over the engine.</summary>
public abstract class PipelineSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = "stream";

    [Fact, Guarantee("G41")]
    public async Task Hooks_upconverters_and_transforms_apply_on_every_read_path()
    {
        Checkpoint plainUntil;
        await using (var plain = await Wire().BuildAsync()) plainUntil = (await plain.AppendAsync(stream, "old:plain")).LastCheckpoint;
        var key = new EncryptionKey("2026", Enumerable.Repeat((byte)7, 32).ToArray());
        await using var store = await Wire().Compress(minBytes: 0).EncryptWith(key).AcceptPlaintextUntil(plainUntil)
            .UpconvertEventsUsing(new UpconvertOld().Converter).HookIntoPipelineUsing(new Exclaim(), new HideSecrets()).BuildAsync();
        await store.AppendAsync(stream, ExpectedRevision.Any, ["old:packed", "secret"]);
        await store.Snapshots.SaveAsync(new Snapshot(stream, new Revision(1), "state"));

        string[] expected = ["new:plain!", "new:packed!"];
        Assert.Equal(expected, Texts(await ToListAsync(store.ReadStreamAsync(stream))));
        Assert.Equal(expected, Texts(await ToListAsync(store.ReadStreamAsync(stream, decoding: EventDecoding.OnDemand))));
        Assert.Equal(expected, Texts(await ToListAsync(store.ReadAllAsync())));
        Assert.Equal(expected, Texts(await ToListAsync(store.ReadAllAsync(new EventQuery { Since = DateTimeOffset.UnixEpoch }))));
        Assert.Equal(expected, Texts((await store.ReadPageAsync(new EventQuery(), 10)).Events));
        Assert.Equal(expected, Texts((await store.OpenStreamAsync(stream)).CommittedEvents));
        Assert.Equal(expected[1..], Texts((await store.OpenStreamAsync((await store.Snapshots.FindAsync(stream))!)).CommittedEvents));
        Assert.Equal(expected[1], (await store.FindLastEventAsync(new EventQuery()))!.Body);
        Assert.Equal(expected, Texts(await ToListAsync(store.Dispatch.GetUndispatchedAsync())));

        var working = await store.OpenStreamAsync(stream);
        working.Add("old:fresh");
        await working.CommitChangesAsync();
        Assert.Equal("new:fresh!", working.CommittedEvents[^1].Body);
    }

    [Fact, Guarantee("G10", "G41")]
    public async Task Headers_of_commits_and_events_are_read_back_with_any_transform()
    {
        var headers = new Dictionary<string, string>
        {
            [""] = "",
            ["a.b"] = "é😀",
            ["$x"] = "\"quoted\"\n",
            ["null"] = "null",
            ["correlation-id"] = "42",
        };
        Func<Wireup>[] cases =
        [
            () => Wire(), () => Wire().Compress(minBytes: 0), () => Wire().EncryptWith(new EncryptionKey("k", new byte[32])),
        ];
        foreach (var wire in cases)
        {
            await using var store = await wire().BuildAsync();
            StreamId target = Guid.NewGuid();
            await store.AppendAsync(
                target, ExpectedRevision.NoStream, [new EventMessage("x", headers), new EventMessage("y")], headers: headers);
            var read = await ToListAsync(store.ReadStreamAsync(target));
            Assert.Equal(headers, read[0].Headers);
            Assert.Empty(read[1].Headers);
            Assert.All(read, committed => Assert.Equal(headers, committed.CommitHeaders));
        }
    }

    [Fact, Guarantee("G42")]
    public async Task A_before_commit_hook_refuses_with_its_reason_and_nothing_is_stored()
    {
        var after = new List<string>();
        await using var store = await Wire().HookIntoPipelineUsing(new RefuseWord("forbidden"), new Observe(after)).BuildAsync();
        var opened = store.CreateStream(stream);
        opened.Add("allowed");
        opened.Add("forbidden");
        var refused = await Assert.ThrowsAsync<CommitRefusedException>(async () => await opened.CommitChangesAsync());
        Assert.Contains("not said here", refused.Reason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<CommitRefusedException>(async () => await store.AppendAsync(stream, "forbidden"));
        Assert.Equal(2, opened.UncommittedEvents.Count);
        Assert.Empty(await ReadAllAsync());
        Assert.Empty(after);

        await store.AppendAsync(stream, "allowed");
        Assert.Equal(["stored 1"], after);
        Assert.Equal("observed", (await ToListAsync(store.ReadAllAsync()))[0].CommitHeaders["hook"]);
    }

    [Fact, Guarantee("G42")]
    public async Task An_after_commit_hook_that_throws_does_not_make_the_commit_fail()
    {
        var after = new List<string>();
        await using var store = await Wire().HookIntoPipelineUsing(new Fail(), new Observe(after)).BuildAsync();
        Assert.Equal(1, (await store.AppendAsync(stream, "x")).LastRevision.Value);
        Assert.Equal(["stored 1"], after);
        await store.DeleteStreamAsync(stream);
        await store.PurgeAllAsync();
    }

    [Theory, Guarantee("G12")]
    [InlineData(true, 1)]
    [InlineData(false, 1)]
    [InlineData(true, 3)]
    public async Task An_unknown_outcome_is_settled_by_commit_id_and_stored_once(bool isStored, int lost)
    {
        await using var store = await Wire(new LosesResults(Engine, isStored, lost)).BuildAsync();
        var result = await store.AppendAsync(stream, ExpectedRevision.NoStream, ["one", "two"]);
        Assert.Equal((2, false), (result.LastRevision.Value, result.IsDuplicate));
        Assert.Equal(2, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G12")]
    public async Task A_commit_of_an_unknown_outcome_that_is_found_is_not_sent_again()
    {
        var losing = new LosesResults(Engine, isStored: true, lost: 1);
        await using var store = await Wire(losing).BuildAsync();
        var result = await store.AppendAsync(stream, ExpectedRevision.NoStream, ["one", "two"]);
        Assert.Equal((2, false), (result.LastRevision.Value, result.IsDuplicate));
        Assert.Equal(1, losing.Sent);
    }

    [Fact, Guarantee("G7", "G12")]
    public async Task A_request_that_arrives_after_it_was_looked_for_is_stored_once()
    {
        await using var store = await Wire(new ArrivesLate(Engine)).BuildAsync();
        var result = await store.AppendAsync(stream, ExpectedRevision.Any, ["one", "two"]);
        Assert.Equal((2, false), (result.LastRevision.Value, result.IsDuplicate));
        Assert.Equal(2, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G12")]
    public async Task A_refusal_of_the_repetition_leaves_the_outcome_unknown()
    {
        await using var store = await Wire(new RefusesRepetitions(Engine)).BuildAsync();
        var unknown = await Assert.ThrowsAsync<CommitOutcomeUnknownException>(async () => await store.AppendAsync(stream, "one"));
        Assert.DoesNotContain("othing was stored", unknown.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000), Guarantee("G12")]
    public async Task An_outcome_that_stays_unknown_is_reported_and_a_repetition_settles_it()
    {
        var losing = new LosesResults(Engine, isStored: true, lost: 7, isAway: true);
        await using var store = await Wire(losing).BuildAsync();
        var commitId = Guid.NewGuid();
        var unknown = await Assert.ThrowsAsync<CommitOutcomeUnknownException>(
            async () => await store.AppendAsync(stream, ExpectedRevision.NoStream, ["one"], commitId));
        Assert.Equal(commitId, unknown.CommitId);
        Assert.DoesNotContain("othing was stored", unknown.Message, StringComparison.Ordinal);
        Assert.True((await store.AppendAsync(stream, ExpectedRevision.NoStream, ["one"], commitId)).IsDuplicate);
        Assert.Single(await ReadAllAsync());
    }

    [Fact(Timeout = 60_000), Guarantee("G12")]
    public async Task Cancelled_while_waiting_stores_nothing_and_cancelled_after_sending_reports_an_unknown_outcome()
    {
        var holding = new HoldsBack(Engine);
        await using var store = await Wire(holding).BuildAsync();
        using var cancelling = new CancellationTokenSource();
        var sent = store.AppendAsync("sent", ExpectedRevision.Any, ["x"], cancellationToken: cancelling.Token).AsTask();
        await holding.Reached;
        var queued = store.AppendAsync("queued", ExpectedRevision.Any, ["x"], cancellationToken: cancelling.Token).AsTask();
        await cancelling.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queued);
        await Assert.ThrowsAsync<CommitOutcomeUnknownException>(() => sent);
        holding.Release();
        await store.AppendAsync("later", "x");
        Assert.Equal(["later", "sent"], (await ReadAllAsync()).Select(recorded => recorded.Commit.Stream.Id).Order());
    }

    [Fact(Timeout = 60_000), Guarantee("G3", "G14")]
    public async Task Commits_that_were_accepted_before_dispose_are_finished_and_later_ones_refused()
    {
        var holding = new HoldsBack(Engine);
        var store = await Wire(holding).BuildAsync();
        var accepted = Enumerable.Range(0, 5).Select(i => store.AppendAsync($"{i}", "x").AsTask()).ToArray();
        await holding.Reached;
        var disposing = store.DisposeAsync().AsTask();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await store.AppendAsync("late", "x"));
        holding.Release();
        await disposing;
        await Task.WhenAll(accepted);
        Assert.Equal(5, (await ReadAllAsync()).Count);
    }

    [Fact, Guarantee("G48")]
    public async Task After_dispose_every_member_of_the_store_throws_and_a_given_engine_stays_open()
    {
        var store = await Wire().BuildAsync();
        await store.AppendAsync(stream, "x");
        var opened = await store.OpenStreamAsync(stream);
        await store.DisposeAsync();
        await store.DisposeAsync();

        opened.Add("y");
        Func<ValueTask>[] members =
        [
            async () => store.CreateStream(stream),
            async () => await store.OpenStreamAsync(stream),
            async () => await store.OpenStreamAtHeadAsync(stream),
            async () => await store.OpenStreamAsync(new Snapshot(stream, new Revision(1), "s")),
            async () => await store.AppendAsync(stream, "y"),
            async () => await opened.CommitChangesAsync(),
            async () => await opened.RefreshAsync(),
            async () => await ToListAsync(store.ReadStreamAsync(stream)),
            async () => await ToListAsync(store.ReadAllAsync()),
            async () => await store.ReadPageAsync(new EventQuery(), 1),
            async () => await store.FindLastEventAsync(new EventQuery()),
            async () => await store.FindHeadAsync(stream),
            async () => await ToListAsync(store.ListStreamsAsync()),
            async () => await store.DeleteStreamAsync(stream),
            async () => await store.PurgeAllAsync(),
            async () => await store.VerifyAsync(),
            async () => store.Describe(),
            async () => await store.Snapshots.SaveAsync(new Snapshot(stream, new Revision(1), "s")),
            async () => await store.Snapshots.FindAsync(stream),
            async () => await ToListAsync(store.Snapshots.ListStreamsDueAsync(null, 1)),
            async () => await ToListAsync(store.Dispatch.GetUndispatchedAsync()),
            async () => await store.Dispatch.MarkAsDispatchedAsync(opened.CommittedEvents),
            async () => await store.Dispatch.GetStatusAsync(),
            async () => await store.Dispatch.StartAsync(),
            async () => await ToListAsync(store.Dispatch.GetParkedAsync()),
        ];
        for (var i = 0; i < members.Length; i++)
        {
            var member = members[i];
            Assert.True(
                await Record.ExceptionAsync(async () => await member()) is ObjectDisposedException,
                $"member {i} of the list did not throw ObjectDisposedException");
        }

        Assert.Single(await ReadAllAsync());
    }

    [Theory, Guarantee("G18", "G41")]
    [InlineData(ReadDirection.Forward, 2)]
    [InlineData(ReadDirection.Forward, 3)]
    [InlineData(ReadDirection.Backward, 2)]
    [InlineData(ReadDirection.Backward, 3)]
    public async Task A_page_has_a_token_only_if_an_event_follows_that_is_shown(ReadDirection direction, int size)
    {
        await using var store = await Wire().HookIntoPipelineUsing(new HideSecrets()).BuildAsync();
        string[] bodies = ["secret", "secret", "1", "secret", "2", "3", "secret", "secret", "4", "5", "6", "secret", "secret"];
        foreach (var body in bodies) await store.AppendAsync("stream", body);
        var query = new EventQuery { Direction = direction };
        var seen = new List<string>();
        string? token = null;
        do
        {
            var page = await store.ReadPageAsync(query, size, token);
            Assert.Equal(size, page.Events.Count);
            seen.AddRange(page.Events.Select(committed => (string)committed.Body));
            token = page.Continuation;
        }
        while (token is not null);

        var expected = Enumerable.Range(1, 6).Select(i => $"{i}");
        Assert.Equal(direction == ReadDirection.Forward ? expected : expected.Reverse(), seen);
    }

    [Fact(Timeout = 60_000), Guarantee("G50")]
    public async Task No_message_and_no_log_shows_a_body_a_header_or_a_key()
    {
        const string Secret = "s3cr3t";
        var log = new CollectsLogs();
        var headers = new Dictionary<string, string> { ["header"] = Secret };
        var key = new EncryptionKey("k", "s3cr3t----------"u8);
        await using var store = await Wire(new LosesResults(Engine, isStored: true, lost: 2))
            .UsingLoggerFactory(log).EncryptWith(key).HookIntoPipelineUsing(new Fail())
            .UsingSynchronousDispatchScheduler(options => options.ParkAfterFailures = 1)
            .DispatchTo((Commit _, CancellationToken _) => throw new InvalidOperationException("bus")).BuildAsync();
        var commitId = Guid.NewGuid();
        await store.AppendAsync(stream, ExpectedRevision.NoStream, [new EventMessage(Secret, headers)], commitId, headers);

        Exception[] errors =
        [
            await Assert.ThrowsAsync<ConcurrencyException>(
                async () => await store.AppendAsync(stream, ExpectedRevision.NoStream, [new EventMessage(Secret, headers)])),
            await Assert.ThrowsAsync<CommitIdReusedException>(
                async () => await store.AppendAsync(stream, ExpectedRevision.Any, [Secret, Secret], commitId)),
            await Assert.ThrowsAsync<TooLargeException>(
                async () =>
                    await store.AppendAsync(
                        stream, ExpectedRevision.Any, [.. Enumerable.Repeat(Secret, Engine.Description.Limits.MaxEventsPerCommit + 1)])),
            await Assert.ThrowsAsync<TypeNotRegisteredException>(async () => await store.AppendAsync(stream, new Converted(Secret))),
        ];
        await using (var keyless = await Wire().BuildAsync())
            errors = [.. errors, await Assert.ThrowsAsync<PayloadTransformException>(async () => await keyless.OpenStreamAsync(stream))];
        Assert.All(errors, error => Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal));
        Assert.NotEmpty(log.Lines);
        Assert.All(log.Lines, line => Assert.DoesNotContain(Secret, line, StringComparison.Ordinal));
    }

    private static string[] Texts(IEnumerable<CommittedEvent> events) => [.. events.Select(committed => (string)committed.Body)];
}

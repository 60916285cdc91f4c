using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>Bodies, headers and ids are read back byte for byte, and callers cannot change them. The store sets the stamps.</summary>
public abstract class PayloadSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = "stream";

    [Fact, Guarantee("G10")]
    public async Task Every_payload_is_read_back_byte_for_byte()
    {
        byte[][] payloads =
        [
            [], [0], [0xFF], [0, 0, 0], "[]"u8.ToArray(), "{}"u8.ToArray(), "null"u8.ToArray(), "\"\""u8.ToArray(),
            "9007199254740993"u8.ToArray(),
            "123456789012345678901234567890"u8.ToArray(), "{\"a\":1.0}"u8.ToArray(), "{\"a\":[],\"b\":{}}"u8.ToArray(), "1e400"u8.ToArray(),
            " { } "u8.ToArray(),
            "\"2024-02-30T00:00:00Z\""u8.ToArray(), [0xC1, 0xE5, 0x53, 0x01], [.. Enumerable.Range(0, 256).Select(i => (byte)i)],
            [0xEF, 0xBB, 0xBF],
        ];
        EventRecord[] events = [.. payloads.Select((body, i) => new EventRecord(Guid.NewGuid(), "type", body, payloads[^(i + 1)]))];
        for (var i = 0; i < payloads.Length; i++)
        {
            var outcome = await CommitAsync(
                new CommitAttempt($"one-{i}", Guid.NewGuid(), [events[i]]) { Expected = ExpectedRevision.NoStream, Headers = payloads[i] });
            Assert.Equal(CommitOutcomeKind.Committed, outcome.Kind);
        }

        await AppendAsync(stream, events);
        var together = await ReadStreamAsync(stream);
        var everything = await ReadAllAsync();
        for (var i = 0; i < payloads.Length; i++)
        {
            var alone = Assert.Single(await ReadStreamAsync($"one-{i}"));
            Assert.Equal(payloads[i], alone.Commit.Headers.ToArray());
            foreach (var recorded in (RecordedEvent[])[alone, together[i], everything[i], everything[payloads.Length + i]])
            {
                Assert.Equal(payloads[i], recorded.Record.Body.ToArray());
                Assert.Equal(payloads[^(i + 1)], recorded.Record.Headers.ToArray());
                Assert.Equal(events[i].EventId, recorded.Record.EventId);
            }
        }
    }

    [Fact, Guarantee("G10")]
    public async Task A_body_of_eight_mebibytes_is_read_back_byte_for_byte()
    {
        Assert.SkipWhen(Engine.Description.Limits.MaxCommitBytes < 9 << 20, "The description promises no commits of this size.");
        var large = new byte[8 << 20];
        new Random(1).NextBytes(large);
        await AppendAsync(stream, Event("before"), new EventRecord(Guid.NewGuid(), "type", large), Event("after"));

        var stored = await ReadStreamAsync(stream);
        Assert.Equal(3, stored.Count);
        Assert.True(stored[1].Record.Body.Span.SequenceEqual(large));
        Assert.Equal(("before", "after"), (Body(stored[0]), Body(stored[2])));
    }

    [Fact, Guarantee("G10")]
    public async Task Later_changes_of_the_caller_have_no_effect()
    {
        byte[] body = [1, 2, 3], headers = [4, 5], commitHeaders = [6], state = [7], content = [8];
        EventRecord[] events = [new(Guid.NewGuid(), "type", body, headers)];
        await CommitAsync(new CommitAttempt(stream, Guid.NewGuid(), events) { Headers = commitHeaders });
        await Engine.SaveSnapshotAsync(new SnapshotRecord(stream, new Revision(1), 0, "state", state));
        await Engine.PutDocumentAsync("document", content, 0);
        foreach (var bytes in (byte[][])[body, headers, commitHeaders, state, content]) Array.Fill(bytes, (byte)99);
        events[0] = Event("changed");

        var stored = Assert.Single(await ReadStreamAsync(stream));
        Assert.Equal([1, 2, 3], stored.Record.Body.ToArray());
        Assert.Equal([4, 5], stored.Record.Headers.ToArray());
        Assert.Equal([6], stored.Commit.Headers.ToArray());
        Assert.Equal([7], (await SnapshotAsync(stream, Revision.Max)).Payload.ToArray());
        Assert.Equal([8], (await DocumentAsync("document")).Content.ToArray());
    }

    [Fact, Guarantee("G11")]
    public async Task The_stamp_is_utc_to_the_microsecond_and_is_read_back_as_it_was_returned()
    {
        // Several commits, so that lost microseconds are visible in at least one.
        for (var i = 0; i < 5; i++)
        {
            Time.Jump(TimeSpan.FromMicroseconds(1_000_137));
            var before = Time.GetUtcNow();
            var commit = await AppendAsync(stream, 1);
            Assert.InRange(commit.Stamp, before.AddTicks(-TimeSpan.TicksPerMicrosecond), Time.GetUtcNow());

            DateTimeOffset[] cases =
            [
                commit.Stamp, (await ReadStreamAsync(stream))[i].Commit.Stamp, (await ReadAllAsync())[i].Commit.Stamp,
            ];
            foreach (var stamp in cases)
            {
                Assert.Equal((commit.Stamp, TimeSpan.Zero), (stamp, stamp.Offset));
                Assert.Equal(0, stamp.Ticks % TimeSpan.TicksPerMicrosecond);
            }
        }
    }

    [Fact, Guarantee("G11")]
    public async Task Stamps_never_decrease_along_checkpoints_when_the_clock_jumps_back_and_order_never_depends_on_them()
    {
        TimeSpan[] jumps =
        [
            TimeSpan.FromHours(1), TimeSpan.FromHours(-3), TimeSpan.FromDays(2), TimeSpan.FromDays(-400), TimeSpan.Zero,
            TimeSpan.FromSeconds(1),
        ];
        for (var i = 0; i < 24; i++)
        {
            Time.Jump(jumps[i % jumps.Length]);
            await AppendAsync($"stream-{i % 3}", Event(i.ToString()));
        }

        var all = await ReadAllAsync();
        Assert.Equal(Enumerable.Range(0, 24).Select(i => i.ToString()), Bodies(all));
        Assert.Equal(all.Select(recorded => recorded.Commit.Stamp).Order(), all.Select(recorded => recorded.Commit.Stamp));
    }

    [Fact, Guarantee("G11")]
    public async Task Stamps_never_decrease_over_deletion_and_reopening_either()
    {
        await AppendAsync(stream, 1);
        Time.Jump(TimeSpan.FromDays(1));
        var newest = await AppendAsync("deleted", 1);
        await Engine.DeleteStreamAsync("deleted");
        Time.Jump(TimeSpan.FromDays(-1000));
        if (Engine.Description.Capabilities.HasFlag(EngineCapabilities.Reopens)) await ReopenAsync();
        var later = await AppendAsync(stream, 1);
        Assert.True(later.Stamp >= newest.Stamp, $"the stamp {later.Stamp:O} came after {newest.Stamp:O}");
    }

    [Fact, Guarantee("G10", "G21")]
    public async Task Snapshots_and_documents_keep_their_bytes_too()
    {
        await AppendAsync(stream, 1);
        byte[][] payloads = [[], [0], "[]"u8.ToArray(), "{}"u8.ToArray(), [0xFF, 0xFE], Encoding.UTF8.GetBytes("é😀")];
        foreach (var payload in payloads)
        {
            await Engine.SaveSnapshotAsync(new SnapshotRecord(stream, new Revision(1), 3, "state é", payload));
            var snapshot = await SnapshotAsync(stream, new Revision(1));
            Assert.Equal(payload, snapshot.Payload.ToArray());
            Assert.Equal((stream, 1, 3, "state é"), (snapshot.Stream, snapshot.Revision.Value, snapshot.SchemaVersion, snapshot.StateType));

            var known = await Engine.FindDocumentAsync("document");
            Assert.NotNull(await Engine.PutDocumentAsync("document", payload, known?.Version ?? 0));
            Assert.Equal(payload, (await DocumentAsync("document")).Content.ToArray());
        }
    }

    [Fact, Guarantee("G10")]
    public async Task Bytes_of_any_form_are_stored_under_a_name_of_their_own_and_come_back_unchanged()
    {
        byte[][] payloads = [[], [0], [0xC1, 0xE5, 0x53, 0x01, 0], [.. Enumerable.Range(0, 256).Select(i => (byte)i)], "{}"u8.ToArray()];
        var key = new EncryptionKey("k", new byte[16]);
        foreach (var wire in (Func<Wireup>[])[() => Wire(), () => Wire().Compress(minBytes: 0).EncryptWith(key)])
        {
            await using var store = await wire().BuildAsync();
            StreamId target = Guid.NewGuid();
            foreach (var payload in payloads)
            {
                var opened = await store.OpenStreamAtHeadAsync(target);
                var given = payload.ToArray();
                opened.Add(EventMessage.OfBytes($"opaque-{payload.Length}", given, new Dictionary<string, string> { ["h"] = "v" }));
                given.AsSpan().Fill(1);
                await opened.CommitChangesAsync();
            }

            var read = await ToListAsync(store.ReadStreamAsync(target));
            Assert.Equal(payloads, read.Select(committed => ((UnknownEvent)committed.Body).Payload.ToArray()));
            Assert.Equal(payloads.Select(payload => $"opaque-{payload.Length}"), read.Select(committed => committed.EventType));
            Assert.All(read, committed => Assert.Equal("v", committed.Headers["h"]));

            // What was read can be appended as it is, to another stream for example.
            await store.AppendAsync($"copy of {target}", ExpectedRevision.NoStream, read.Select(committed => committed.Body));
            Assert.Equal(
                payloads,
                (await ToListAsync(store.ReadStreamAsync($"copy of {target}"))).Select(committed => committed.Payload.ToArray()));
        }
    }
}

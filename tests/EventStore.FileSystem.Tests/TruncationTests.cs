using System.Text;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;

namespace EventStore.FileSystem.Tests;

/// <summary>Compaction frees the space of truncated events, and keeps what has to be known of their commits.</summary>
public sealed class TruncationTests : IDisposable
{
    private static readonly PageLimit Limit = new(10_000, long.MaxValue);
    private readonly TestDirectory directory = new();

    private FileDisk Disk => new(directory.Path);

    public void Dispose() => directory.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public async Task Truncated_events_leave_the_disk_and_their_commit_ids_stay_known(bool compresses)
    {
        var settings = SmallStore.Small(compresses: compresses);
        var engine = await SmallStore.OpenAsync(Disk, settings);
        var attempts = new List<CommitAttempt>();
        for (var i = 0; i < 200; i++)
        {
            attempts.Add(SmallStore.Attempt($"stream-{i % 2}", i < 100 ? "secret" : "kept", events: 3));
            await engine.CommitAsync([attempts[^1]]);
        }

        // The 34th commit of the first stream loses two of its events.
        await engine.TruncateStreamAsync("stream-0", new Revision((33 * 3) + 3), StreamExpectation.Any);
        await engine.TruncateStreamAsync("stream-1", new Revision((50 * 3) + 1), StreamExpectation.Any);
        var before = await ReadAsync(engine);
        var report = await CompactionTests.CompactAsync(engine);
        Assert.Equal(34 + 50, report.RecordsRemoved);
        Assert.True(report.BytesFreed > 0);
        Assert.Equal(before, await ReadAsync(engine));

        // What is left is shortened further.
        await engine.TruncateStreamAsync("stream-0", new Revision((50 * 3) + 1), StreamExpectation.Any);
        Assert.Equal(17, (await CompactionTests.CompactAsync(engine)).RecordsRemoved);
        Assert.Equal(0, (await CompactionTests.CompactAsync(engine)).RecordsRemoved);
        before = await ReadAsync(engine);
        await engine.DisposeAsync();
        if (!compresses) Assert.All(Segments(), path => Assert.False(Holds(path, "secret")));

        Directory.Delete(Path.Combine(directory.Path, "idx"), recursive: true);
        await using var again = await SmallStore.OpenAsync(Disk, settings);
        Assert.Equal(before, await ReadAsync(again));
        Assert.True((await again.VerifyAsync()).IsSound);
        for (var i = 0; i < attempts.Count; i++)
        {
            var outcome = (await again.CommitAsync([attempts[i]]))[0];
            Assert.Equal(
                (CommitOutcomeKind.Duplicate, (i / 2 * 3) + 1L, 3, (i * 3) + 1L),
                (outcome.Kind, outcome.Commit!.FirstRevision.Value, outcome.Commit.EventCount, outcome.Commit.FirstCheckpoint.Value));
        }
    }

    [Fact]
    public async Task Of_a_unit_the_deleted_stream_leaves_the_disk_and_the_others_stay()
    {
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        var id = Guid.NewGuid();
        CommitAttempt[] members =
        [
            Member("a", "kept"), Member("gone", "secret"), Member("cut", "secret"),
            .. Enumerable.Range(0, 200).Select(i => Member($"{i}", "kept")),
        ];
        var unit = new CommitAttempt("a", id, members[0].Events) { Rest = members[1..] };
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([unit]))[0].Kind);
        await engine.TruncateStreamAsync("cut", Revision.Max, StreamExpectation.Any);
        Assert.Equal(CommitOutcomeKind.Duplicate, (await engine.CommitAsync([unit]))[0].Kind);
        await CompactionTests.CompactAsync(engine);
        var again = (await engine.CommitAsync([unit]))[0];
        Assert.Equal((CommitOutcomeKind.Duplicate, 202), (again.Kind, again.Rest.Count));

        await engine.DeleteStreamAsync("gone", StreamExpectation.Any);
        var before = await ReadAsync(engine);
        Assert.Equal(2 * 201, before.Count);
        await CompactionTests.CompactAsync(engine);
        Assert.Equal(before, await ReadAsync(engine));
        Assert.Equal(before.AsEnumerable().Reverse(), await ReadAsync(engine, ReadDirection.Backward));
        Assert.Equal(CommitOutcomeKind.Reused, (await engine.CommitAsync([unit]))[0].Kind);
        await engine.DisposeAsync();
        Assert.All(Segments(), path => Assert.False(Holds(path, "secret")));

        Directory.Delete(Path.Combine(directory.Path, "idx"), recursive: true);
        await using var reopened = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        Assert.Equal(before, await ReadAsync(reopened));
        Assert.True((await reopened.VerifyAsync()).IsSound);

        CommitAttempt Member(string stream, string body) => new(stream, id, SmallStore.Attempt(stream, body, events: 2).Events);
    }

    [Fact]
    public async Task A_repaired_store_keeps_truncations_seals_and_units()
    {
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small());
        await SmallStore.FillAsync(engine, 100, streams: 2);
        await engine.TruncateStreamAsync("stream-0", new Revision(40), StreamExpectation.Any);
        await engine.SealStreamAsync("stream-0", StreamExpectation.Any);
        await CompactionTests.CompactAsync(engine);
        var id = Guid.NewGuid();
        await engine.CommitAsync(
            [new CommitAttempt("x", id, Events("x")) { Rest = [new CommitAttempt("y", id, Events("y"))] }]);
        var before = await ReadAsync(engine);
        var state = (await engine.FindHeadAsync("stream-0"))!;
        await engine.DisposeAsync();
        using var target = new TestDirectory();
        var report = await Repair.RunAsync(Disk, new FileDisk(target.Path), SmallStore.Small(), null, CancellationToken.None);
        Assert.True(report.IsComplete);
        Assert.Empty(report.LostRevisions);
        await using var repaired = await SmallStore.OpenAsync(new FileDisk(target.Path), SmallStore.Small());
        Assert.Equal(before, await ReadAsync(repaired));
        Assert.Equal(state, await repaired.FindHeadAsync("stream-0"));

        static EventRecord[] Events(string body) => [.. SmallStore.Attempt("any", body, events: 2).Events];
    }

    [Fact]
    public async Task An_event_without_tags_takes_at_most_four_bytes_more_than_in_the_first_format()
    {
        var engine = await SmallStore.OpenAsync(Disk, SmallStore.Small(segmentBytes: 64 << 20));
        var first = 0L;
        var bodyBytes = Encoding.UTF8.GetBytes("a body").Length;
        for (var i = 0; i < 3_000; i++)
        {
            StreamId stream = $"stream-{i % 10}";
            var recorded = new EventRecord(Guid.NewGuid(), "type", new byte[bodyBytes]);
            await engine.CommitAsync([new CommitAttempt(stream, Guid.NewGuid(), [recorded])]);
            var (revision, lag) = ((i / 10) + 1L, (i - (i % 10)) * 15L);
            var numbers = (2 * Varint.Of(revision).Length) + Varint.Of(lag).Length;
            var ofEvent = 16 + 1 + 4 + 1 + 1 + bodyBytes;
            first += Format.FrameHeaderLength + 16 + 8 + numbers + (1 + 7 + 1 + 1 + stream.Id.Length) + 1 + ofEvent;
        }

        var frames = await engine.MaintainAsync((store, _) => BodyBytes(store), CancellationToken.None);
        await engine.DisposeAsync();
        Assert.InRange(frames - first, -3_000, 4 * 3_000);
    }

    // The bytes of all commits, without what pads them to whole units.
    private static long BodyBytes(OpenStore store)
    {
        var sum = 0L;
        var scanner = new LogScanner(store.Segments, LogPoint.Origin.Position, LogPoint.Origin.Chain);
        while (scanner.TryNext(out var frame, store.End.Position))
        {
            if (!frame.HoldsCommits) continue;
            var commits = new FrameCommits(frame, store.View.Names);
            while (commits.TryNext(out var commit)) sum += Format.FrameHeaderLength + commit.Behind().Offset;
        }

        return sum;
    }

    private static async Task<List<(StreamId Stream, long Revision, long Checkpoint, Guid CommitId, string Body)>> ReadAsync(
        FileSystemPersistenceEngine engine, ReadDirection direction = ReadDirection.Forward)
    {
        var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max, direction, Limit));
        Assert.True(page.IsEnd);
        var found = new List<(StreamId, long, long, Guid, string)>();
        foreach (var recorded in page.Events.ToArray())
            found.Add((recorded.Commit.Stream, recorded.Revision.Value, recorded.Checkpoint.Value, recorded.Commit.CommitId,
                Encoding.UTF8.GetString(recorded.Record.Body.Span)));
        return found;
    }

    private static bool Holds(string path, string text) => File.ReadAllBytes(path).AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;

    private IEnumerable<string> Segments() => Directory.EnumerateFiles(directory.Path, "*.seg", SearchOption.AllDirectories);
}

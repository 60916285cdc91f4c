using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>A merge keeps what its commits had, appends them once, and goes on where it was broken off.</summary>
public abstract class ImportingSpecification<TBackend> : ImportFacts<TBackend> where TBackend : IBackend, new()
{
    private const int Minute = 60_000;
    private static readonly DateTimeOffset Old = new(2019, 5, 1, 12, 0, 0, TimeSpan.FromHours(2));

    [Fact(Timeout = Minute), Guarantee("G10", "G54", "G58")]
    public async Task A_merge_keeps_ids_headers_tags_units_and_order_under_new_checkpoints()
    {
        await FillSourceAsync();
        await using var store = await Wire().BuildAsync();
        await store.AppendAsync("own", "x", "y");
        await store.AppendAsync("a", "before");
        var report = await CopyAsync(store, ImportMode.Merge);
        Assert.Equal(new ImportReport(7, 10, 0, 0, 0, 0), report with { RaisedStamps = 0 });
        var merged = await ReadAllAsync(after: 3);
        Assert.Equal(await ShowAsync(Source, withPlace: false), (await ShowAsync(Engine, withPlace: false))[3..]);
        Assert.Equal(Range(4, 13), Checkpoints(merged));
        var shared = await ReadStreamAsync("a");
        Assert.Equal([1, 2, 3, 4], Revisions(shared));
        var headers = (await ToListAsync(store.ReadStreamAsync("s")))[0].CommitHeaders;
        Assert.Equal("jo", headers["user"]);

        // The same again, under any name, stores nothing.
        await using var again = await store.Imports.OpenAsync("another", ImportMode.Merge);
        await foreach (var unit in ImportSource.ReadAsync(Source)) await again.AddAsync(unit);
        Assert.Equal(new ImportReport(0, 0, 7, 0, 0, 0), await again.CompleteAsync());
        Assert.Equal(13, (await ReadAllAsync()).Count);
    }

    [Theory(Timeout = 3 * Minute), InlineData(0), InlineData(1), InlineData(511), InlineData(512), InlineData(513), Guarantee("G58")]
    public async Task A_merge_of_any_size_is_whole_and_goes_on_at_its_position(int commits)
    {
        for (var left = commits; left > 0; left -= 128)
            await Source.CommitAsync([.. Enumerable.Range(0, Math.Min(left, 128)).Select(_ => Attempt("stream", ExpectedRevision.Any))]);
        await using var store = await Wire().BuildAsync();
        var reports = new Reports();
        var report = await CopyAsync(store, ImportMode.Merge, new ImportOptions { Progress = reports, HoldsStore = true });
        Assert.Equal(new ImportReport(commits, commits, 0, 0, 0, 0), report);
        Assert.Equal(commits, reports.Last?.Commits ?? 0);
        Assert.Equal(new ImportProgress(Import, ImportMode.Merge, new Checkpoint(commits), report, IsComplete: true),
            await store.Imports.FindAsync(Import));
        Assert.Equal(await ShowAsync(Source, withPlace: true), await ShowAsync(Engine, withPlace: true));

        await StoreAsync("stream", Events(1));
        report = await CopyAsync(store, ImportMode.Merge);
        Assert.Equal((commits + 1, 0L), (report.Commits, report.Duplicates));
        Assert.Equal(await ShowAsync(Source, withPlace: false), await ShowAsync(Engine, withPlace: false));
    }

    [Theory(Timeout = 3 * Minute), InlineData(false, false), InlineData(true, false), InlineData(false, true), InlineData(true, true)]
    [Guarantee("G58")]
    public async Task A_merge_that_is_killed_at_every_step_stores_every_commit_once(bool arrives, bool holds)
    {
        await FillSourceAsync();
        await CopyThroughKillsAsync(ImportMode.Merge, arrives, new ImportOptions { HoldsStore = holds });
        Assert.Equal(await ShowAsync(Source, withPlace: false), await ShowAsync(Engine, withPlace: false));
        await AppendAsync("a", 1);
    }

    [Fact(Timeout = 2 * Minute), Guarantee("G58")]
    public async Task A_merge_beside_a_live_writer_loses_and_doubles_nothing()
    {
        for (var i = 0; i < 300; i++) await StoreAsync(i % 3 == 0 ? "shared" : "stream", Event($"source {i}"));
        await using var store = await Wire().BuildAsync();
        using var done = new CancellationTokenSource();
        var writing = Task.Run(WriteAsync);
        ImportReport report;
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Merge))
        {
            await foreach (var unit in ImportSource.ReadAsync(Source))
            {
                await import.AddAsync(unit);
                if (unit[0].FirstCheckpoint.Value % 10 == 0) await import.FlushAsync();
            }

            report = await import.CompleteAsync();
        }

        await done.CancelAsync();
        var written = await writing;
        Assert.Equal(300, report.Commits);
        var stored = await ReadAllAsync();
        Assert.Equal(300 + written, stored.Count);
        Assert.Equal(Range(1, 300 + written), Checkpoints(stored));
        var imported = stored.Where(recorded => Body(recorded).StartsWith("source", StringComparison.Ordinal));
        Assert.Equal(Bodies(await ReadAllAsync(Source)), Bodies(imported));
        Assert.Equal(
            Enumerable.Range(0, written).Select(i => $"live {i}"),
            Bodies(stored).Where(body => body.StartsWith("live", StringComparison.Ordinal)));

        async Task<int> WriteAsync()
        {
            var count = 0;
            while (!done.IsCancellationRequested)
            {
                await store.AppendAsync("shared", $"live {count++}");
                await Task.Yield();
            }

            return count;
        }
    }

    [Fact(Timeout = Minute), Guarantee("G11", "G58")]
    public async Task A_stamp_that_would_decrease_is_raised_and_the_original_kept_in_a_header()
    {
        await using var store = await Wire().BuildAsync();
        var later = Old.AddTicks(15);
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Merge, new ImportOptions { HoldsStore = true }))
        {
            await import.AddAsync(Commit("a", later, "{\"user\":\"jo\"}"));
            await import.AddAsync(Commit("b", Old, "{\"user\":\"jo\"}"));
            await import.AddAsync(Commit("c", Old, ""));
            await import.AddAsync(Commit("d", Old, "{\"original-stamp\":\"first\"}"));
            await import.AddAsync(Commit("e", later.AddTicks(3), ""));
            var report = await import.CompleteAsync();
            Assert.Equal((5L, 3L), (report.Commits, report.RaisedStamps));
        }

        var events = await ToListAsync(store.ReadAllAsync());
        var kept = new DateTimeOffset(later.UtcTicks - 5, TimeSpan.Zero);
        Assert.All(events, committed => Assert.Equal(kept, committed.Stamp));
        Assert.Equal(
            ["user=jo", $"user=jo;original-stamp={Old:O}", $"original-stamp={Old:O}", "original-stamp=first", ""],
            events.Select(committed => string.Join(';', committed.CommitHeaders.Select(header => $"{header.Key}={header.Value}"))));

        // Beside other writers, a stamp may be raised at any time.
        await store.AppendAsync("own", "x");
        await using (var import = await store.Imports.OpenAsync("beside", ImportMode.Merge))
        {
            await import.AddAsync(Commit("f", Old, "{\"user\":\"jo\"}"));
            Assert.Equal(1, (await import.CompleteAsync()).RaisedStamps);
        }

        var last = (await ToListAsync(store.ReadStreamAsync("f")))[0];
        Assert.Equal(("jo", $"{Old:O}"), (last.CommitHeaders["user"], last.CommitHeaders[EventHeaders.OriginalStamp]));
    }

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task A_stamp_that_is_too_far_ahead_and_headers_that_hide_one_are_refused_before_anything_is_written()
    {
        await using var store = await Wire().BuildAsync();
        await using var import = await store.Imports.OpenAsync(Import, ImportMode.Merge);
        var ahead = Time.GetUtcNow().AddMinutes(5).AddSeconds(30);
        var refused = await Assert.ThrowsAsync<StampAheadException>(async () => await import.AddAsync(Commit("a", ahead, "")));
        Assert.Equal(("a", ahead), (refused.Stream.Id, refused.Stamp));
        await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("a", Old, "not an object")));
        await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("a", Old, "{\"n\":1}")));
        await import.FlushAsync();
        Assert.Empty(await ReadAllAsync());
        await import.AddAsync(Commit("a", Time.GetUtcNow().AddMinutes(4), ""));
        Assert.Equal(1, (await import.CompleteAsync()).Commits);
    }

    [Fact(Timeout = Minute), Guarantee("G7", "G22", "G55", "G56", "G58")]
    public async Task What_the_store_refuses_the_import_refuses()
    {
        var commit = Commit("a", Old, "");
        var other = new ImportCommit("a", commit.CommitId, Old, Events(1, "other"));
        await using var store = await Wire().BuildAsync();
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Merge))
        {
            await import.AddAsync(commit);
            await import.AddAsync(other);
            await Assert.ThrowsAsync<CommitIdReusedException>(async () => await import.FlushAsync());
            await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Commit("b", Old, "")));
        }

        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Merge))
        {
            await import.AddAsync(commit);
            await import.AddAsync(new ImportCommit("a", SequentialGuid.Next(), Old, Events(4)));
            await import.TruncateStreamAsync("a", new Revision(4));
            foreach (var revision in (long[])[6, 2])
                await Assert.ThrowsAsync<SnapshotRefusedException>(async () => await import.SaveSnapshotAsync(Of(revision)));
            await import.SaveSnapshotAsync(Of(3));
            await import.SaveSnapshotAsync(new ImportSnapshot(new Snapshot("a", new Revision(5), "as text")));
            await import.SealStreamAsync("a");
            await Assert.ThrowsAsync<ConcurrencyException>(async () => await import.SealStreamAsync("none"));
            await import.AddAsync(commit);
            await import.AddAsync(Commit("a", Old, ""));
            await Assert.ThrowsAsync<StreamSealedException>(async () => await import.CompleteAsync());
        }

        var left = await ReadStreamAsync("a");
        Assert.Equal([4, 5], Revisions(left));
        Assert.Equal("as text", (await store.Snapshots.FindAsync("a"))?.State);
        Assert.Equal(3, (await SnapshotAsync("a", new Revision(4))).Revision.Value);

        static ImportSnapshot Of(long revision) =>
            new(new SnapshotRecord("a", new Revision(revision), 0, "state", default) { Incarnation = new Checkpoint(99) });
    }

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task Bytes_are_stored_as_they_are_and_messages_as_this_store_encodes_them()
    {
        var (theirs, ours) = (new byte[32], new byte[32]);
        (theirs[0], ours[0]) = (1, 2);
        var headers = new Dictionary<string, string> { ["user"] = "jo" };
        await using var source = await Wire(Source).EncryptWith(new EncryptionKey("theirs", theirs)).BuildAsync();
        await source.AppendAsync("a", ExpectedRevision.Any, [new EventMessage("secret", headers, tags: ["x:1"])], headers: headers);
        await using var store = await Wire().EncryptWith(new EncryptionKey("ours", ours)).BuildAsync();
        var events = await ToListAsync(source.ReadAllAsync(decoding: EventDecoding.OnDemand));
        await using (var import = await store.Imports.OpenAsync(Import, ImportMode.Merge))
        {
            var commit = ImportCommit.Of(events);
            await import.AddAsync(commit);
            await import.AddAsync(new ImportCommit(commit.Stream, commit.CommitId, commit.Stamp, commit.Messages));
            var report = await import.CompleteAsync();
            Assert.Equal((1L, 1L), (report.Commits, report.Duplicates));
        }

        var copy = Assert.Single(await ToListAsync(store.ReadAllAsync()));
        Assert.Equal(("secret", "jo", "jo", "x:1"), (copy.Body, copy.Headers["user"], copy.CommitHeaders["user"], copy.Tags[0]));
        Assert.Equal((events[0].EventId, events[0].CommitId), (copy.EventId, copy.CommitId));
        Assert.DoesNotContain("secret", Body((await ReadAllAsync())[0]), StringComparison.Ordinal);

        // Encrypted bytes are bound to the store that wrote them.
        await store.AppendAsync("own", "x");
        await using (var import = await store.Imports.OpenAsync("raw", ImportMode.Merge, new ImportOptions { HoldsStore = true }))
        {
            var raw = ImportCommit.Of(await ReadAllAsync(Source));
            await Assert.ThrowsAsync<ImportException>(async () => await import.AddAsync(Raw(raw, raw.Stamp)));
            var later = Raw(raw, Time.GetUtcNow());
            await import.AddAsync(later);
            await import.AddAsync(new ImportCommit("last", raw.CommitId, Time.GetUtcNow(), raw.Records));
            await import.FlushAsync();

            // Repeated, its stamp is below the newest one, but it is not raised any more.
            await import.AddAsync(later);
            Assert.Equal(1, (await import.CompleteAsync()).Duplicates);
        }

        Assert.Equal(Body((await ReadAllAsync(Source))[0]), Body((await ReadStreamAsync("raw"))[0]));
        await Assert.ThrowsAsync<PayloadTransformException>(async () => await ToListAsync(store.ReadStreamAsync("raw")));

        static ImportCommit Raw(ImportCommit commit, DateTimeOffset stamp) =>
            new("raw", commit.CommitId, stamp, commit.Records) { EncodedHeaders = commit.EncodedHeaders };
    }

    [Fact(Timeout = Minute), Guarantee("G58")]
    public async Task The_progress_names_the_position_and_one_process_runs_the_import()
    {
        await using var store = await Wire().BuildAsync();
        Assert.Null(await store.Imports.FindAsync(Import));
        var options = new ImportOptions { ProgressInterval = TimeSpan.FromHours(1) };
        await using var first = await store.Imports.OpenAsync(Import, ImportMode.Merge, options);
        await first.AddAsync(Commit("a", Old, "", at: 7));
        Assert.Equal(0, first.Position.Value);
        await first.FlushAsync();
        Assert.Equal(7, first.Position.Value);
        await first.AddAsync(Commit("a", Old, "", at: 9));
        await first.AdvanceAsync(new Checkpoint(19));
        Assert.Equal((7L, false), await FindAsync());

        // It is recorded at an interval.
        Time.Advance(TimeSpan.FromHours(2));
        await first.AdvanceAsync(new Checkpoint(20));
        Assert.Equal((20L, false), await FindAsync());
        await Assert.ThrowsAsync<ArgumentException>(async () => await first.AddAsync(Commit("a", Old, "", at: 20)));

        await using var second = await store.Imports.OpenAsync(Import, ImportMode.Merge);
        Assert.Equal(20, second.Position.Value);
        await Assert.ThrowsAsync<ImportException>(async () => await first.FlushAsync());
        await second.CompleteAsync();
        Assert.Equal((20L, true), await FindAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await second.FlushAsync());
        await Assert.ThrowsAsync<InvalidNameException>(async () => await store.Imports.OpenAsync("", ImportMode.Merge));

        async Task<(long, bool)> FindAsync()
        {
            var found = await store.Imports.FindAsync(Import);
            return (found!.Position.Value, found.IsComplete);
        }
    }

    private static ImportCommit Commit(StreamId stream, DateTimeOffset stamp, string headers, long at = 0) =>
        new(stream, SequentialGuid.Next(), stamp, [Event()])
        {
            EncodedHeaders = Encoding.UTF8.GetBytes(headers),
            FirstCheckpoint = new Checkpoint(at),
        };

    private sealed class Reports : IProgress<ImportReport>
    {
        public ImportReport? Last { get; private set; }

        public void Report(ImportReport value) => Last = value;
    }
}

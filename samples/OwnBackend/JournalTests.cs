using System.Collections;
using System.Diagnostics;
using System.Text;
using EventStore.Engines;
using Microsoft.Extensions.Logging.Abstractions;

namespace OwnBackend;

/// <summary>What only a journal can get wrong: its end, its lines, its lock. The rest is proved by the kit.</summary>
public sealed class JournalTests : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("journal-").FullName;

    private string Journal => Path.Combine(folder, "store.jsonl");

    [Fact]
    public async Task A_last_line_torn_at_any_byte_is_cut_off_and_a_copy_is_kept()
    {
        var whole = await WriteAsync("first", "second");
        var lastLine = Array.LastIndexOf(whole, (byte)'\n', whole.Length - 2) + 1;
        for (var length = lastLine; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Journal, whole[..length]);
            await using var engine = Open();
            Assert.Equal(["first"], await BodiesAsync(engine));
            Assert.Equal(2, (await engine.CommitAsync([Attempt("again")]))[0].Commit!.FirstCheckpoint.Value);
            if (length == lastLine) continue;
            Assert.Equal(whole[lastLine..length].Append((byte)'\n'), await File.ReadAllBytesAsync(Journal + ".torn"));
            File.Delete(Journal + ".torn");
        }
    }

    [Fact]
    public async Task A_unit_torn_at_any_byte_is_absent_whole()
    {
        var before = await WriteAsync("first");
        var id = Guid.CreateVersion7();
        var unit = new CommitAttempt("stream", id, [Event("second")]) { Rest = [new CommitAttempt("other", id, [Event("third")])] };
        await using (var engine = Open()) await engine.CommitAsync([unit]);
        var whole = await File.ReadAllBytesAsync(Journal, TestContext.Current.CancellationToken);
        for (var length = before.Length; length < whole.Length; length++)
        {
            await File.WriteAllBytesAsync(Journal, whole[..length], TestContext.Current.CancellationToken);
            await using var engine = Open();
            Assert.Equal(["first"], await BodiesAsync(engine));
            Assert.Null(await engine.FindHeadAsync("other"));
        }
    }

    [Fact]
    public async Task A_journal_of_version_1_is_refused_with_both_versions_and_nothing_is_changed()
    {
        const string First = """["e8d0ded0",{"$type":"journal","version":1}]""" + "\n", Torn = """["00000000",{"$type":"com""";
        await File.WriteAllTextAsync(Journal, First + Torn, TestContext.Current.CancellationToken);
        await using var engine = Open();
        var refused = await Assert.ThrowsAsync<StorageFormatException>(async () => await engine.InitializeAsync());
        Assert.StartsWith($"The journal '{Journal}' has version 1, but this version knows version 2.", refused.Message);
        Assert.Equal(First + Torn, await File.ReadAllTextAsync(Journal, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(ReadDirection.Forward)]
    [InlineData(ReadDirection.Backward)]
    public async Task Reading_a_rare_tag_or_category_examines_its_events_only(ReadDirection direction)
    {
        await using var engine = Open();
        var many = Enumerable.Range(0, 20_000).Select(_ => Event("common", "often")).ToArray();
        var rare = new StreamId(StreamId.DefaultBucket, "rare", "1");
        await engine.CommitAsync([new CommitAttempt(rare, Guid.NewGuid(), [Event("first", "often", "seldom")])]);
        await engine.CommitAsync([new CommitAttempt("stream", Guid.NewGuid(), many)]);
        await engine.CommitAsync([new CommitAttempt(rare, Guid.NewGuid(), [Event("last", "often", "seldom")])]);
        foreach (var criterion in (EventCriterion[])[new() { Tags = ["often", "seldom"] }, new() { Category = "rare" }])
        {
            var filter = new EventFilter { Criteria = new EventCriteria(criterion) };
            var page = await engine.ReadAllAsync(
                new StoreRead(filter, Checkpoint.Origin, Checkpoint.Max, direction, new PageLimit(100, 1 << 20)));
            Assert.Equal((2, true), (page.Events.Length, page.IsEnd));
        }
    }

    [Fact]
    public async Task A_damaged_line_is_refused_with_its_place_and_nothing_is_changed()
    {
        var lines = Encoding.ASCII.GetString(await WriteAsync("first", "second", "third")).Split('\n')[..^1];
        (string Why, string[] Lines, int Number)[] damages =
        [
            ("a character changed", [lines[0], lines[1].Replace("type", "tyqe"), .. lines[2..]], 2),
            ("not JSON", [lines[0], lines[1], "nonsense", lines[3]], 3),
            ("empty", [lines[0], "", .. lines[1..]], 2),
            ("missing", [lines[0], lines[1], lines[3]], 3),
            ("twice", [.. lines, lines[3]], 5),
            ("in another order", [lines[0], lines[2], lines[1], lines[3]], 2),
            ("half a line with an end", [.. lines[..3], lines[3][..40]], 4),
            ("no journal", ["{}"], 1),
        ];
        foreach (var (why, damaged, number) in damages)
        {
            var text = string.Concat(damaged.Select(line => line + "\n"));
            await File.WriteAllTextAsync(Journal, text);
            await using var engine = Open();
            var refused = await Assert.ThrowsAsync<CorruptStorageException>(async () => await engine.InitializeAsync());
            Assert.Equal((why, $"{Journal}, line {number}"), (why, refused.Place));
            Assert.Equal(text, await File.ReadAllTextAsync(Journal));
        }
    }

    [Fact]
    public async Task A_file_that_is_no_journal_is_refused_though_it_has_no_line_end()
    {
        await File.WriteAllTextAsync(Journal, "my notes");
        await using var engine = Open();
        await Assert.ThrowsAsync<CorruptStorageException>(async () => await engine.InitializeAsync());
        Assert.Equal("my notes", await File.ReadAllTextAsync(Journal));
    }

    [Fact]
    public async Task Verification_names_the_line_that_was_damaged_meanwhile()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows lets no other process write into an open journal.");
        var whole = await WriteAsync("first", "second");
        await using var engine = Open();
        await engine.InitializeAsync();
        var at = whole.AsSpan().IndexOf("\"commitId\":\""u8) + 15;
        using var vandal = Process.Start("/bin/sh", ["-c", $"printf . | dd of='{Journal}' bs=1 seek={at} conv=notrunc 2>/dev/null"]);
        await vandal.WaitForExitAsync(TestContext.Current.CancellationToken);

        var report = await engine.VerifyAsync();
        Assert.Equal($"{Journal}, line 2", Assert.Single(report.Damages).Place);
        Assert.Equal(2, report.CommitsChecked);
    }

    [Fact]
    public async Task A_journal_has_one_writer_and_a_second_one_is_refused()
    {
        await WriteAsync("first");
        await using var second = Open();
        await using (var first = Open())
        {
            await first.InitializeAsync();
            var refused = await Assert.ThrowsAsync<StorageException>(async () => await second.InitializeAsync());
            Assert.Contains("One engine at a time writes a journal", refused.Message);
        }

        Assert.Equal(["first"], await BodiesAsync(second));
    }

    [Fact]
    public async Task After_a_change_that_failed_midway_the_store_is_what_the_file_says()
    {
        await using var engine = Open();
        await engine.CommitAsync([Attempt("kept")]);
        var failing = new CommitAttempt("stream", Guid.NewGuid(), new Unreadable());
        await Assert.ThrowsAsync<BatchOutcomeUnknownException>(async () => await engine.CommitAsync([Attempt("lost"), failing]));

        Assert.Equal(["kept"], await BodiesAsync(engine));
        Assert.Equal(2, (await engine.CommitAsync([Attempt("next")]))[0].Commit!.FirstCheckpoint.Value);
    }

    [Fact]
    public async Task A_checkpoint_that_no_store_reaches_is_refused_and_nothing_of_the_batch_is_stored()
    {
        using (var file = new JournalFile(Journal, mayCreate: true, NullLogger.Instance, _ => { }))
            file.Append([new JournalEntry.CheckpointsSkipped(AttemptRules.MaxNumber - 2)]);
        await using var engine = Open();
        await Assert.ThrowsAsync<CorruptStorageException>(async () => await engine.CommitAsync([Attempt("last"), Attempt("beyond")]));
        Assert.Empty(await BodiesAsync(engine));
        await engine.CommitAsync([Attempt("last")]);
        Assert.Equal(["last"], await BodiesAsync(engine));
    }

    [Fact]
    public async Task An_application_chooses_it_by_verb_or_by_address()
    {
        await using (var store = await Wired(wireup => wireup.UsingJournalPersistence(Journal)).InitializeStorageEngine().BuildAsync())
            await store.AppendAsync("cart-1", new ItemAdded("apple"));

        await using var same = await Wired(wireup => wireup.UsingPersistence($"journal:{Journal}", engines => engines.AddJournal()))
            .BuildAsync();
        Assert.Equal(new ItemAdded("apple"), (await same.OpenStreamAsync("cart-1")).CommittedEvents[0].Body);
        await Assert.ThrowsAsync<WireupException>(async () =>
            await Wired(wireup => wireup.UsingPersistence("journal:", engines => engines.AddJournal())).BuildAsync());
    }

    [Fact]
    public async Task A_missing_journal_is_made_only_where_that_was_asked_for()
    {
        var refused = await Assert.ThrowsAsync<StorageException>(async () =>
            await Wired(wireup => wireup.UsingJournalPersistence(Journal)).BuildAsync());
        Assert.Contains("InitializeStorageEngine()", refused.Message);
        Assert.False(File.Exists(Journal));
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(folder, recursive: true);
        return default;
    }

    private static Wireup Wired(Func<Wireup, Wireup> choose) =>
        choose(Wireup.Init()).UsingJsonSerialization(types => types.Register<ItemAdded>("item-added"));

    private static CommitAttempt Attempt(string body) => new("stream", Guid.CreateVersion7(), [Event(body)]);

    private static EventRecord Event(string body, params string[] tags) =>
        new(Guid.CreateVersion7(), "type", Encoding.UTF8.GetBytes(body), tags: tags);

    private static async Task<string[]> BodiesAsync(IPersistenceEngine engine)
    {
        var page = await engine.ReadAllAsync(
            new StoreRead(EventFilter.Everything, Checkpoint.Origin, Checkpoint.Max, ReadDirection.Forward, new PageLimit(100, 1 << 20)));
        return [.. page.Events.ToArray().Select(recorded => Encoding.UTF8.GetString(recorded.Record.Body.Span))];
    }

    private JournalPersistenceEngine Open() => new(Journal, new EngineContext(TimeProvider.System, NullLoggerFactory.Instance));

    private async Task<byte[]> WriteAsync(params string[] bodies)
    {
        await using (var engine = Open())
        {
            foreach (var body in bodies) await engine.CommitAsync([Attempt(body)]);
        }

        return await File.ReadAllBytesAsync(Journal);
    }

    private sealed record ItemAdded(string Item);

    /// <summary>Events that can be measured, but fail when they are read to be stored.</summary>
    private sealed class Unreadable : IReadOnlyList<EventRecord>
    {
        public int Count => 1;

        public EventRecord this[int index] => new(Guid.NewGuid(), "type", default);

        public IEnumerator<EventRecord> GetEnumerator() => throw new IOException("the disk is full");

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}

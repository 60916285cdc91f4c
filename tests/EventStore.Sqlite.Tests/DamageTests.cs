using System.Text;

namespace EventStore.Sqlite.Tests;

/// <summary>What is damaged is found, named with its place, and never returned.</summary>
public sealed class DamageTests : IDisposable
{
    private const int PageBytes = 4096;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_flipped_byte_of_a_body_is_named_and_not_read_and_the_rest_is()
    {
        await FillAsync();
        FlipByteOf("body-7 ");
        await using var engine = await directory.OpenAsync();
        await RequireNamedAsync(engine, "events_commits, checkpoint 7", "checksum of the commit");
        await RequireRefusedAsync(async () => await engine.ReadAllAsync());
        await RequireRefusedAsync(async () => await engine.ReadAsync("stream-0"));
        Assert.Equal(10, (await engine.ReadAsync("stream-1")).Length);
    }

    [Theory]
    [InlineData("UPDATE events_commits SET stamp = stamp + 1 WHERE checkpoint = 7", "events_commits, checkpoint 7",
        "checksum of the commit")]
    [InlineData("UPDATE events_commits SET commit_id = randomblob(16) WHERE checkpoint = 7", "events_commits, checkpoint 7",
        "checksum of the commit")]
    [InlineData("UPDATE events_commits SET revision = -3 WHERE checkpoint = 7", "events_commits, checkpoint 7", "out of its range")]
    [InlineData("UPDATE events_commits SET event_count = 2 WHERE checkpoint = 7", "events_commits, checkpoint 7", "checksum of the commit")]
    [InlineData("UPDATE events_commits SET removed = 1 WHERE checkpoint = 7", "events_commits, checkpoint 7", "checksum of the commit")]
    [InlineData("UPDATE events_commits SET tags = 1 WHERE checkpoint = 7", "events_commits, checkpoint 7", "checksum of the commit")]
    [InlineData("UPDATE events_commits SET unit = 7, unit_size = 2 WHERE checkpoint = 7", "events_commits, checkpoint 7",
        "checksum of the commit")]
    [InlineData("UPDATE events_commits SET unit_size = 1 WHERE checkpoint = 7", "events_commits, checkpoint 7", "out of its range")]
    [InlineData("UPDATE events_streams SET first_revision = 3 WHERE stream = 1", "events_streams, stream 1", "checksum of the row")]
    [InlineData("UPDATE events_streams SET sealed = 1 WHERE stream = 1", "events_streams, stream 1", "checksum of the row")]
    [InlineData("INSERT INTO events_tags VALUES ('default', 'tag', 7)", "events_tags, checkpoint 7", "missing or leads to no commit")]
    [InlineData("INSERT INTO events_categories VALUES ('default', 'other', 7)", "events_categories, checkpoint 7",
        "missing or leads to no commit")]
    [InlineData("UPDATE events_streams SET id = 'stream-2' WHERE id = 'stream-1'", "events_commits, checkpoint 2",
        "checksum of the commit")]
    [InlineData("DELETE FROM events_streams WHERE id = 'stream-1'", "events_streams, stream 2", "the row is missing")]
    [InlineData("DELETE FROM events_commits WHERE checkpoint = 7", "events_commits, stream 1, revision 5",
        "does not continue the commit before it")]
    [InlineData("DELETE FROM events_commits WHERE stream = 2", "events_recent, stream 2, revision 1", "leads to no commit")]
    [InlineData("DELETE FROM events_recent WHERE stream = 2", "events_streams, stream 2", "has no commits")]
    [InlineData("DELETE FROM events_recent WHERE stream = 1 AND revision = 4", "events_commits, checkpoint 7",
        "no entry by stream and revision")]
    [InlineData("UPDATE events_streams SET snapshot_revision = 9 WHERE stream = 1", "events_streams, stream 1", "newest snapshot is wrong")]
    [InlineData("UPDATE events_snapshots SET payload = x'00'", "events_snapshots, stream 'default//stream-0', revision 3",
        "checksum of the snapshot")]
    [InlineData("UPDATE events_documents SET name = ''", "events_documents, document ''", "checksum of the document")]
    [InlineData("UPDATE events_documents SET content = x'00'", "events_documents, document 'document'", "checksum of the document")]
    public async Task A_tampered_row_is_named(string change, string place, string problem)
    {
        await FillAsync();
        directory.Run(change);
        await using var engine = await directory.OpenAsync();
        await RequireNamedAsync(engine, place, problem);
    }

    [Fact]
    public async Task A_tampered_snapshot_or_document_is_not_read()
    {
        await FillAsync();
        directory.Run("UPDATE events_snapshots SET payload = x'00'; UPDATE events_documents SET content = x'00';");
        await using var engine = await directory.OpenAsync();
        await RequireRefusedAsync(async () => await engine.FindSnapshotAsync("stream-0", Revision.Max));
        await RequireRefusedAsync(async () => await engine.FindDocumentAsync("document"));
        await RequireRefusedAsync(async () => await engine.ListDocumentsAsync("", "", 10));
    }

    // Strict tables take no such value by SQL, so their schema is loosened while it is written. Damage of the file can leave one behind.
    [Theory]
    [InlineData("events_documents", "version = NULL")]
    [InlineData("events_documents", "version = 'text'")]
    [InlineData("events_documents", "version = x'FF'")]
    [InlineData("events_documents", "version = 1e300")]
    [InlineData("events_documents", "content = NULL")]
    [InlineData("events_documents", "content = 5")]
    [InlineData("events_documents", "name = NULL")]
    [InlineData("events_snapshots", "revision = NULL")]
    [InlineData("events_snapshots", "schema_version = 'text'")]
    [InlineData("events_snapshots", "state_type = NULL")]
    [InlineData("events_snapshots", "payload = NULL")]
    [InlineData("events_snapshots", "crc = x''")]
    [InlineData("events_streams", "bucket = NULL")]
    [InlineData("events_streams", "id = ''")]
    [InlineData("events_streams", "first_revision = NULL")]
    [InlineData("events_streams", "crc = 'text'")]
    [InlineData("events_streams", "snapshot_revision = NULL")]
    [InlineData("events_streams", "snapshot_revision = 'text'")]
    public async Task A_value_of_another_kind_is_damage_and_never_read(string table, string change)
    {
        await FillAsync();
        var schema = ((string)directory.Run($"SELECT sql FROM sqlite_master WHERE name = '{table}'")!)
            .Replace("'", "''", StringComparison.Ordinal);
        var (loosen, restore) = ("replace(replace(sql, ' NOT NULL', ''), ' STRICT', '')", $"'{schema}'");
        directory.Run($"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = {loosen} WHERE name = '{table}';");
        directory.Run($"UPDATE {table} SET {change}" + (table == "events_streams" ? " WHERE id = 'stream-0'" : ""));
        directory.Run($"PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = {restore} WHERE name = '{table}';");

        await using var engine = await directory.OpenAsync();
        Assert.False((await engine.VerifyAsync()).IsSound);
        foreach (var (read, ask) in Reads)
        {
            try
            {
                Assert.True(await ask(engine), $"{read} returned what was never stored");
            }
            catch (CorruptStorageException)
            {
                // Found, and reported.
            }
        }
    }

    [Theory]
    [InlineData("DELETE FROM events_commits WHERE checkpoint = 7")]
    [InlineData("DELETE FROM events_commits WHERE checkpoint = 19")]
    [InlineData("DELETE FROM events_recent WHERE stream = 1 AND revision = 4")]
    public async Task A_missing_row_within_a_stream_makes_the_read_throw_and_not_end_short(string change)
    {
        await FillAsync();
        directory.Run(change);
        await using var engine = await directory.OpenAsync();
        await RequireRefusedAsync(async () => await engine.ReadAsync("stream-0"));
    }

    // Opening reads what it needs, and no more: a page among the rows is found by the call that reads it, and by VerifyAsync. What opening
    // does need and cannot read is reported there and then, with the place: a store that opens all the same would be read and written on a
    // guess.
    [Theory]
    [InlineData("events_store")]
    [InlineData("sqlite_autoindex_events_streams_1")]
    public async Task A_page_that_opening_cannot_read_is_refused_at_opening_and_any_other_is_not(string owner)
    {
        await FillAsync();
        FlipPage((int)(long)directory.Run($"SELECT rootpage FROM sqlite_master WHERE name = '{owner}'")!);
        await using var engine = directory.Engine();
        if (owner == "events_store")
        {
            var damage = await Assert.ThrowsAsync<CorruptStorageException>(async () => await engine.InitializeAsync());
            Assert.Contains(directory.Database, damage.Place, StringComparison.Ordinal);
            Assert.Contains("page", damage.Problem, StringComparison.Ordinal);
            return;
        }

        await engine.InitializeAsync();
        await RequireRefusedAsync(async () => await engine.ReadAsync("stream-0"));
        Assert.False((await engine.VerifyAsync()).IsSound);
    }

    // SQLite then fails to end the transaction that read, too. The report is what counts (G44): damage is found, located and reported, and
    // what lies behind it is checked.
    [Fact]
    public async Task A_page_that_SQLite_cannot_read_is_reported_and_what_lies_behind_it_is_checked_all_the_same()
    {
        await FillAsync(events: 2_000);
        var rowsPage = FlipPageOf("body-1000 ");
        FlipByteOf("body-1900 ");
        await using var engine = await directory.OpenAsync();
        var report = await engine.VerifyAsync();
        Assert.False(report.IsSound, $"the page at {rowsPage} is not what it was");
        Assert.Contains(report.Damages, damage => damage.Problem.Contains("SQLite cannot read the page", StringComparison.Ordinal));
        Assert.Contains(report.Damages, damage => damage.Place.EndsWith("events_commits, checkpoint 1900", StringComparison.Ordinal));
        await RequireRefusedAsync(async () => await engine.ReadAllAsync());
    }

    [Fact(Timeout = 120_000)]
    public async Task Whatever_bit_is_turned_every_read_returns_what_was_stored_or_throws_a_typed_error()
    {
        const int Rounds = 400;
        var random = new Random(20_261_130);
        await FillAsync();
        var sound = await File.ReadAllBytesAsync(directory.Database);
        var filled = Enumerable.Range(0, sound.Length).Where(at => sound[at] != 0).ToArray();
        for (var round = 0; round < Rounds; round++)
        {
            var (at, bit) = (filled[random.Next(filled.Length)], random.Next(8));
            var damaged = sound.ToArray();
            damaged[at] ^= (byte)(1 << bit);
            foreach (var log in (string[])["-wal", "-shm"]) File.Delete(directory.Database + log);
            await File.WriteAllBytesAsync(directory.Database, damaged);
            foreach (var (read, ask) in Reads)
            {
                try
                {
                    await using var engine = await directory.OpenAsync();
                    Assert.True(await ask(engine), $"{read} returned what was never stored, with bit {bit} of byte {at} turned");
                }
                catch (StorageException)
                {
                    // Found, and reported.
                }
                catch (Exception error) when (error is not Xunit.Sdk.XunitException)
                {
                    Assert.Fail($"{read} threw, with bit {bit} of byte {at} turned: {error}");
                }
            }
        }
    }

    // Each says whether the result can be one of what was stored.
    private static readonly (string Name, Func<SqlitePersistenceEngine, Task<bool>> Ask)[] Reads =
    [
        ("reading everything", async engine => (await engine.ReadAllAsync())
        .All(body => body.StartsWith("body-", StringComparison.Ordinal) && body.EndsWith(new string('x', 100), StringComparison.Ordinal))),
        ("reading a stream", async engine => (await engine.ReadAsync("stream-0")).Length is 0 or 10),
        ("listing heads", async engine => (await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100))).Count <= 2),
        ("a snapshot", async engine => await engine.FindSnapshotAsync("stream-0", Revision.Max) is null or { Payload.Span: [1, 2, 3] }),
        ("a document", async engine => await engine.FindDocumentAsync("document") is null or { Content.Span: [1, 2, 3] }),
        ("listing documents", async engine =>
            (await engine.ListDocumentsAsync("", "", 10)).All(document => document.Content.Span is [1, 2, 3])),
        ("verifying", async engine => await engine.VerifyAsync() is not null),
    ];

    private async Task FillAsync(int events = 20)
    {
        await using var engine = await directory.OpenAsync();
        await engine.CommitAsync(
            [.. Enumerable.Range(1, events).Select(i => Samples.Attempt($"stream-{(i + 1) % 2}", $"body-{i} " + new string('x', 100)))]);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(3), 1, "state", new byte[] { 1, 2, 3 }));
        await engine.PutDocumentAsync("document", new byte[] { 1, 2, 3 }, 0);
    }

    private static async Task RequireNamedAsync(SqlitePersistenceEngine engine, string place, string problem)
    {
        var damages = (await engine.VerifyAsync()).Damages;
        Assert.True(damages.Any(
            damage => damage.Place.EndsWith(place, StringComparison.Ordinal) && damage.Problem.Contains(problem, StringComparison.Ordinal)),
            $"of {string.Join("; ", damages)} none is at '{place}' and says '{problem}'");
    }

    private static async Task RequireRefusedAsync(Func<Task> read)
    {
        var damage = await Assert.ThrowsAsync<CorruptStorageException>(read);
        Assert.DoesNotContain("body-", damage.Message, StringComparison.Ordinal);
    }

    private void FlipByteOf(string text)
    {
        var bytes = File.ReadAllBytes(directory.Database);
        bytes[Find(bytes, text)] ^= 1;
        File.WriteAllBytes(directory.Database, bytes);
    }

    // Everything of the page on which a text lies is turned over.
    private int FlipPageOf(string text) => FlipPage((Find(File.ReadAllBytes(directory.Database), text) / PageBytes) + 1);

    // SQLite counts pages from 1.
    private int FlipPage(int number)
    {
        var bytes = File.ReadAllBytes(directory.Database);
        var page = (number - 1) * PageBytes;
        foreach (ref var value in bytes.AsSpan(page, PageBytes)) value ^= 0xFF;
        File.WriteAllBytes(directory.Database, bytes);
        return page;
    }

    private static int Find(byte[] bytes, string text)
    {
        var at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text));
        Assert.True(at > 0, $"'{text}' is not in the file");
        return at;
    }
}

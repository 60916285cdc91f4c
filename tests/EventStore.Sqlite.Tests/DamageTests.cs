using System.Text;

namespace EventStore.Sqlite.Tests;

/// <summary>What is damaged is found, named with its place, and never answered.</summary>
public sealed class DamageTests : IDisposable
{
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
    [InlineData("UPDATE events_commits SET stamp = stamp + 1 WHERE checkpoint = 7", "events_commits, checkpoint 7", "checksum of the commit")]
    [InlineData("UPDATE events_commits SET commit_id = randomblob(16) WHERE checkpoint = 7", "events_commits, checkpoint 7", "checksum of the commit")]
    [InlineData("UPDATE events_commits SET revision = -3 WHERE checkpoint = 7", "events_commits, checkpoint 7", "out of its range")]
    [InlineData("UPDATE events_commits SET event_count = 2 WHERE checkpoint = 7", "events_commits, checkpoint 7", "checksum of the commit")]
    [InlineData("UPDATE events_streams SET id = 'stream-2' WHERE id = 'stream-1'", "events_commits, checkpoint 2", "checksum of the commit")]
    [InlineData("DELETE FROM events_streams WHERE id = 'stream-1'", "events_streams, stream 2", "the row is missing")]
    [InlineData("DELETE FROM events_commits WHERE checkpoint = 7", "events_commits, stream 1, revision 5", "does not continue the commit before it")]
    [InlineData("DELETE FROM events_commits WHERE stream = 2", "events_recent, stream 2, revision 1", "leads to no commit")]
    [InlineData("DELETE FROM events_recent WHERE stream = 2", "events_streams, stream 2", "has no commits")]
    [InlineData("DELETE FROM events_recent WHERE stream = 1 AND revision = 4", "events_commits, checkpoint 7", "no entry by stream and revision")]
    [InlineData("UPDATE events_streams SET snapshot_revision = 9 WHERE stream = 1", "events_streams, stream 1", "newest snapshot is wrong")]
    [InlineData("UPDATE events_snapshots SET payload = x'00'", "events_snapshots, stream 'default//stream-0', revision 3", "checksum of the snapshot")]
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

    [Fact]
    public async Task A_page_that_SQLite_cannot_read_is_told_and_what_lies_behind_it_is_checked_all_the_same()
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

    private async Task FillAsync(int events = 20)
    {
        await using var engine = await directory.OpenAsync();
        await engine.CommitAsync([.. Enumerable.Range(1, events).Select(i => Samples.Attempt($"stream-{(i + 1) % 2}", $"body-{i} " + new string('x', 100)))]);
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", 3, 1, "state", new byte[] { 1, 2, 3 }));
        await engine.PutDocumentAsync("document", new byte[] { 1, 2, 3 }, 0);
    }

    private static async Task RequireNamedAsync(SqlitePersistenceEngine engine, string place, string problem)
    {
        var damages = (await engine.VerifyAsync()).Damages;
        Assert.True(damages.Any(damage => damage.Place.EndsWith(place, StringComparison.Ordinal) && damage.Problem.Contains(problem, StringComparison.Ordinal)),
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
    private int FlipPageOf(string text)
    {
        const int PageBytes = 4096;
        var bytes = File.ReadAllBytes(directory.Database);
        var page = Find(bytes, text) / PageBytes * PageBytes;
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

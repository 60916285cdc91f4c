namespace EventStore.Sqlite.Tests;

/// <summary>What is found at opening is checked, and refused with a sentence where it is not known.</summary>
public sealed class SchemaTests : IDisposable
{
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("UPDATE events_store SET schema_version = 7", "schema version 7")]
    [InlineData("UPDATE events_store SET schema_version = 3", "schema version 3")]
    [InlineData("DELETE FROM events_store", "schema version 0")]
    [InlineData("DROP TABLE events_store", "'events_store' is missing")]
    [InlineData("DROP TABLE events_snapshots", "'events_snapshots' is missing")]
    [InlineData("ALTER TABLE events_commits ADD COLUMN extra ANY", "'events_commits' has other columns")]
    [InlineData("DROP TABLE events_commits; CREATE TABLE events_commits (checkpoint INTEGER PRIMARY KEY)",
        "'events_commits' has other columns")]
    [InlineData("CREATE TRIGGER t AFTER INSERT ON events_commits BEGIN DELETE FROM events_commits; END", "trigger 't'")]
    [InlineData("CREATE INDEX i ON events_commits (hex(zeroblob(100000000)))", "index 'i'")]
    [InlineData("ALTER TABLE events_documents RENAME TO d; CREATE VIEW events_documents AS SELECT * FROM d", "'events_documents'")]
    public async Task An_unknown_or_damaged_schema_is_refused_with_a_sentence_and_stays_as_it_is(string change, string said)
    {
        await using (var engine = await directory.OpenAsync()) await engine.AppendAsync("stream", "body");
        directory.Run(change);
        var before = directory.Run("SELECT group_concat(sql) FROM sqlite_master");
        await using var again = directory.Engine();
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await again.InitializeAsync());
        Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", refused.Message, StringComparison.Ordinal);
        Assert.Equal(before, directory.Run("SELECT group_concat(sql) FROM sqlite_master"));
    }

    [Fact]
    public async Task A_trigger_that_is_made_while_the_store_is_open_does_not_run()
    {
        await using var engine = await directory.OpenAsync();
        await engine.AppendAsync("stream", "body");
        directory.Run("CREATE TRIGGER t AFTER INSERT ON events_commits BEGIN DELETE FROM events_commits; END");
        await engine.AppendAsync("stream", "another body");
        Assert.Equal(2, (await engine.VerifyAsync()).EventsChecked);
    }

    [Fact]
    public async Task A_checkpoint_that_no_store_reaches_is_refused_before_anything_is_written()
    {
        await using (var engine = await directory.OpenAsync()) await engine.AppendAsync("stream", "body");
        directory.Run($"UPDATE events_store SET checkpoint = {AttemptRules.MaxNumber - 1}");
        await using var again = await directory.OpenAsync();
        await Assert.ThrowsAsync<CorruptStorageException>(async () => await again.AppendAsync("stream", "another body"));
        Assert.Equal(1L, directory.Run("SELECT count(*) FROM events_commits"));
    }

    [Fact]
    public async Task A_database_in_another_encoding_is_refused()
    {
        directory.Run("PRAGMA encoding = 'UTF-16le'; CREATE TABLE mine (a);");
        await using var engine = directory.Engine();
        Assert.Contains("UTF-16le", (await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_and_stays_as_it_is()
    {
        await File.WriteAllTextAsync(directory.Database, new string('x', 10_000));
        await using var engine = directory.Engine();
        await Assert.ThrowsAsync<CorruptStorageException>(async () => await engine.InitializeAsync());
        Assert.Equal(new string('x', 10_000), await File.ReadAllTextAsync(directory.Database));
    }

    [Fact]
    public async Task A_missing_store_is_made_only_where_it_may_be()
    {
        var mayNot = EngineContext.Default with { MayCreateStorage = false };
        await using (var engine = directory.Engine(context: mayNot)) await Assert.ThrowsAsync<StorageNotFoundException>(
            async () => await engine.InitializeAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));

        directory.Run("CREATE TABLE mine (a)");
        await using (var engine = directory.Engine(context: mayNot)) await Assert.ThrowsAsync<StorageNotFoundException>(
            async () => await engine.InitializeAsync());
        Assert.Equal(1L, directory.Run("SELECT count(*) FROM sqlite_master"));
        Assert.Equal("delete", directory.Run("PRAGMA journal_mode"));

        await using (await directory.OpenAsync())
        {
            // Made by one that may.
        }

        await using var third = await directory.OpenAsync(context: mayNot);
        await third.AppendAsync("stream", "body");
    }

    [Fact]
    public async Task A_directory_that_cannot_be_made_is_reported()
    {
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "file"), "");
        await using var engine = new SqlitePersistenceEngine(SqliteLocation.Parse(Path.Combine(directory.Path, "file", "store.db")),
            new SqliteOptions(), EngineContext.Default);
        await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync());
    }
}

namespace EventStore.Sqlite.Tests;

/// <summary>A store that is only read: it follows the writer, refuses every write and makes nothing.</summary>
public sealed class ReadOnlyTests : IDisposable
{
    private static readonly SqliteOptions ReadOnly = new() { IsReadOnly = true };
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 60_000)]
    public async Task It_follows_the_writer_and_is_woken_by_it()
    {
        await using var writer = await directory.OpenAsync();
        await writer.AppendAsync("stream", "1");
        await using var reader = await directory.OpenAsync(ReadOnly);
        Assert.Equal(["1"], await reader.ReadAsync("stream"));
        var waiting = reader.WaitForCommitsAsync(new Checkpoint(1), TimeSpan.FromMinutes(5)).AsTask();
        await writer.AppendAsync("stream", "2");
        await waiting;
        Assert.Equal(["1", "2"], await reader.ReadAllAsync());
        Assert.True((await reader.VerifyAsync()).IsSound);
        Assert.Contains("for reading only", reader.Description.Durability.Basis, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_refuses_every_write_with_an_error_of_its_own()
    {
        await using (var writer = await directory.OpenAsync()) await writer.AppendAsync("stream", "1");
        await using var engine = new EngineCatalogue().AddSqlite()
            .Create($"sqlite:Data Source={directory.Database};Mode=ReadOnly", EngineContext.Default);
        await engine.InitializeAsync();
        Func<Task>[] writes =
        [
            async () => await engine.CommitAsync([Samples.Attempt("stream", "2")]),
            async () => await engine.SaveSnapshotAsync(new SnapshotRecord("stream", new Revision(1), 0, "state", default)),
            async () => await engine.PruneSnapshotsAsync("stream", 0),
            async () => await engine.PutDocumentAsync("document", default, 0),
            async () => await engine.DeleteDocumentAsync("document", 1),
            async () => await engine.DeleteStreamAsync("stream", StreamExpectation.Any),
            async () => await engine.TruncateStreamAsync("stream", new Revision(2), StreamExpectation.Any),
            async () => await engine.SealStreamAsync("stream", StreamExpectation.Any),
            async () => await engine.HoldAsync("import"),
            async () => await engine.PurgeAllAsync(),
        ];
        foreach (var write in writes)
        {
            var refused = await Assert.ThrowsAsync<ReadOnlyStorageException>(write);
            Assert.Contains(directory.Database, refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(["1"], await engine.ReadAllAsync());
    }

    [Fact]
    public async Task It_makes_nothing_where_nothing_is()
    {
        await using (var engine = directory.Engine(ReadOnly)) await Assert.ThrowsAsync<StorageNotFoundException>(
            async () => await engine.InitializeAsync());
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
        directory.Run("CREATE TABLE mine (a)");
        await using (var engine = directory.Engine(ReadOnly)) await Assert.ThrowsAsync<StorageNotFoundException>(
            async () => await engine.InitializeAsync());
        Assert.Equal(1L, directory.Run("SELECT count(*) FROM sqlite_master"));
    }

    [Fact]
    public async Task It_reads_a_file_that_its_process_may_not_write()
    {
        await using (var writer = await directory.OpenAsync()) await writer.AppendAsync("stream", "1");
        Assert.Equal([directory.Database], Directory.EnumerateFileSystemEntries(directory.Path));
        File.SetAttributes(directory.Database, FileAttributes.ReadOnly);
        await using (var reader = await directory.OpenAsync(ReadOnly)) Assert.Equal(["1"], await reader.ReadAllAsync());
        File.SetAttributes(directory.Database, FileAttributes.Normal);
    }
}

namespace EventStore.Sqlite.Tests;

/// <summary>A copy made while others write is the store as it was at one moment.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly TestDirectory directory = new();

    private string Target => Path.Combine(directory.Path, "backup.db");

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task A_backup_made_while_others_write_is_whole_and_opens()
    {
        await using var engine = await directory.OpenAsync();
        for (var i = 0; i < 20; i++) await engine.CommitAsync(
            [.. Enumerable.Range(0, 500).Select(at => Samples.Attempt($"stream-{at % 50}", new string('x', 300)))]);
        using var writing = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            while (!writing.IsCancellationRequested) await engine.AppendAsync("busy", "a", "b", "c");
        });
        await SqliteBackup.CreateAsync(directory.Database, Target);
        await writing.CancelAsync();
        await writer;

        await using var copy = new SqlitePersistenceEngine(SqliteLocation.Parse(Target), new SqliteOptions(), EngineContext.Default);
        await copy.InitializeAsync();
        Assert.True((await copy.VerifyAsync()).IsSound);
        Assert.InRange((await copy.ReadAllAsync(new EventFilter { Id = "busy" })).Length % 3, 0, 0);
        Assert.Equal(50, (await copy.ListHeadsAsync(new HeadQuery(null, 0, null, 1_000))).Count(head => head.Stream.Id != "busy"));
        var next = await copy.AppendAsync("stream-1", "goes on");
        Assert.Equal(201, next.FirstRevision.Value);
        Assert.DoesNotContain(Directory.EnumerateFiles(directory.Path), path => path.EndsWith(".unfinished", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_backup_writes_over_nothing_and_leaves_nothing_when_it_cannot_be_made()
    {
        await File.WriteAllTextAsync(Target, "mine");
        await Assert.ThrowsAsync<StorageException>(() => SqliteBackup.CreateAsync(directory.Database, Target));
        Assert.Equal("mine", await File.ReadAllTextAsync(Target));
        File.Delete(Target);

        await Assert.ThrowsAsync<StorageException>(() => SqliteBackup.CreateAsync(directory.Database, Target));
        await Assert.ThrowsAsync<WireupException>(() => SqliteBackup.CreateAsync(":memory:", Target));
        await using (await directory.OpenAsync())
        {
            await Assert.ThrowsAsync<StorageException>(() =>
                SqliteBackup.CreateAsync(directory.Database, Path.Combine(directory.Path, "missing", "backup.db")));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                SqliteBackup.CreateAsync(directory.Database, Target, new CancellationToken(canceled: true)));
        }

        Assert.Equal([directory.Database], Directory.EnumerateFileSystemEntries(directory.Path));
    }
}

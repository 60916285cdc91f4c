using Microsoft.Data.Sqlite;

namespace AkkaPersistence.Tests;

/// <summary>The space of deleted events and snapshots comes back.</summary>
public sealed class SpaceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("eventstore-akka-").FullName;

    [Fact]
    public async Task Files_get_it_back_by_compaction()
    {
        await FillAndDeleteAsync($"file:{folder}", delete: false);
        var full = SizeOfFiles();
        await FillAndDeleteAsync($"file:{folder}", delete: true);
        await new FileSystemStore(folder).CompactAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.InRange(SizeOfFiles(), 0, full / 5);
        await AssertGoesOnAsync($"file:{folder}");
    }

    [Fact]
    public async Task SQLite_gets_it_back_by_VACUUM()
    {
        var file = Path.Combine(folder, "store.db");
        await FillAndDeleteAsync($"sqlite:{file}", delete: false);
        var full = SizeOfFiles();
        await FillAndDeleteAsync($"sqlite:{file}", delete: true);
        await using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var vacuum = connection.CreateCommand();
            vacuum.CommandText = "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
            await vacuum.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        Assert.InRange(SizeOfFiles(), 0, full / 5);
        await AssertGoesOnAsync($"sqlite:{file}");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // Some megabytes of events and of snapshots; all but the last of each are deleted.
    private static async Task FillAndDeleteAsync(string address, bool delete)
    {
        await using var system = TestSystem.At(address);
        if (delete)
        {
            await system.Journal.DeleteAsync("a", 99);
            await system.Snapshots.DeleteAsync("a", new(99));
            return;
        }

        var text = new string('x', 20_000);
        for (var number = 1; number <= 100; number++)
        {
            await system.Journal.WriteAsync(JournalCalls.Write("a", number, text));
            await system.Snapshots.SaveAsync("a", number, text, DateTime.UnixEpoch);
        }
    }

    private static async Task AssertGoesOnAsync(string address)
    {
        await using var system = TestSystem.At(address);
        await system.Journal.WriteAsync(JournalCalls.Write("a", 101, "101"));
        var (highest, messages) = await system.Journal.ReplayAsync("a");
        Assert.Equal((101, 2), (highest, messages.Count));
        Assert.Equal(100, (await system.Snapshots.LoadAsync("a"))?.Metadata.SequenceNr);
    }

    private long SizeOfFiles() =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length);
}

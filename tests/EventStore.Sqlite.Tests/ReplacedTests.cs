using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace EventStore.Sqlite.Tests;

/// <summary>The files of an open database are removed, renamed or replaced; handles and limits of SQLite run out.</summary>
public sealed class ReplacedTests : IDisposable
{
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Theory]
    [InlineData("removed")]
    [InlineData("renamed")]
    [InlineData("replaced")]
    [InlineData("folder renamed")]
    public async Task A_database_whose_file_was_moved_away_acknowledges_nothing_and_shows_nothing(string what)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Windows refuses to move a file that is open.");
        var folder = Directory.CreateDirectory(Path.Combine(directory.Path, "folder")).FullName;
        var database = Path.Combine(folder, "store.db");
        await using var engine = new SqlitePersistenceEngine(SqliteLocation.Parse(database), new SqliteOptions(), EngineContext.Default);
        await engine.InitializeAsync();
        await engine.AppendAsync("stream", "one");
        await SqliteBackup.CreateAsync(database, database + ".backup");
        await engine.AppendAsync("stream", "two");
        Assert.Equal(["one", "two"], await engine.ReadAllAsync());
        Move(what, folder, database);

        await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.CommitAsync([Samples.Attempt("stream", "three")]));
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.ReadAllAsync());
        await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.FindHeadAsync("stream"));
    }

    [Fact]
    public async Task A_reader_that_holds_no_file_yet_does_not_read_another_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Windows refuses to move a file that is open.");
        await using var engine = await directory.OpenAsync();
        await engine.AppendAsync("stream", "one");
        using (var other = new TestDirectory())
        {
            await using (var another = await other.OpenAsync())
            {
                await another.AppendAsync("foreign", "a");
                await another.AppendAsync("foreign", "b");
            }

            File.Move(other.Database, directory.Database, overwrite: true);
        }

        await Assert.ThrowsAsync<StorageReplacedException>(async () => await engine.ReadAllAsync());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_store_that_is_there_is_opened_while_another_connection_writes()
    {
        await using (var first = await directory.OpenAsync()) await first.AppendAsync("stream", "one");
        using var other = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        other.Open();
        using var held = other.BeginTransaction(deferred: false);
        await using var engine = await directory.OpenAsync(new SqliteOptions { BusyTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.Equal(["one"], await engine.ReadAllAsync());
    }

    [Theory]
    [InlineData(raw.SQLITE_BUSY, 0, typeof(StorageUnavailableException), "held by another connection")]
    [InlineData(raw.SQLITE_FULL, 0, typeof(StorageUnavailableException), "no space left")]
    [InlineData(raw.SQLITE_PROTOCOL, 0, typeof(StorageUnavailableException), "network file system")]
    [InlineData(raw.SQLITE_NOMEM, 0, typeof(StorageUnavailableException), "memory")]
    [InlineData(raw.SQLITE_READONLY, 0, typeof(StorageException), "IsReadOnly")]
    [InlineData(raw.SQLITE_READONLY, SqliteErrors.ReadOnlyDirectory, typeof(StorageException), "write to that directory")]
    [InlineData(raw.SQLITE_READONLY, SqliteErrors.ReadOnlyCannotBegin, typeof(StorageException), "write to that directory")]
    [InlineData(raw.SQLITE_READONLY, raw.SQLITE_READONLY_DBMOVED, typeof(StorageReplacedException), "replaced")]
    [InlineData(raw.SQLITE_CANTOPEN, 0, typeof(StorageException), "directory")]
    [InlineData(raw.SQLITE_IOERR, raw.SQLITE_IOERR_FSYNC, typeof(StorageException), "VerifyAsync")]
    [InlineData(raw.SQLITE_PERM, 0, typeof(StorageException), "right to read")]
    [InlineData(raw.SQLITE_TOOBIG, 0, typeof(StorageException), "Split it")]
    [InlineData(raw.SQLITE_CORRUPT, 0, typeof(CorruptStorageException), "restore")]
    public void An_error_of_SQLite_says_what_to_do(int code, int extended, Type type, string advice)
    {
        var error = SqliteErrors.Of(
            new SqliteException("", code, extended == 0 ? code : extended), SqliteLocation.Parse(directory.Database));
        Assert.Equal(type, error.GetType());
        Assert.Contains(advice, error.Message, StringComparison.Ordinal);
        Assert.Equal(advice == nameof(SqliteOptions.IsReadOnly), error.Message.Contains("IsReadOnly", StringComparison.Ordinal));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_process_without_file_handles_may_try_again()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The limit on handles is set as Linux does it.");
        await using (await directory.OpenAsync())
        {
        }

        await using var worker = Workers.Worker.Start("lack-handles", directory.Database);
        Assert.Equal(["StorageUnavailableException", "StorageUnavailableException", "Committed"], await worker.EndAsync());
    }

    [Fact]
    public async Task Many_callers_that_wait_share_one_watch()
    {
        const int Callers = 300;
        var time = new CountsTimers();
        await using var engine = await directory.OpenAsync(context: EngineContext.Default with { Time = time });
        await engine.AppendAsync("stream", "one");
        using var ending = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, Callers)
            .Select(_ => engine.WaitForCommitsAsync(new Checkpoint(1), TimeSpan.FromMinutes(5), ending.Token).AsTask()).ToArray();
        while (time.Made < Callers + 10) await Task.Delay(10, TestContext.Current.CancellationToken);
        await ending.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(waiting));
        Assert.InRange(time.Made, 0, Callers + 200);
    }

    [Fact]
    public void A_build_of_SQLite_that_takes_less_has_lower_limits()
    {
        Assert.Equal(500_000, SqlitePersistenceEngine.LimitsOf(1_000_000).MaxCommitBytes);
        Assert.Equal(64 << 20, SqlitePersistenceEngine.LimitsOf(1_000_000_000).MaxCommitBytes);
    }

    [Fact]
    public void A_password_without_a_data_source_is_not_taken_for_a_path_and_not_shown()
    {
        var refused = Assert.Throws<WireupException>(() => SqliteLocation.Parse("Password=hunter2;Mode=ReadOnly"));
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    private static void Move(string what, string folder, string database)
    {
        switch (what)
        {
            case "removed": File.Delete(database); break;
            case "renamed": File.Move(database, database + ".old"); break;
            case "replaced": File.Move(database + ".backup", database, overwrite: true); break;
            default: Directory.Move(folder, folder + "-old"); break;
        }
    }

    private sealed class CountsTimers : TimeProvider
    {
        private int made;

        public int Made => Volatile.Read(ref made);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref made);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}

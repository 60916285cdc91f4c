using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite.Tests;

/// <summary>A database that is held by others, or has no space left.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 60_000)]
    public async Task A_database_that_stays_held_is_reported_after_the_time_limit_and_taken_once_it_is_free()
    {
        await using var engine = await directory.OpenAsync(new SqliteOptions { BusyTimeout = TimeSpan.FromMilliseconds(150) });
        await using var patient = await directory.OpenAsync();
        var attempt = Samples.Attempt("stream", "body");
        Task<IReadOnlyList<CommitOutcome>> waiting;
        using (var other = new SqliteConnection($"Data Source={directory.Database};Pooling=False"))
        {
            other.Open();
            using var held = other.BeginTransaction(deferred: false);
            var started = Stopwatch.GetTimestamp();
            var error = await Assert.ThrowsAsync<StorageUnavailableException>(async () => await engine.CommitAsync([attempt]));
            Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.FromMilliseconds(150), TimeSpan.FromSeconds(30));
            Assert.Contains("Nothing was stored", error.Message, StringComparison.Ordinal);
            Assert.Null(await engine.FindHeadAsync("stream"));

            waiting = patient.CommitAsync([attempt]).AsTask();
            Assert.False(waiting.IsCompleted);
            held.Commit();
        }

        Assert.Equal(CommitOutcomeKind.Committed, (await waiting)[0].Kind);
        Assert.Equal(CommitOutcomeKind.Duplicate, (await engine.CommitAsync([attempt]))[0].Kind);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_that_waits_for_a_held_database_can_be_cancelled_and_stores_nothing()
    {
        await using var engine = await directory.OpenAsync();
        using var other = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        other.Open();
        using var held = other.BeginTransaction(deferred: false);
        using var cancelling = new CancellationTokenSource();
        var waiting = engine.CommitAsync([Samples.Attempt("stream", "body")], cancelling.Token).AsTask();
        await cancelling.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        held.Rollback();
        Assert.Null(await engine.FindHeadAsync("stream"));
    }

    [Fact]
    public async Task A_database_that_may_not_grow_refuses_what_does_not_fit_and_goes_on_when_it_may()
    {
        await using var engine = await directory.OpenAsync();
        await engine.AppendAsync("small", "before");
        await LimitAsync(engine, 200);
        var attempt = Samples.Attempt("large", new string('x', 4_000_000));
        var error = await Assert.ThrowsAsync<StorageUnavailableException>(async () =>
            await engine.CommitAsync([Samples.Attempt("small", "not alone"), attempt]));
        Assert.Contains("no space left", error.Message, StringComparison.Ordinal);
        Assert.Equal(["before"], await engine.ReadAllAsync());

        Assert.Equal(2, (await engine.AppendAsync("small", "fits")).FirstCheckpoint.Value);
        await LimitAsync(engine, 1 << 20);
        Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([attempt]))[0].Kind);
        Assert.True((await engine.VerifyAsync()).IsSound);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_full_disk_fails_the_commits_concerned_and_loses_nothing()
    {
        var mount = Path.Combine(directory.Path, "small");
        Directory.CreateDirectory(mount);
        Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=3m", "none", mount),
            "A small file system can be mounted by root on Linux only.");
        try
        {
            var database = SqliteLocation.Parse(Path.Combine(mount, "store.db"));
            var stored = new List<Guid>();
            await using (var engine = new SqlitePersistenceEngine(database, new SqliteOptions(), EngineContext.Default))
            {
                await engine.InitializeAsync();
                StorageUnavailableException? full = null;
                for (var i = 0; full is null; i++)
                {
                    var attempt = Samples.Attempt($"stream-{i % 10}", new string('x', 20_000));
                    try
                    {
                        await engine.CommitAsync([attempt]);
                        stored.Add(attempt.CommitId);
                    }
                    catch (StorageUnavailableException error)
                    {
                        full = error;
                    }
                }

                Assert.NotEmpty(stored);
                Assert.Equal(stored.Count, (await engine.ReadAllAsync()).Length);
                Assert.True(await RunAsync("mount", "-o", "remount,size=64m", mount));
                await engine.AppendAsync("after", "room again");
            }

            await using var again = new SqlitePersistenceEngine(database, new SqliteOptions(), EngineContext.Default);
            await again.InitializeAsync();
            Assert.True((await again.VerifyAsync()).IsSound);
            var page = await again.ReadAllAsync(new StoreRead(EventFilter.Everything, new Checkpoint(0), Checkpoint.Max,
                ReadDirection.Forward, new PageLimit(10_000, long.MaxValue)));
            Assert.Equal(stored, page.Events.ToArray()[..^1].Select(recorded => recorded.Commit.CommitId));
        }
        finally
        {
            await RunAsync("umount", mount);
        }
    }

    private static async Task LimitAsync(SqlitePersistenceEngine engine, int pages) =>
        await engine.Database.WriteAsync(session => session.Pragma($"max_page_count = {pages}"), CancellationToken.None);

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) return false;
        using var process =
            Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode == 0;
    }
}

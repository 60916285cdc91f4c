using System.Diagnostics;
using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite.Tests;

/// <summary>
/// Rows that a process changed that computes the checksums again. Every member returns something sound or throws an exception of the
/// contract, in time and memory.
/// </summary>
[Collection(nameof(MutationTests))]
public sealed class MutationTests : IDisposable
{
    private const long MostBytes = 64 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private static readonly int Cases = Environment.GetEnvironmentVariable("EVENTSTORE_CONFORMANCE") == "long" ? 200_000 : 2_000;
    private readonly TestDirectory directory = new();
    private CommitRecord? original;
    private int refused;

    private CommitRecord First => original ?? throw new InvalidOperationException("The store is not filled yet.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 10_000_000)]
    public async Task A_row_that_was_changed_with_a_fitting_checksum_is_read_or_refused_in_time_and_memory()
    {
        await FillAsync();
        var sound = await File.ReadAllBytesAsync(directory.Database, Token);
        var (slowest, largest) = (TimeSpan.Zero, 0L);
        for (var seed = 1; seed <= Cases; seed++)
        {
            foreach (var log in (string[])["-wal", "-shm"]) File.Delete(directory.Database + log);
            await File.WriteAllBytesAsync(directory.Database, sound, Token);
            var random = new Random(seed);
            string done;
            await using (var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False"))
            {
                await connection.OpenAsync(Token);
                var mutator = new RowMutator(connection, random);
                done = $"seed {seed}: {mutator.Mutate()}{(random.Next(4) == 0 ? ", " + mutator.Mutate() : "")}";
            }

            var (before, started) = (GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
            foreach (var (name, call) in Calls) await ReturnsAsync(call, $"{done}, {name}");

            var (allocated, time) = (GC.GetTotalAllocatedBytes() - before, Stopwatch.GetElapsedTime(started));
            (slowest, largest) = (time > slowest ? time : slowest, Math.Max(largest, allocated));
            Assert.True(allocated < MostBytes, $"{done}: {allocated} bytes allocated");
        }

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{Cases} mutations, {refused} calls refused; longest case {slowest.TotalMilliseconds:0} ms, "
                + $"most allocated by a case {largest >> 10} KiB");
    }

    // Each opens the store for itself: what is refused at opening is refused for all of them.
    private (string Name, Func<SqlitePersistenceEngine, Task> Call)[] Calls =>
    [
        ("reads", async engine =>
        {
            foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
            {
                await TryAsync(async () => await engine.ReadAllAsync(
                    new StoreRead(EventFilter.Everything, default, Checkpoint.Max, direction, new PageLimit(100, 1 << 20)), Token));
                await TryAsync(async () => await engine.ReadStreamAsync(
                    new StreamRead("stream-0", new Revision(1), Revision.Max, direction, new PageLimit(100, 1 << 20)), Token));
            }

            await TryAsync(async () => await engine.ListHeadsAsync(new HeadQuery(null, 0, null, 100), Token));
            await TryAsync(async () => await engine.FindHeadAsync("stream-0", Token));
            await TryAsync(async () => await engine.FindSnapshotAsync("stream-0", Revision.Max, Token));
            await TryAsync(async () => await engine.FindCommitAsync(First.Stream, First.CommitId, Token));
            await TryAsync(async () => await engine.ListDocumentsAsync("", "", 10, Token));
            await TryAsync(async () => await engine.VerifyAsync(null, Token));
        }),
        ("writes", async engine =>
        {
            var attempt = Samples.Attempt("stream-0", "new");
            var again = new CommitAttempt(First.Stream, First.CommitId, attempt.Events) { Expected = ExpectedRevision.Exactly(0) };
            await TryAsync(async () => await engine.CommitAsync([attempt, Samples.Attempt("new", "new")], Token));
            await TryAsync(async () => await engine.CommitAsync([again], Token));
            await TryAsync(async () => await engine.SaveSnapshotAsync(
                new SnapshotRecord("stream-0", new Revision(2), 1, "state", new byte[3]), Token));
            await TryAsync(async () => await engine.PruneSnapshotsAsync("stream-0", 1, Token));
            await TryAsync(async () => await engine.PutDocumentAsync("new", new byte[3], 0, Token));
            await TryAsync(async () => await engine.DeleteStreamAsync("stream-1", StreamExpectation.Any, Token));
            await TryAsync(async () => await engine.PurgeAllAsync(Token));
        }),
    ];

    private async Task ReturnsAsync(Func<SqlitePersistenceEngine, Task> call, string what)
    {
        try
        {
            await TryAsync(async () =>
            {
                await using var engine = directory.Engine();
                await engine.InitializeAsync(Token);
                await call(engine);
            }).WaitAsync(Longest, Token);
        }
        catch (Exception error) when (!Token.IsCancellationRequested)
        {
            throw new InvalidOperationException(what, error);
        }
    }

    private async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (EventStoreException error) when (error is not StorageUnavailableException)
        {
            refused++;
        }
    }

    private async Task FillAsync()
    {
        await using var engine = await directory.OpenAsync();
        original = await engine.AppendAsync("stream-0", "body");
        for (var i = 0; i < 19; i++) await engine.AppendAsync($"stream-{i % 2}", "body", "another " + new string('x', i * 40));
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-0", new Revision(3), 1, "state", new byte[] { 1, 2, 3 }));
        await engine.SaveSnapshotAsync(new SnapshotRecord("stream-1", new Revision(1), 0, "state", new byte[] { 1, 2, 3 }));
        foreach (var name in (string[])["a", "b"]) await engine.PutDocumentAsync(name, new byte[] { 1, 2, 3 }, 0);
    }
}

/// <summary>Nothing else runs beside it, so that what is allocated is its own.</summary>
[CollectionDefinition(nameof(MutationTests), DisableParallelization = true)]
public sealed class MutationCollection;

using EventStore.TestSupport;
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

    // So that there are twenty commits.
    private const int Pairs = 16;
    private readonly TestDirectory directory = new();
    private readonly EngineCalls calls = new(Token);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => directory.Dispose();

    [Fact(Timeout = 10_000_000)]
    public async Task A_row_that_was_changed_with_a_fitting_checksum_is_read_or_refused_in_time_and_memory()
    {
        await using (var engine = await directory.OpenAsync()) await calls.FillAsync(engine, Pairs);
        await using (var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False"))
        {
            await connection.OpenAsync(Token);
            new RowMutator(connection, new Random(1)).Seal();
        }

        await calls.RequireWholeAsync(directory.Engine(), Pairs);
        var sound = await File.ReadAllBytesAsync(directory.Database, Token);
        var run = new MutationRun(2_000, 200_000, MostBytes);
        await run.RunAsync(
            async (_, random) =>
            {
                foreach (var log in (string[])["-wal", "-shm"]) File.Delete(directory.Database + log);
                await File.WriteAllBytesAsync(directory.Database, sound, Token);
                await using var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
                await connection.OpenAsync(Token);
                var mutator = new RowMutator(connection, random);
                return $"{mutator.Mutate()}{(random.Next(4) == 0 ? ", " + mutator.Mutate() : "")}";
            },
            async random =>
            {
                var writers = calls.Writers;
                random.Shuffle(writers);
                foreach (var group in (IEnumerable<(string, Func<IPersistenceEngine, Task>)>[])[calls.Readers, writers])
                    await run.UseAsync(directory.Engine(), group, error =>
                        error is not (StorageUnavailableException or BatchOutcomeUnknownException));
            });
    }
}

/// <summary>Nothing else runs beside it, so that what is allocated is its own.</summary>
[CollectionDefinition(nameof(MutationTests), DisableParallelization = true)]
public sealed class MutationCollection;

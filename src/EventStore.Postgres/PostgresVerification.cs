using System.Data;
using Dapper;

namespace EventStore.Postgres;

/// <summary>Checks the whole store by statements of the server, within one snapshot of the database.</summary>
internal sealed class PostgresVerification(PostgresConnections connections, PostgresSql sql)
{
    private const int None = 0; // no time limit: the statement may take as long as the store is large

    /// <summary>Runs the checks, and reports progress at the beginning and the end.</summary>
    public ValueTask<VerificationReport> RunAsync(IProgress<VerificationProgress>? progress, CancellationToken cancellationToken) =>
        connections.AskAsync("verify the store", async (connection, token) =>
    {
        var transaction = connections.IsInside ? null
            : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, token).ConfigureAwait(false);
        await using var transactionEnding = ((IAsyncDisposable?)transaction ?? NothingToEnd.Instance).ConfigureAwait(false);
        var (commits, events) = await connection.QueryUnbufferedAsync<CountRow>(sql.Load("count-all"), commandTimeout: None)
            .FirstAsync(token).ConfigureAwait(false);
        progress?.Report(new VerificationProgress(0, events));
        var damages = await connection.QueryUnbufferedAsync<DamageRow>(sql.Load("find-damages"), commandTimeout: None)
            .Select(damage => new Damage($"{sql.QuotedSchema}, {damage.Place}", damage.Problem,
            "Restore the database from a backup made before, and find out who wrote to its tables."))
            .ToListAsync(token).ConfigureAwait(false);
        progress?.Report(new VerificationProgress(events, events));
        return new VerificationReport(commits, events, damages);
    }, cancellationToken);

    internal sealed record CountRow(long Commits, long Events);

    internal sealed record DamageRow(string Place, string Problem);

    // Inside a transaction of the application the engine has none to end.
    private sealed class NothingToEnd : IAsyncDisposable
    {
        public static NothingToEnd Instance { get; } = new();

        public ValueTask DisposeAsync() => default;
    }
}

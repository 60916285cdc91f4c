using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Notices a pooler that gives out its connections by transaction and mixes up the prepared statements of its clients. A client might carry
/// out a statement of another one, so no store is opened over it.
/// </summary>
internal static class PostgresPooler
{
    /// <summary>Prepares two statements over two connections, and requires that each keeps its own.</summary>
    /// <param name="connections">Where the second connection comes from.</param>
    /// <param name="first">The first one.</param>
    /// <param name="serverProcess">The process of the server that serves it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="StorageException">They do not.</exception>
    public static async Task RequireOwnStatementsAsync(
        PostgresConnections connections, NpgsqlConnection first, int serverProcess, CancellationToken cancellationToken)
    {
        // A pooler gives its clients process numbers of its own.
        var settings = new NpgsqlConnectionStringBuilder(first.ConnectionString);
        if (first.ProcessID == serverProcess || connections.IsInside || settings is { MaxAutoPrepare: 0 } or { MaxPoolSize: 1 }) return;
        var lease = await connections.RentAsync(cancellationToken).ConfigureAwait(false);
        await using var leaseEnding = lease.ConfigureAwait(false);
        try
        {
            // The driver names statements by their number on a connection, so both have the same name.
            var (one, two) = (new NpgsqlCommand("SELECT 1", first), new NpgsqlCommand("SELECT 2", lease.Connection));
            await using var oneEnding = one.ConfigureAwait(false);
            await using var twoEnding = two.ConfigureAwait(false);
            await one.PrepareAsync(cancellationToken).ConfigureAwait(false);
            await two.PrepareAsync(cancellationToken).ConfigureAwait(false);
            if (await one.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not 1
                || await two.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not 2)
                throw new StorageException($"The store cannot be opened. Nothing was changed. {PostgresCode.Pooler}");
            await one.UnprepareAsync(cancellationToken).ConfigureAwait(false);
            await two.UnprepareAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            lease.Discard();
            throw;
        }
    }
}

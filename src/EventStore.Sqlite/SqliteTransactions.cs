using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite;

/// <summary>
/// Runs work as transactions. Another process may hold the database: then a call waits without holding a thread, up to a limit.
/// </summary>
internal sealed class SqliteTransactions(SqliteLocation location, TimeSpan busyTimeout, TimeProvider time)
{
    private const int LongestWaitMilliseconds = 8;

    /// <summary>Asks by the database as it is at one moment.</summary>
    public ValueTask<T> ReadAsync<T>(SqliteSession session, Func<SqliteSession, T> ask, CancellationToken cancellationToken) =>
        WaitingAsync(() => Run(session, isWriter: false, ask), cancellationToken);

    /// <summary>
    /// Changes the database as its only writer. The work is run again if it could not begin, or not end, for another's sake.
    /// </summary>
    /// <exception cref="BatchOutcomeUnknownException">The end failed in a way that leaves open what is stored.</exception>
    public ValueTask<T> WriteAsync<T>(SqliteSession session, Func<SqliteSession, T> change, CancellationToken cancellationToken) =>
        WaitingAsync(() => Run(session, isWriter: true, change), cancellationToken);

    /// <summary>Does something again and again while another is in the way.</summary>
    public async ValueTask<T> WaitingAsync<T>(Func<T> attempt, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var wait = 1; ; wait = Math.Min(wait * 2, LongestWaitMilliseconds))
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                return attempt();
            }
            catch (SqliteException error) when (SqliteErrors.IsBusy(error))
            {
                if (time.GetElapsedTime(started) >= busyTimeout) throw SqliteErrors.StillBusy(error, location, busyTimeout);
            }

            // Waits of different lengths, so that waiting calls do not come back all at once.
            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(1, wait + 1)), time, cancellationToken).ConfigureAwait(false);
        }
    }

    private T Run<T>(SqliteSession session, bool isWriter, Func<SqliteSession, T> work)
    {
        if (isWriter) session.BeginImmediate();
        else session.Begin();
        T result;
        try
        {
            result = work(session);
        }
        catch
        {
            session.Rollback();
            throw;
        }

        try
        {
            session.Commit();
            return result;
        }
        catch (SqliteException error)
        {
            session.Rollback();

            // SQLite ends no transaction well in which it met a damaged page, not even one that only reads. What was read until then holds:
            // a page that could not be read made the work fail, except for a verification, whose report names it.
            if (!isWriter && SqliteErrors.IsDamage(error)) return result;
            if (!isWriter || SqliteErrors.StoredNothing(error)) throw;
            throw new BatchOutcomeUnknownException(
                $"SQLite failed with code {error.SqliteErrorCode} ({error.SqliteExtendedErrorCode}) when a transaction on "
                    + $"'{location.Path}' ended.", error);
        }
    }
}

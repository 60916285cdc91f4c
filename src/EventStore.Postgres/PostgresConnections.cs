using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Transactions;
using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Where connections come from: a data source of our own, one of the application, or the connection of a transaction that the application
/// began. The last one is used by one caller at a time, and its transaction is neither begun nor ended here.
/// </summary>
internal sealed class PostgresConnections : IAsyncDisposable
{
    // Array parameters of unlike lengths would be planned each time, and plans made while the tables were small would scan them later.
    // The cost of a disabled scan would make the server compile each such statement, so compiling is off.
    // Tables are named with their schema. Functions and operators are those of the server, whatever others make in other schemas.
    private const string SessionSettings =
        "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off; SET search_path = pg_catalog";

    // Statements are prepared by use, nothing is reset that is not set, and a page is taken from the socket in few pieces. What a
    // connection string says itself comes later in it, and holds.
    private const string ConnectionDefaults =
        "Max Auto Prepare=64;Auto Prepare Min Usages=2;No Reset On Close=true;Read Buffer Size=65536;Application Name=EventStore;";

    private readonly NpgsqlDataSource? dataSource;
    private readonly bool isOwned;
    private readonly NpgsqlTransaction? transaction;
    private readonly NpgsqlConnection? borrowed;
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly StorageHistory history;
    private volatile bool mayLag;

    private PostgresConnections(NpgsqlDataSource? dataSource, bool isOwned, NpgsqlTransaction? transaction)
    {
        (this.dataSource, this.isOwned) = (dataSource, isOwned);
        this.transaction = transaction;
        if (transaction is not null)
        {
            RequireOpen(transaction, over => new WireupException(over));
            borrowed = transaction.Connection!;
        }

        var address = new NpgsqlConnectionStringBuilder(dataSource?.ConnectionString ?? borrowed!.ConnectionString);
        Address = $"{address.Host}:{address.Port}/{address.Database ?? address.Username}";
        history = new StorageHistory($"postgres:{Address}");
    }

    /// <summary>Host, port and database; no role and no password.</summary>
    public string Address { get; }

    /// <summary>Whether everything happens inside a transaction of the application.</summary>
    [MemberNotNullWhen(false, nameof(dataSource))]
    [MemberNotNullWhen(true, nameof(borrowed), nameof(transaction))]
    public bool IsInside => borrowed is not null;

    /// <summary>The newest checkpoint seen.</summary>
    public Checkpoint Newest => history.Newest;

    /// <summary>A standby may return an older state than another one did before.</summary>
    public void AllowLag() => mayLag = true;

    /// <summary>Throws if the store was found set back to an older state.</summary>
    public void RequireIntact() => history.RequireIntact();

    /// <summary>
    /// Compares the newest checkpoint with what was seen before it was asked for. A transaction of the application may be rolled back, so
    /// nothing is remembered inside it.
    /// </summary>
    /// <exception cref="StorageReplacedException">The store has less than was seen.</exception>
    public void Observe(Checkpoint found, Checkpoint known)
    {
        if (!IsInside && !mayLag) history.Observe(found, known);
    }

    /// <summary>A connection string with what suits the store where it says nothing.</summary>
    /// <exception cref="WireupException">The text is not a connection string. The message does not show it.</exception>
    public static string Complete(string connectionString)
    {
        try
        {
            if (!Paths.IsPath(connectionString)) throw new FormatException("It is blank, or has a character that has no UTF-8 form.");
            var given = new NpgsqlConnectionStringBuilder(ConnectionDefaults + connectionString);
            if (string.IsNullOrWhiteSpace(given.Host)) throw new ArgumentException("It names no host.");
            if (given.Port > IPEndPoint.MaxPort) throw new ArgumentException("It names no port.");
            NpgsqlDataSource.Create(given).Dispose(); // settings that contradict each other are found here; nothing is opened
            return given.ConnectionString;
        }
        catch (Exception error) when (
            error is ArgumentException or FormatException or KeyNotFoundException or NotSupportedException or InvalidOperationException)
        {
            throw new WireupException(
                $"The connection string for PostgreSQL cannot be read ({error.GetType().Name}). "
                    + "Write it as in 'Host=localhost;Database=orders;Username=app'.");
        }
    }

    public static PostgresConnections To(string connectionString)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);

        // Without prepared statements there are no plans to keep, and a pooler would hand the settings on to its other clients.
        if (builder.ConnectionStringBuilder.MaxAutoPrepare > 0)
            builder.UsePhysicalConnectionInitializer(
                connection => Set(connection).ExecuteNonQuery(),
                async connection => await Set(connection).ExecuteNonQueryAsync().ConfigureAwait(false));
        return new PostgresConnections(builder.Build(), isOwned: true, null);
    }

    public static PostgresConnections Of(NpgsqlDataSource dataSource) => new(dataSource, isOwned: false, null);

    public static PostgresConnections Inside(NpgsqlTransaction transaction) => new(null, isOwned: false, transaction);

    /// <summary>A connection that is the caller's until it disposes the lease.</summary>
    public async ValueTask<Lease> RentAsync(CancellationToken cancellationToken)
    {
        if (!IsInside) return new Lease(await OpenAsync(dataSource, cancellationToken).ConfigureAwait(false), null, dataSource);
        RequireOpen(transaction, over => new StorageException(over));
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Lease(borrowed, turn, null);
    }

    /// <summary>Asks something that changes nothing. A pooled connection that turns out to be dead is replaced once.</summary>
    public async ValueTask<T> AskAsync<T>(string what, Func<NpgsqlConnection, CancellationToken, Task<T>> ask,
        CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var lease = await RentAsync(cancellationToken).ConfigureAwait(false);
                return await AskAsync(lease, ask, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (attempt == 1 && !IsInside && PostgresErrors.IsOfConnection(error))
            {
                Forget();
            }
            catch (Exception error) when (PostgresErrors.Refused(error, what) is var translated && translated != error)
            {
                throw translated;
            }
        }
    }

    /// <summary>
    /// Changes something in a transaction: all of it or nothing. Once it was sent, a lost connection leaves the outcome open.
    /// </summary>
    public async ValueTask<T> ChangeAsync<T>(string what, Func<NpgsqlConnection, Task<T>> change, CancellationToken cancellationToken)
    {
        var lease = await RentForChangeAsync(what, cancellationToken).ConfigureAwait(false);
        await using var returning = lease.ConfigureAwait(false);
        try
        {
            if (IsInside) return await change(lease.Connection).ConfigureAwait(false);
            var own = await lease.Connection.BeginTransactionAsync(System.Data.IsolationLevel.ReadCommitted, CancellationToken.None)
                .ConfigureAwait(false);
            await using var ending = own.ConfigureAwait(false);
            var answer = await change(lease.Connection).ConfigureAwait(false);
            await own.CommitAsync(CancellationToken.None).ConfigureAwait(false);
            return answer;
        }
        catch (Exception error) when (lease.Doubts(error))
        {
            throw;
        }
        catch (Exception error) when ((IsInside ? PostgresErrors.Refused(error, what) : PostgresErrors.Sent(error, what)) is var translated
            && translated != error)
        {
            throw translated;
        }
    }

    /// <summary>A connection for a change: where none can be had, nothing was carried out.</summary>
    public async ValueTask<Lease> RentForChangeAsync(string what, CancellationToken cancellationToken)
    {
        try
        {
            return await RentAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (PostgresErrors.Refused(error, what) is var translated && translated != error)
        {
            throw translated;
        }
    }

    /// <summary>Releases idle connections, which are dead when one of them is.</summary>
    public void Forget()
    {
        if (isOwned) dataSource!.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        if (isOwned) await dataSource!.DisposeAsync().ConfigureAwait(false);
        turn.Dispose();
    }

    // The driver cancels by a request of its own, beside the connection. It may reach a later statement, and was seen to leave driver and
    // server in disagreement. So a caller that cancels leaves, and what it asked ends by itself: it is short, and its time is limited.
    // On a connection of the application the next statement is not ours, so there the driver has to cancel.
    private static async Task<T> AskAsync<T>(
        Lease lease, Func<NpgsqlConnection, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        if (lease.IsBorrowed) return await AskAndReturnAsync(lease, ask, cancellationToken).ConfigureAwait(false);
        var asking = AskAndReturnAsync(lease, ask, CancellationToken.None);
        try
        {
            return await asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!asking.IsCompleted)
        {
            _ = asking.ContinueWith(static left => left.Exception, TaskScheduler.Default); // no caller waits for it any more
            throw;
        }
    }

    private static async Task<T> AskAndReturnAsync<T>(
        Lease lease, Func<NpgsqlConnection, CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        await using var returning = lease.ConfigureAwait(false);
        try
        {
            return await ask(lease.Connection, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (lease.Doubts(error))
        {
            throw;
        }
    }

    // The driver would make a connection part of the scope of System.Transactions that is around the caller, and what is reported as
    // committed, also to other callers whose commits are in the same batch, would depend on its end. An application that wants one
    // transaction hands over its own.
    private static async ValueTask<NpgsqlConnection> OpenAsync(NpgsqlDataSource dataSource, CancellationToken cancellationToken)
    {
        if (Transaction.Current is null) return await dataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        using var outside = new TransactionScope(TransactionScopeOption.Suppress, TransactionScopeAsyncFlowOption.Enabled);
        return await dataSource.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
    }

    // What is sent after the end of the transaction would take effect at once, outside of every section. The driver reports it only by an
    // exception.
    private static void RequireOpen(NpgsqlTransaction transaction, Func<string, Exception> refuse)
    {
        try
        {
            _ = transaction.IsolationLevel;
        }
        catch (InvalidOperationException)
        {
            throw refuse(
                "The transaction that was handed to UsingPostgresPersistence is over. Nothing was stored; "
                    + "hand over an open one, and build a store for each.");
        }
    }

    private static NpgsqlCommand Set(NpgsqlConnection connection) => new(SessionSettings, connection);

    /// <summary>A connection for a while. It is used again only if every error that came over it was one that the driver knows.</summary>
    public sealed class Lease(NpgsqlConnection connection, SemaphoreSlim? turn, NpgsqlDataSource? source) : IAsyncDisposable
    {
        public NpgsqlConnection Connection => connection;

        /// <summary>Whether the connection is one of the application.</summary>
        public bool IsBorrowed => turn is not null;

        /// <summary>Looks at an error, in the filter of a catch: a connection that it leaves in doubt is closed with its lease.</summary>
        /// <returns>False, so that the filter goes on.</returns>
        public bool Doubts(Exception error)
        {
            if (PostgresErrors.LeavesConnectionInDoubt(error)) Discard();
            return false;
        }

        /// <summary>Closes the connection when the lease ends. The data source opens another one.</summary>
        public void Discard() => source?.Clear();

        public ValueTask DisposeAsync()
        {
            if (turn is null) return connection.DisposeAsync();
            turn.Release();
            return default;
        }
    }
}

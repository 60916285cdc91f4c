using Npgsql;

namespace EventStore.Postgres;

/// <summary>
/// Commits batches. What the last batch left behind is remembered with the version of the store. As long as no other writer changes the
/// store, the next batch is decided on that and written in one round trip. It writes nothing if the version is another one. Otherwise, and
/// whenever a batch is not simply committed, the store's row is locked first. Then everything is read again, and the batch is decided
/// inside that section.
/// </summary>
internal sealed class PostgresWriter(PostgresConnections connections, PostgresSql sql, PostgresOptions options, TimeProvider time)
    : IDisposable
{
    private const string What = "commit a batch";
    private const int FirstOfCommit = 7; // the first column of a commit in a row of find-heads
    private const int MaxRememberedStreams = 100_000;
    private const int MaxBatchesWithout = 64;
    private readonly string lockStore = sql.Load("lock-store");
    private readonly string findHeads = sql.Load("find-heads");
    private readonly string writeBatch =
        sql.Load("write-batch", ("marks", "$3, NULL, NULL, NULL"), ("arrays", ""), ("names", ""), ("tagged", ""));
    private readonly string writeMarked = sql.Load(
        "write-batch",
        ("marks", "e.stamp, e.unit_checkpoint, e.unit_size, e.tags::text[]"),
        ("arrays", ", $27::timestamptz[], $28::bigint[], $29::integer[], $30::text[]"),
        ("names", ", stamp, unit_checkpoint, unit_size, tags"),
        ("tagged", sql.Load("write-tags")));
    private readonly string writeEvent = sql.Load("write-event");
    private readonly string synchronousCommit = options.Durability == Durability.Durable ? "on" : "off";

    // Touched only by the caller that has the turn. No row means that nothing is remembered.
    private readonly SemaphoreSlim turn = new(1, 1);
    private readonly Dictionary<StreamId, StreamRow> remembered = [];
    private StoreRow? row;

    // Where others write, too, what is remembered is outdated at most tries, each a round trip: so batches go without, longer each time in
    // a row.
    private int batchesWithout;
    private int nextBatchesWithout = 1;

    private readonly PostgresConditions conditions = new(sql);

    // The name under which this engine holds the storage; null where it does not.
    private volatile string? heldAs;

    /// <summary>Decides and stores a batch. One that is larger than a statement takes is stored in parts.</summary>
    /// <returns>The outcomes, and the last checkpoint that is visible now.</returns>
    /// <exception cref="BatchOutcomeUnknownException">A part was stored before the next one failed.</exception>
    public async ValueTask<(CommitOutcome[] Outcomes, Checkpoint Last)> CommitAsync(IReadOnlyList<CommitAttempt> attempts,
        long maxPartBytes, CancellationToken cancellationToken)
    {
        if (attempts.Sum(attempt => attempt.SizeBytes) <= maxPartBytes)
            return await CommitAsync(attempts, cancellationToken).ConfigureAwait(false);
        var (outcomes, last) = (new List<CommitOutcome>(attempts.Count), Checkpoint.Origin);
        while (outcomes.Count < attempts.Count)
        {
            var (part, bytes) = (new List<CommitAttempt>(), 0L);
            foreach (var attempt in attempts.Skip(outcomes.Count))
            {
                if ((bytes += attempt.SizeBytes) > maxPartBytes && part.Count > 0) break;
                part.Add(attempt);
            }

            try
            {
                (var decided, last) = await CommitAsync(part, outcomes.Count == 0 ? cancellationToken : default).ConfigureAwait(false);
                outcomes.AddRange(decided);
            }
            catch (StorageException error) when (outcomes.Count > 0 && error is not BatchOutcomeUnknownException)
            {
                throw new BatchOutcomeUnknownException("a part of the batch was stored before the rest failed.", error);
            }
        }

        return ([.. outcomes], last);
    }

    private async ValueTask<(CommitOutcome[] Outcomes, Checkpoint Last)> CommitAsync(IReadOnlyList<CommitAttempt> attempts,
        CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var batch = await TryCommitAsRememberedAsync(attempts, cancellationToken).ConfigureAwait(false)
                ?? await CommitInSectionAsync(attempts, cancellationToken).ConfigureAwait(false);
            Remember(batch);
            return (batch.Outcomes, new Checkpoint(batch.After.LastCheckpoint));
        }
        catch
        {
            row = null;
            throw;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Records under which name this engine holds the storage; null for none.</summary>
    public void HoldAs(string? holder) => heldAs = holder;

    public void Dispose() => turn.Dispose();

    // Null where it cannot be done, and nothing was stored. Known commit ids are found by their unique index.
    private async ValueTask<PostgresBatch?> TryCommitAsRememberedAsync(IReadOnlyList<CommitAttempt> attempts,
        CancellationToken cancellationToken)
    {
        if (row is not { } before || connections.IsInside) return null;
        if (batchesWithout > 0)
        {
            batchesWithout--;
            return null;
        }

        for (var i = 0; i < attempts.Count; i++)
        {
            // A condition asks what is stored.
            if (attempts[i].Condition is not null) return null;
            for (var member = 0; member < attempts[i].MemberCount; member++)
            {
                if (!remembered.ContainsKey(attempts[i].Member(member).Stream)) return null;
            }
        }

        var batch = PostgresBatch.Decide(attempts, new StoreState(before, remembered, [], PostgresConditions.None), time);
        if (batch.Written.Count < attempts.Count) return null;
        var lease = await connections.RentForChangeAsync(What, cancellationToken).ConfigureAwait(false);
        await using var leaseEnding = lease.ConfigureAwait(false);
        var command =
            new NpgsqlBatch(lease.Connection) { BatchCommands = { batch.IsOneEvent ? WriteEventCommand(batch) : WriteCommand(batch) } };
        await using var commandEnding = command.ConfigureAwait(false);
        try
        {
            var reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
            await using var readerEnding = reader.ConfigureAwait(false);
            var isWritten = await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
            nextBatchesWithout = isWritten ? 1 : Math.Min(nextBatchesWithout * 2, MaxBatchesWithout);
            if (!isWritten) batchesWithout = nextBatchesWithout;
            return isWritten ? batch : null;
        }
        catch (Exception error) when (lease.Doubts(error))
        {
            throw;
        }
        catch (Exception error) when (PostgresErrors.IsOutdated(error))
        {
            return null;
        }
        catch (Exception error) when (PostgresErrors.Sent(error, What) is var translated && translated != error)
        {
            throw translated;
        }
    }

    private async ValueTask<PostgresBatch> CommitInSectionAsync(IReadOnlyList<CommitAttempt> attempts, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var lease = await connections.RentForChangeAsync(What, cancellationToken).ConfigureAwait(false);
            await using var leaseEnding = lease.ConfigureAwait(false);
            PostgresBatch batch;
            try
            {
                batch = await EnterAsync(lease.Connection, attempts).ConfigureAwait(false);
            }
            catch (Exception error) when (lease.Doubts(error))
            {
                throw;
            }
            catch (Exception error) when (attempt == 1 && !connections.IsInside && PostgresErrors.IsOfConnection(error))
            {
                // Nothing was written yet, and a pooled connection may have died long ago.
                connections.Forget();
                continue;
            }
            catch (Exception error) when (PostgresErrors.Refused(error, What) is var translated && translated != error)
            {
                throw translated;
            }

            await LeaveAsync(lease, batch).ConfigureAwait(false);
            return batch;
        }
    }

    // Begins the section and decides inside it. The transaction stays open.
    private async ValueTask<PostgresBatch> EnterAsync(NpgsqlConnection connection, IReadOnlyList<CommitAttempt> attempts)
    {
        var seen = connections.Newest;
        var command = new NpgsqlBatch(connection);
        await using var commandEnding = command.ConfigureAwait(false);
        if (!connections.IsInside) command.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN ISOLATION LEVEL READ COMMITTED"));
        command.BatchCommands.Add(new NpgsqlBatchCommand(lockStore));
        var members = attempts.Any(attempt => attempt.Rest.Count > 0)
            ? [.. attempts.SelectMany(attempt => attempt.Rest.Prepend(attempt))]
            : attempts;
        command.BatchCommands.Add(PostgresRows.NamesOf(members, findHeads));
        conditions.AddTo(command, attempts);
        var reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
        await using var readerEnding = reader.ConfigureAwait(false);
        if (!await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
            throw new StorageException($"The store in schema '{sql.Schema}' has lost its row. Restore it from a backup.");
        var before = PostgresRows.StoreOf(reader);
        if (before.Holder is { } holder && holder != heldAs) throw new StorageHeldException(holder);
        connections.Observe(new Checkpoint(before.LastCheckpoint), seen);

        // Every change gives another version: at the same one, what is remembered of other streams still holds.
        if (row?.Version != before.Version) remembered.Clear();
        row = null;
        await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        var known = new Dictionary<(StreamId, Guid), CommitRecord>();
        while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            var attempt = members[reader.GetInt32(0)];
            remembered[attempt.Stream] = PostgresRows.StreamOf(reader, 1);
            if (!await reader.IsDBNullAsync(FirstOfCommit, CancellationToken.None).ConfigureAwait(false))
                known[(attempt.Stream, attempt.CommitId)] = PostgresRows.CommitOf(attempt.Stream, attempt.CommitId, reader, FirstOfCommit);
        }

        var open = await PostgresConditions.ReadAsync(reader, attempts).ConfigureAwait(false);
        await reader.DisposeAsync().ConfigureAwait(false);
        var matches = await conditions.FindAsync(connection, open).ConfigureAwait(false);
        return PostgresBatch.Decide(attempts, new StoreState(before, remembered, known, matches), time);
    }

    // Writes what was decided and ends the section. A connection that breaks before everything was sent ends it, too, without a trace.
    private async ValueTask LeaveAsync(PostgresConnections.Lease lease, PostgresBatch batch)
    {
        if (connections.IsInside && batch.Written.Count == 0) return;
        var command = new NpgsqlBatch(lease.Connection);
        await using var commandEnding = command.ConfigureAwait(false);
        if (batch.Written.Count > 0) command.BatchCommands.Add(WriteCommand(batch));
        if (!connections.IsInside) command.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
        try
        {
            var reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
            await using var readerEnding = reader.ConfigureAwait(false);
            var isWritten = batch.Written.Count == 0 || await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false);
            while (await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false))
            {
            }

            if (!isWritten)
                throw new StorageException(
                    $"The store in schema '{sql.Schema}' changed under its own lock, so nothing was stored. "
                        + "Find out who writes to its tables.");
        }
        catch (Exception error) when (lease.Doubts(error))
        {
            throw;
        }
        catch (Exception error) when ((connections.IsInside || batch.Written.Count == 0 ? PostgresErrors.Refused(error, What)
            : PostgresErrors.Sent(error, What)) is var translated && translated != error)
        {
            throw translated;
        }
    }

    private NpgsqlBatchCommand WriteCommand(PostgresBatch batch)
    {
        var command = PostgresRows.ToWrite(batch, batch.IsMarked ? writeMarked : writeBatch);
        command.Parameters.Add(PostgresSql.Value(connections.IsInside ? "" : synchronousCommit));
        if (batch.IsMarked) PostgresRows.AddMarks(command.Parameters, batch);
        return command;
    }

    private NpgsqlBatchCommand WriteEventCommand(PostgresBatch batch)
    {
        var command = PostgresRows.ToWriteEvent(batch, writeEvent);
        command.Parameters.Add(PostgresSql.Value(synchronousCommit));
        return command;
    }

    // Inside a transaction of the application nothing is remembered: it may be rolled back.
    private void Remember(PostgresBatch batch)
    {
        if (connections.IsInside) return;
        if (remembered.Count > MaxRememberedStreams) remembered.Clear();
        connections.Observe(new Checkpoint(batch.After.LastCheckpoint), Checkpoint.Origin);
        foreach (var (stream, moved) in batch.Moved) remembered[stream] = moved;
        row = batch.After;
    }
}

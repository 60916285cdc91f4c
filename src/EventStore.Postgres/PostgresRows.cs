using Npgsql;
using NpgsqlTypes;

namespace EventStore.Postgres;

/// <summary>Rows of commits and events, from and to the contract's records.</summary>
internal static class PostgresRows
{
    /// <summary>The highest number in a row. No store reaches it, so that sums of such numbers never overflow.</summary>
    public const long MostNumber = AttemptRules.MaxNumber;

    private static readonly byte[] None = [];

    /// <summary>The statement that finds the heads of a batch, with its names.</summary>
    /// <param name="attempts">The commits of the batch, those of units one by one.</param>
    /// <param name="statement">The statement.</param>
    public static NpgsqlBatchCommand NamesOf(IReadOnlyList<CommitAttempt> attempts, string statement)
    {
        var (buckets, categories, ids, commits) =
            (new string[attempts.Count], new string[attempts.Count], new string[attempts.Count], new Guid[attempts.Count]);
        for (var i = 0; i < attempts.Count; i++)
        {
            var stream = attempts[i].Stream;
            (buckets[i], categories[i], ids[i], commits[i]) = (stream.Bucket, stream.Category, stream.Id, attempts[i].CommitId);
        }

        return new NpgsqlBatchCommand(statement)
        {
            Parameters =
            { PostgresSql.Value(buckets), PostgresSql.Value(categories), PostgresSql.Value(ids), PostgresSql.Value(commits) }
        };
    }

    /// <summary>The commit of a stream in a row, whose columns for it begin at a place.</summary>
    /// <exception cref="CorruptStorageException">A number is out of its range.</exception>
    public static CommitRecord CommitOf(StreamId stream, Guid commitId, NpgsqlDataReader reader, int first) => Commit(
        (stream, commitId), (reader.GetInt64(first), reader.GetInt64(first + 1), reader.GetInt64(first + 2), reader.GetInt32(first + 4)),
        Stamp(reader, first + 3), reader.GetFieldValue<byte[]>(first + 5), UnitOf(reader, first + 6));

    /// <summary>A commit of its parts.</summary>
    /// <exception cref="CorruptStorageException">A number is out of its range.</exception>
    public static CommitRecord Commit((StreamId Stream, Guid Id) name, (long Checkpoint, long Revision, long Sequence, int Events) numbers,
        DateTimeOffset stamp, byte[] headers, UnitPlace unit)
    {
        var (checkpoint, revision, sequence, events) = numbers;
        if (checkpoint is < 1 or > MostNumber || revision is < 1 or > MostNumber || sequence is < 1 or > MostNumber || events < 1)
            throw PostgresErrors.Damage($"events, the commit at checkpoint {checkpoint}", "a number is out of its range.");
        return new CommitRecord(name.Stream, name.Id, new CommitSequence(sequence), stamp, new Revision(revision),
            new Checkpoint(checkpoint), events, headers)
        {
            Unit = unit,
        };
    }

    /// <summary>The unit in a row, whose two columns begin at a place; default for none.</summary>
    /// <exception cref="CorruptStorageException">A number is out of its range.</exception>
    public static UnitPlace UnitOf(NpgsqlDataReader reader, int first)
    {
        if (reader.IsDBNull(first)) return default;
        var (checkpoint, size) = (reader.GetInt64(first), reader.IsDBNull(first + 1) ? 0 : reader.GetInt32(first + 1));
        return checkpoint is >= 1 and <= MostNumber && size >= 2 ? new UnitPlace(new Checkpoint(checkpoint), size)
            : throw PostgresErrors.Damage($"events, the unit at checkpoint {checkpoint}", "a number is out of its range.");
    }

    /// <summary>The tags in a row; null for none.</summary>
    /// <exception cref="CorruptStorageException">They are none that an event may have.</exception>
    public static string[]? TagsOf(NpgsqlDataReader reader, int ordinal, long checkpoint)
    {
        if (reader.IsDBNull(ordinal)) return null;
        var tags = reader.GetFieldValue<string?[]>(ordinal);
        if (tags.Length > EventTags.MaxCount || Array.Exists(tags, tag => tag is not { Length: > 0 and <= EventTags.MaxBytes }))
            throw PostgresErrors.Damage($"events, checkpoint {checkpoint}", "its tags are none that an event may have.");
        return tags!;
    }

    /// <summary>The newest checkpoint that the store's row names.</summary>
    /// <exception cref="CorruptStorageException">It is out of its range.</exception>
    public static long LastCheckpointOf(NpgsqlDataReader reader, int ordinal)
    {
        var last = reader.GetInt64(ordinal);
        return last is >= 0 and <= MostNumber ? last : throw PostgresErrors.Damage("store", "its newest checkpoint is out of range.");
    }

    /// <summary>The store's row at the beginning of a section.</summary>
    /// <exception cref="CorruptStorageException">A number is out of its range.</exception>
    public static StoreRow StoreOf(NpgsqlDataReader reader)
    {
        var row = new StoreRow(reader.GetInt64(0), LastCheckpointOf(reader, 1), Stamp(reader, 2), reader.GetInt64(3), reader.GetInt64(4),
            reader.IsDBNull(5) ? null : reader.GetString(5));
        return row.LastStream is >= 0 and <= MostNumber - int.MaxValue && row.Removed is >= 0 and <= MostNumber ? row
            : throw PostgresErrors.Damage("store", "a number is out of its range.");
    }

    /// <summary>The row of a stream, whose columns begin at a place: its number and sequence, then its state.</summary>
    /// <exception cref="CorruptStorageException">A number is out of its range.</exception>
    public static StreamRow StreamOf(NpgsqlDataReader reader, int first)
    {
        var row = new StreamRow(reader.GetInt64(first), reader.GetInt64(first + 1), StateOf(reader, first + 2));
        return row.Stream is < 1 or > MostNumber || row.Sequence is < 1 or > MostNumber
            ? throw PostgresErrors.Damage($"streams, stream {row.Stream}", "a number is out of its range.") : row;
    }

    /// <summary>The state of a stream in a row, whose columns for it begin at a place.</summary>
    /// <exception cref="CorruptStorageException">A number is out of its range.</exception>
    public static StreamState StateOf(NpgsqlDataReader reader, int first)
    {
        var (revision, incarnation, kept) = (reader.GetInt64(first), reader.GetInt64(first + 1), reader.GetInt64(first + 2));
        if (revision is < 1 or > MostNumber || incarnation is < 1 or > MostNumber || kept < 1 || kept > revision + 1)
            throw PostgresErrors.Damage($"streams, incarnation {incarnation}", "a number is out of its range.");
        return new(new Checkpoint(incarnation), new Revision(revision), new Revision(kept), reader.GetBoolean(first + 3));
    }

    /// <summary>The statement that writes a batch, with everything it writes.</summary>
    public static NpgsqlBatchCommand ToWrite(PostgresBatch batch, string statement)
    {
        var after = batch.After;
        var command = new NpgsqlBatchCommand(statement);
        var parameters = command.Parameters;
        parameters.Add(PostgresSql.Value(batch.Before.Version));
        parameters.Add(PostgresSql.Value(after.LastCheckpoint));
        parameters.Add(PostgresSql.Value(after.LastStamp.UtcDateTime));
        parameters.Add(PostgresSql.Value(after.LastStream));
        AddHeads(parameters, batch.Moved);
        parameters.Add(PostgresSql.Value(batch.Before.LastCheckpoint));
        AddEvents(parameters, batch);
        parameters.Add(PostgresSql.Value(after.Version));
        return command;
    }

    /// <summary>The statement that writes a commit of one event to a stream that is there, with everything it writes.</summary>
    public static NpgsqlBatchCommand ToWriteEvent(PostgresBatch batch, string statement)
    {
        var (attempt, commit, stream) = batch.Written[0];
        var record = attempt.Events[0];
        var command = new NpgsqlBatchCommand(statement);
        var parameters = command.Parameters;
        parameters.Add(PostgresSql.Value(batch.Before.Version));
        parameters.Add(PostgresSql.Value(commit.FirstCheckpoint.Value));
        parameters.Add(PostgresSql.Value(commit.Stamp.UtcDateTime));
        parameters.Add(PostgresSql.Value(stream));
        parameters.Add(PostgresSql.Value(commit.FirstRevision.Value));
        parameters.Add(PostgresSql.Value(commit.Sequence.Value));
        parameters.Add(PostgresSql.Value(commit.CommitId));
        parameters.Add(PostgresSql.Value(record.EventId));
        parameters.Add(PostgresSql.Value(CategoryOf(commit.Stream)));
        parameters.Add(PostgresSql.Value(record.EventType));
        parameters.Add(PostgresSql.Value(record.Body));
        parameters.Add(PostgresSql.Value(record.Headers));
        parameters.Add(PostgresSql.Value(commit.Headers));
        parameters.Add(PostgresSql.Value(batch.After.Version));
        return command;
    }

    /// <summary>A stamp, which Npgsql returns as UTC.</summary>
    public static DateTimeOffset Stamp(NpgsqlDataReader reader, int ordinal) => new(reader.GetDateTime(ordinal).Ticks, TimeSpan.Zero);

    private static void AddHeads(NpgsqlParameterCollection parameters, Dictionary<StreamId, StreamRow> moved)
    {
        var count = moved.Count;
        var (keys, buckets, categories, ids) = (new long[count], new string[count], new string[count], new string[count]);
        var (revisions, sequences, incarnations) = (new long[count], new long[count], new long[count]);
        var i = 0;
        foreach (var (name, stream) in moved)
        {
            (keys[i], buckets[i], categories[i], ids[i]) = (stream.Stream, name.Bucket, name.Category, name.Id);
            (revisions[i], sequences[i], incarnations[i]) =
                (stream.State.Revision.Value, stream.Sequence, stream.State.Incarnation.Value);
            i++;
        }

        parameters.Add(PostgresSql.Value(keys));
        parameters.Add(PostgresSql.Value(buckets));
        parameters.Add(PostgresSql.Value(categories));
        parameters.Add(PostgresSql.Value(ids));
        parameters.Add(PostgresSql.Value(revisions));
        parameters.Add(PostgresSql.Value(sequences));
        parameters.Add(PostgresSql.Value(incarnations));
    }

    private static void AddEvents(NpgsqlParameterCollection parameters, PostgresBatch batch)
    {
        var count = (int)(batch.After.LastCheckpoint - batch.Before.LastCheckpoint);
        var (streams, revisions, sequences, categories) = (new long[count], new long[count], new long[count], new long[count]);
        var (commits, ids, indexes, sizes, types) = (new Guid[count], new Guid[count], new int[count], new int[count], new string[count]);
        var (bodies, headers, commitHeaders) = (new ReadOnlyMemory<byte>[count], new ReadOnlyMemory<byte>[count], new byte[]?[count]);
        var i = 0;
        foreach (var (attempt, commit, stream) in batch.Written)
        {
            var category = CategoryOf(commit.Stream);
            for (var index = 0; index < commit.EventCount; index++, i++)
            {
                var record = attempt.Events[index];
                (streams[i], revisions[i], sequences[i], commits[i], categories[i]) =
                    (stream, commit.FirstRevision.Value + index, commit.Sequence.Value, commit.CommitId, category);
                (ids[i], indexes[i], sizes[i], types[i]) = (record.EventId, index, commit.EventCount, record.EventType);
                (bodies[i], headers[i]) = (record.Body, record.Headers);
                commitHeaders[i] = commit.Headers.IsEmpty ? None : index == 0 ? commit.Headers.ToArray() : null;
            }
        }

        parameters.Add(PostgresSql.Value(streams));
        parameters.Add(PostgresSql.Value(revisions));
        parameters.Add(PostgresSql.Value(sequences));
        parameters.Add(PostgresSql.Value(commits));
        parameters.Add(PostgresSql.Value(ids));
        parameters.Add(PostgresSql.Value(indexes));
        parameters.Add(PostgresSql.Value(sizes));
        parameters.Add(PostgresSql.Value(categories));
        parameters.Add(PostgresSql.Value(types));
        parameters.Add(Bytes(bodies));
        parameters.Add(Bytes(headers));
        parameters.Add(Bytes(commitHeaders));
    }

    /// <summary>Adds what few batches have: stamps, units and tags, event by event, and the entries of the tags.</summary>
    public static void AddMarks(NpgsqlParameterCollection parameters, PostgresBatch batch)
    {
        var (stamps, units, sizes) = (new List<DateTime>(), new List<long?>(), new List<int?>());
        var (tags, terms, checkpoints) = (new List<string?>(), new List<long>(), new List<long>());
        foreach (var (attempt, commit, _) in batch.Written)
        {
            var isUnit = commit.Unit.Size > 1;
            for (var i = 0; i < commit.EventCount; i++)
            {
                stamps.Add(commit.Stamp.UtcDateTime);
                units.Add(isUnit ? commit.Unit.FirstCheckpoint.Value : null);
                sizes.Add(isUnit ? commit.Unit.Size : null);
                tags.Add(PostgresTerms.ToArray(attempt.Events[i].Tags));
                foreach (var tag in attempt.Events[i].Tags)
                {
                    terms.Add(PostgresTerms.Of(commit.Stream.Bucket, tag));
                    checkpoints.Add(commit.FirstCheckpoint.Value + i);
                }
            }
        }

        parameters.Add(new NpgsqlParameter<DateTime[]>
        {
            TypedValue = [.. stamps],
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
        });
        parameters.Add(PostgresSql.Value(units.ToArray()));
        parameters.Add(PostgresSql.Value(sizes.ToArray()));
        parameters.Add(PostgresSql.Value(tags.ToArray()));
        parameters.Add(PostgresSql.Value(terms.ToArray()));
        parameters.Add(PostgresSql.Value(checkpoints.ToArray()));
    }

    private static long CategoryOf(StreamId stream) => PostgresTerms.OfCategory(stream.Bucket, stream.Category);

    private static NpgsqlParameter<T> Bytes<T>(T values) =>
        new() { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };
}

using Dapper;

namespace EventStore.Sqlite;

/// <summary>
/// Finds and lists heads. A head is derived from the stream's newest commit, so that committing writes no row for it. The number of a
/// stream's row is its incarnation.
/// </summary>
internal static class SqliteHeads
{
    /// <summary>The head of a stream; null for no stream.</summary>
    public static StreamHead? Find(SqliteSession session, StreamId stream) => Find(session, stream, SqliteChecksum.Of(stream));

    /// <summary>The same where the checksum of the name is known.</summary>
    public static StreamHead? Find(SqliteSession session, StreamId stream, SqliteChecksum name)
    {
        var row = session.Prepare("find-head").Bind(1, stream.Bucket).Bind(2, stream.Category).Bind(3, stream.Id);
        try
        {
            if (!row.Step()) return null;
            long number = row.Number(0), revision = row.Number(1), sequence = row.Number(2), snapshot = row.Number(3),
                first = row.Number(4);
            if (revision < 1) throw SqliteErrors.Damage(
                session, $"{session.Sql.Table("commits")}, stream {number}", "its newest commit is missing.");
            if (revision > SqliteRows.MostNumber || sequence is < 1 or > SqliteRows.MostNumber
                || snapshot is < 0 or > SqliteRows.MostNumber)
                throw SqliteErrors.Damage(session, $"{session.Sql.Table("commits")}, stream {number}",
                    "a number of its newest commit or snapshot is out of its range.");
            var isSealed = row.Number(5) == 1;
            if (!IsSound(first, revision, isSealed, name, row.Number(6))) throw Damaged(session, number);
            return new StreamHead(stream, new Revision(revision), new CommitSequence(sequence), new Revision(snapshot))
            {
                FirstRevision = new Revision(first),
                IsSealed = isSealed,
                Incarnation = new Checkpoint(number),
            };
        }
        finally
        {
            row.Reset();
        }
    }

    /// <summary>Changes the row of a stream to a head's first revision and seal. What was known of heads no longer holds.</summary>
    public static void Update(SqliteSession session, StreamHead head)
    {
        var crc = SqliteChecksum.OfRow(SqliteChecksum.Of(head.Stream), head.FirstRevision, head.IsSealed);
        session.Prepare("update-stream").Bind(1, head.Incarnation.Value).Bind(2, head.FirstRevision.Value).Bind(3, head.IsSealed ? 1 : 0)
            .Bind(4, crc.Value).Execute();
        session.BeginEra();
    }

    /// <summary>Why a stream is not changed; null where it is as expected.</summary>
    public static StreamChange? Refuse(StreamHead? head, StreamExpectation expected)
    {
        var state = StreamState.Of(head);
        if (!expected.IsMetBy(state)) return new StreamChange(StreamChangeKind.Conflict, state);
        return state.Exists ? null : new StreamChange(StreamChangeKind.Missing, default);
    }

    [QueryColumns("bucket", "category", "id", "lastRevision", "sequence", "snapshotRevision", "stream", "firstRevision", "sealed", "crc")]
    public static IReadOnlyList<StreamHead> List(SqliteSession session, HeadQuery query)
    {
        var (bucket, category, id) = query.After is { } after ? (after.Bucket, after.Category, after.Id) : ("", "", "");
        if (query.Bucket is { } only)
        {
            var order = StreamId.CompareCodePoints(bucket, only);
            if (order > 0) return [];
            if (order < 0) (bucket, category, id) = (only, "", "");
        }

        var sql = session.Sql[query.Bucket is null ? "list-heads" : "list-heads-of-bucket"];
        var rows = session.Connection.Query<Row>(sql, new
        {
            bucket,
            category,
            id,
            minimum = query.MinEventsSinceSnapshot,
            limit = query.Limit
        }, commandTimeout: SqliteSession.BusySeconds);
        return [.. rows.Select(row => Head(session, row))];
    }

    /// <summary>Reads the row of every stream, and reports those that are damaged.</summary>
    public static IEnumerable<CorruptStorageException> FindDamages(SqliteSession session)
    {
        var row = session.Prepare("verify-stream-rows");
        try
        {
            while (row.Step())
            {
                var name = default(SqliteChecksum).With(row.Text(1)).With(row.Text(2)).With(row.Text(3));
                if (!IsSound(row.Number(4), long.MaxValue - 1, row.Number(5) == 1, name, row.Number(6)))
                    yield return Damaged(session, row.Number(0));
            }
        }
        finally
        {
            row.Reset();
        }
    }

    private static bool IsSound(long first, long revision, bool isSealed, SqliteChecksum name, long crc) =>
        first >= 1 && first <= revision + 1 && SqliteChecksum.OfRow(name, new Revision(first), isSealed).Value == crc;

    private static CorruptStorageException Damaged(SqliteSession session, long? number) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream {number}", "the checksum of the row is wrong.");

    private static StreamHead Head(SqliteSession session, Row row)
    {
        if (row is not
            {
                Bucket: { } bucket, Category: { } category, Id: { } id, Sequence: > 0 and <= SqliteRows.MostNumber and var sequence,
                Stream: > 0 and <= SqliteRows.MostNumber and var number,
                SnapshotRevision: >= 0 and <= SqliteRows.MostNumber and var snapshot,
                LastRevision: > 0 and <= SqliteRows.MostNumber and var revision, FirstRevision: { } first, Crc: { } crc
            })
            throw SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream '{row.Bucket}/{row.Category}/{row.Id}'",
                "the row or that of its newest commit holds what was never stored.");
        try
        {
            var stream = new StreamId(bucket, category, id);
            if (!IsSound(first, revision, row.Sealed == 1, SqliteChecksum.Of(stream), crc)) throw Damaged(session, number);
            return new StreamHead(stream, new Revision(revision), new CommitSequence(sequence), new Revision(snapshot))
            {
                FirstRevision = new Revision(first),
                IsSealed = row.Sealed == 1,
                Incarnation = new Checkpoint(number),
            };
        }
        catch (InvalidNameException error)
        {
            throw SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream '{bucket}/{category}/{id}'",
                $"the name is none: {error.Message}");
        }
    }

    // No column is NULL, except in a damaged row.
    internal sealed record Row(string? Bucket, string? Category, string? Id, long? LastRevision, long? Sequence, long? SnapshotRevision,
        long? Stream, long? FirstRevision, long? Sealed, long? Crc);
}

using Dapper;

namespace EventStore.Sqlite;

/// <summary>A stream's head: derived from its newest commit, so that committing writes no row for it.</summary>
internal readonly record struct SqliteHead(long Number, Revision Revision, CommitSequence CommitSequence, Revision SnapshotRevision)
{
    public bool Exists => Number != 0;
}

/// <summary>Finds and lists heads.</summary>
internal static class SqliteHeads
{
    /// <summary>The head of a stream; the default of its type for no stream.</summary>
    public static SqliteHead Find(SqliteSession session, StreamId stream)
    {
        var statement = session.Prepare("find-head").Bind(1, stream.Bucket).Bind(2, stream.Category).Bind(3, stream.Id);
        try
        {
            if (!statement.Step()) return default;
            if (statement.Number(1) < 1) throw SqliteErrors.Damage(session,
                $"{session.Sql.Table("commits")}, stream {statement.Number(0)}", "its newest commit is missing.");
            if (statement.Number(1) > SqliteRows.MostNumber || statement.Number(2) is < 1 or > SqliteRows.MostNumber
                || statement.Number(3) is < 0 or > SqliteRows.MostNumber)
                throw SqliteErrors.Damage(session, $"{session.Sql.Table("commits")}, stream {statement.Number(0)}",
                    "a number of its newest commit or snapshot is out of its range.");
            return new(statement.Number(0), new Revision(statement.Number(1)), new CommitSequence(statement.Number(2)),
                new Revision(statement.Number(3)));
        }
        finally
        {
            statement.Reset();
        }
    }

    [QueryColumns("bucket", "category", "id", "lastRevision", "sequence", "snapshotRevision")]
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

    private static StreamHead Head(SqliteSession session, Row row)
    {
        if (row is not
            {
                Bucket: { } bucket, Category: { } category, Id: { } id, Sequence: > 0 and <= SqliteRows.MostNumber and var sequence,
                SnapshotRevision: >= 0 and <= SqliteRows.MostNumber and var snapshot,
                LastRevision: > 0 and <= SqliteRows.MostNumber and var revision
            })
            throw SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream '{row.Bucket}/{row.Category}/{row.Id}'",
                "the row or that of its newest commit holds what was never stored.");
        try
        {
            return new StreamHead(new StreamId(bucket, category, id), new Revision(revision), new CommitSequence(sequence),
                new Revision(snapshot));
        }
        catch (InvalidNameException error)
        {
            throw SqliteErrors.Damage(session, $"{session.Sql.Table("streams")}, stream '{bucket}/{category}/{id}'",
                $"the name is none: {error.Message}");
        }
    }

    // No column is NULL, except in a damaged row.
    internal sealed record Row(string? Bucket, string? Category, string? Id, long? LastRevision, long? Sequence, long? SnapshotRevision);
}

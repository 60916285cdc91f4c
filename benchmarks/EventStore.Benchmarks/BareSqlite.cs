using Microsoft.Data.Sqlite;

namespace EventStore.Benchmarks;

/// <summary>
/// The floor under the SQLite engine: prepared statements through the same package on a table without indexes, in the same durable mode,
/// with the same log between checkpoints. It knows no streams, finds no conflict and no duplicate.
/// </summary>
internal sealed class BareSqlite : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly SqliteCommand insert;
    private readonly SqliteParameter stream;
    private readonly SqliteParameter revision;
    private readonly SqliteParameter commitId;
    private readonly SqliteParameter eventId;
    private readonly SqliteParameter body;
    private long inserted;

    public BareSqlite(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        Run("PRAGMA journal_mode = wal");
        Run("PRAGMA synchronous = full");
        Run("PRAGMA wal_autocheckpoint = 8192");
        Run("PRAGMA cache_size = -16384");
        Run("CREATE TABLE IF NOT EXISTS events (checkpoint INTEGER PRIMARY KEY, stream TEXT, revision INTEGER, "
            + "commit_id BLOB, event_id BLOB, type TEXT, stamp INTEGER, body BLOB)");
        insert = connection.CreateCommand();
        insert.CommandText =
            "INSERT INTO events (stream, revision, commit_id, event_id, type, stamp, body) "
            + "VALUES ($stream, $revision, $commit, $event, 'order-placed', $stamp, $body)";
        stream = insert.Parameters.Add("$stream", SqliteType.Text);
        revision = insert.Parameters.Add("$revision", SqliteType.Integer);
        commitId = insert.Parameters.Add("$commit", SqliteType.Blob);
        eventId = insert.Parameters.Add("$event", SqliteType.Blob);
        body = insert.Parameters.Add("$body", SqliteType.Blob);
        insert.Parameters.AddWithValue("$stamp", 1_700_000_000_000_000L);
        insert.Prepare();
    }

    /// <summary>Inserts rows, each a transaction of its own.</summary>
    public void InsertEach(int rows, byte[] payload)
    {
        for (var i = 0; i < rows; i++) Insert(payload);
    }

    /// <summary>Inserts rows, so many a transaction.</summary>
    public void InsertTogether(int transactions, int rowsEach, byte[] payload)
    {
        for (var i = 0; i < transactions; i++)
        {
            using var transaction = connection.BeginTransaction();
            insert.Transaction = transaction;
            for (var row = 0; row < rowsEach; row++) Insert(payload);
            transaction.Commit();
        }

        insert.Transaction = null;
    }

    /// <summary>Reads every row in order with all its columns. Returns how many.</summary>
    public long ReadAll()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT checkpoint, stream, revision, commit_id, event_id, type, stamp, body FROM events ORDER BY checkpoint";
        using var reader = command.ExecuteReader();
        long rows = 0, bytes = 0;
        while (reader.Read())
        {
            bytes += reader.GetInt64(0) + reader.GetString(1).Length + reader.GetInt64(2)
                + reader.GetFieldValue<byte[]>(3).Length + reader.GetFieldValue<byte[]>(4).Length + reader.GetString(5).Length
                + reader.GetInt64(6) + reader.GetFieldValue<byte[]>(7).Length;
            rows++;
        }

        return bytes == 0 ? 0 : rows;
    }

    public void Dispose()
    {
        insert.Dispose();
        connection.Dispose();
    }

    private void Insert(byte[] payload)
    {
        stream.Value = "order-" + (inserted % 1000);
        revision.Value = inserted++ / 1000;
        commitId.Value = Guid.NewGuid().ToByteArray();
        eventId.Value = Guid.NewGuid().ToByteArray();
        body.Value = payload;
        insert.ExecuteNonQuery();
    }

    private void Run(string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteScalar();
    }
}

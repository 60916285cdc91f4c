using System.Globalization;
using EventStore.TestSupport;
using Microsoft.Data.Sqlite;

namespace EventStore.Sqlite.Tests;

/// <summary>
/// Changes a row as a process could that knows the schema: the seed decides how, and the checksum of the row fits afterwards.
/// </summary>
internal sealed class RowMutator(SqliteConnection connection, Random random)
{
    private static readonly (string Table, string[] Numbers, string[] Texts, string[] Blobs)[] Tables =
    [
        ("commits",
            [
                "checkpoint", "stream", "revision", "sequence", "event_count", "stamp", "unit", "unit_size", "removed", "tags",
            ],
            [], ["commit_id", "headers", "events", "events"]),
        ("streams", ["stream", "snapshot_revision", "first_revision", "sealed"], ["bucket", "category", "id"], []),
        ("snapshots", ["stream", "revision", "schema_version"], ["state_type"], ["payload"]),
        ("documents", ["version"], ["name"], ["content"]),
        ("store", ["checkpoint", "stamp", "gathered", "settled", "document_version", "schema_version", "removed"], ["holder"], []),
        ("tags", ["checkpoint"], ["bucket", "tag"], []),
        ("recent", ["stream", "revision", "checkpoint"], [], []),
    ];

    /// <summary>Changes a row. Returns what was done.</summary>
    public string Mutate()
    {
        var (table, numbers, texts, blobs) = Tables[random.Next(3) > 0 ? 0 : random.Next(Tables.Length)];
        if (random.Next(20) == 0)
        {
            Run($"DELETE FROM events_{table} WHERE {RowOf(table)}");
            return $"a row of {table} deleted";
        }

        var column = random.Next(numbers.Length + texts.Length + blobs.Length);
        string done;
        try
        {
            if (column < numbers.Length)
            {
                var value = HostileValues.Number(random);
                done = $"{table}: {numbers[column]} = {value}";
                Run($"UPDATE events_{table} SET {numbers[column]} = {value.ToString(CultureInfo.InvariantCulture)} WHERE {RowOf(table)}");
            }
            else if (column < numbers.Length + texts.Length)
            {
                var name = texts[column - numbers.Length];
                done = $"{table}: {name}";
                Run($"UPDATE events_{table} SET {name} = $value WHERE {RowOf(table)}", HostileValues.Text(random, "default"));
            }
            else
            {
                var name = blobs[column - numbers.Length - texts.Length];
                done = $"{table}: {name}";
                var row = RowOf(table);
                if (Run($"SELECT {name} FROM events_{table} WHERE {row}") is not byte[] bytes) return "nothing";
                bytes = Changed(bytes);
                Run($"UPDATE events_{table} SET {name} = $value WHERE {row}", bytes);
                done += $" {Convert.ToHexString(bytes.AsSpan(0, Math.Min(40, bytes.Length)))}";
            }
        }
        catch (SqliteException)
        {
            return "nothing, the schema refuses it";
        }

        Seal();
        return done;
    }

    private byte[] Changed(byte[] bytes)
    {
        var at = random.Next(bytes.Length + 1);
        switch (random.Next(7))
        {
            case 0: return bytes[..at];
            case 1: return [.. bytes[..at], 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, .. bytes[at..]];
            case 2: return [.. bytes, .. new byte[random.Next(1, 3_000)]];
            case 3: return [];
            case 4: return [.. bytes[..at], 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, .. bytes[at..]];
            case 5: return [.. bytes[..at], .. bytes];
            default:
                if (bytes.Length > 0) bytes[at % bytes.Length] = (byte)random.Next(256);
                return bytes;
        }
    }

    private string RowOf(string table) => table is "recent" or "store"
        ? table == "store" ? "one = 1"
            : $"(stream, revision) = (SELECT stream, revision FROM events_recent LIMIT 1 OFFSET {random.Next(20)})"
        : table == "tags"
            ? $"(bucket, tag, checkpoint) = (SELECT bucket, tag, checkpoint FROM events_tags LIMIT 1 OFFSET {random.Next(20)})"
        : $"rowid = (SELECT rowid FROM events_{table} LIMIT 1 OFFSET {random.Next(table == "commits" ? 20 : 2)})";

    /// <summary>Computes the checksums of all rows again.</summary>
    public void Seal()
    {
        foreach (var table in (string[])["commits", "streams", "snapshots", "documents"]) Seal(table);
    }

    private void Seal(string table)
    {
        var sums = new List<(long Row, long Sum)>();
        using (var command = connection.CreateCommand())
        {
            command.CommandText = table is "documents" or "streams"
                ? $"SELECT rowid, * FROM events_{table}"
                : $"SELECT t.rowid, t.*, s.bucket, s.category, s.id FROM events_{table} AS t JOIN events_streams AS s USING (stream)";
            using var row = command.ExecuteReader();
            while (row.Read()) sums.Add((row.GetInt64(0), SumOf(table, row).Value));
        }

        foreach (var (row, sum) in sums) Run($"UPDATE events_{table} SET crc = {sum} WHERE rowid = {row}");
    }

    private static SqliteChecksum SumOf(string table, SqliteDataReader row)
    {
        if (table == "documents")
            return SqliteChecksum.OfDocument((string)row["name"], (long)row["version"], (byte[])row["content"]);
        var name = default(SqliteChecksum).With((string)row["bucket"]).With((string)row["category"]).With((string)row["id"]);
        return table switch
        {
            "streams" => name.With((long)row["first_revision"]).With((long)row["sealed"]),
            "snapshots" => name.With((long)row["revision"]).With((long)row["schema_version"]).With((string)row["state_type"])
                .With((byte[])row["payload"]),
            _ => name.With((long)row["checkpoint"]).With((long)row["revision"]).With((long)row["sequence"]).With((long)row["event_count"])
                .With((long)row["stamp"]).With((byte[])row["commit_id"])
                .With((long)row["unit_size"] == 0 ? (long)row["checkpoint"] : (long)row["unit"]) // a commit alone is its own unit
                .With(Math.Max(1, (long)row["unit_size"]))
                .With((long)row["removed"]).With((long)row["tags"]).With((byte[])row["headers"]).With((byte[])row["events"]),
        };
    }

    private object? Run(string sql, object? value = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        if (value is not null) command.Parameters.AddWithValue("$value", value);
        return command.ExecuteScalar();
    }
}

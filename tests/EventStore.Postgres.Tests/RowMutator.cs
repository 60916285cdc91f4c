using System.Globalization;
using EventStore.TestSupport;
using Npgsql;

namespace EventStore.Postgres.Tests;

/// <summary>Changes rows as a process could that knows the schema; the seed decides how. Rows of this backend have no checksum.</summary>
internal sealed class RowMutator(NpgsqlConnection connection, string schema, Random random)
{
    private static readonly string[] Stamps =
    [
        "infinity", "-infinity", "294276-12-31 23:59:59+00", "4713-01-01 00:00:00+00 BC", "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00", "10000-01-01 00:00:00+00", "1970-01-01 00:00:00+00",
    ];

    private static readonly string[] Lists = ["{}", "{NULL}", "{tag,tag}", "{\"\"}", "{{tag,other}}", "{other}", "[5:6]={tag,other}"];

    private static readonly (string Table, string Key, string[] Columns)[] Tables =
    [
        ("events", "checkpoint",
        [
            "checkpoint bigint", "stream bigint", "revision bigint", "sequence bigint", "stamp timestamptz", "commit_id uuid",
            "event_id uuid", "index_in_commit integer", "commit_events integer", "category bigint", "type text", "body bytea",
            "headers bytea", "commit_headers bytea", "tags text[]", "unit_checkpoint bigint", "unit_size integer",
        ]),
        ("streams", "stream",
            [
                "stream bigint", "bucket text", "category text", "id text", "revision bigint", "sequence bigint", "incarnation bigint",
                "snapshot_revision bigint", "first_revision bigint", "sealed boolean",
            ]),
        ("tags", "checkpoint", ["term bigint", "checkpoint bigint"]),
        ("snapshots", "revision", ["stream bigint", "revision bigint", "schema_version integer", "state_type text", "payload bytea"]),
        ("documents", "name", ["name text", "version bigint", "content bytea"]),
        ("store", "one",
            [
                "schema_version integer", "version bigint", "last_checkpoint bigint", "last_stamp timestamptz", "last_stream bigint",
                "removed bigint", "holder text",
            ]),
    ];

    /// <summary>Changes a row. Returns what was done; null where the schema refuses it.</summary>
    public async Task<string?> MutateAsync()
    {
        var (table, key, columns) = Tables[random.Next(2) == 0 ? 0 : random.Next(Tables.Length)];
        var row = $"ctid = (SELECT ctid FROM {schema}.{table} ORDER BY {key} OFFSET {random.Next(table == "events" ? 24 : 3)} LIMIT 1)";
        var column = columns[random.Next(columns.Length)].Split(' ');
        var (name, type) = (column[0], column[1]);
        try
        {
            if (random.Next(20) == 0)
            {
                await RunAsync($"DELETE FROM {schema}.{table} WHERE {row}");
                return $"a row of {table} deleted";
            }

            if (type == "bytea") return await ChangeBytesAsync(table, name, row);
            var value = ValueOf(type);
            await RunAsync($"UPDATE {schema}.{table} SET {name} = $1::text::{type} WHERE {row}", value);
            return $"{table}: {name} = {value[..Math.Min(40, value.Length)]} where {row}";
        }
        catch (PostgresException error) when (error.SqlState[..2] is "22" or "23")
        {
            return null;
        }
    }

    private async Task<string?> ChangeBytesAsync(string table, string name, string row)
    {
        if (await RunAsync($"SELECT {name} FROM {schema}.{table} WHERE {row}") is not byte[] bytes) return null;
        if (name == "commit_headers" && random.Next(2) == 0)
        {
            await RunAsync($"UPDATE {schema}.{table} SET {name} = NULL WHERE {row}");
            return $"{table}: {name} = NULL where {row}";
        }

        await RunAsync($"UPDATE {schema}.{table} SET {name} = $1 WHERE {row}", Changed(bytes));
        return $"{table}: {name} where {row}";
    }

    private string ValueOf(string type) => type switch
    {
        "bigint" => HostileValues.Number(random).ToString(CultureInfo.InvariantCulture),
        "integer" => ((int)HostileValues.Number(random)).ToString(CultureInfo.InvariantCulture),
        "uuid" => (random.Next(2) == 0 ? Guid.Empty : new Guid(random.Next(), 1, 2, new byte[8])).ToString(),
        "boolean" => random.Next(2) == 0 ? "true" : "false",
        "text[]" => Lists[random.Next(Lists.Length)],
        "timestamptz" => Stamps[random.Next(Stamps.Length)],
        _ => HostileValues.Text(random, "default"),
    };

    private byte[] Changed(byte[] bytes)
    {
        var at = random.Next(bytes.Length + 1);
        switch (random.Next(4))
        {
            case 0: return bytes[..at];
            case 1: return [.. bytes, .. new byte[random.Next(1, 300_000)]];
            case 2: return [];
            default:
                if (bytes.Length > 0) bytes[at % bytes.Length] = (byte)random.Next(256);
                return bytes;
        }
    }

    private async Task<object?> RunAsync(string sql, object? value = null)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        if (value is not null) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return await command.ExecuteScalarAsync();
    }
}

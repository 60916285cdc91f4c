using Npgsql;

namespace EventStore.Postgres;

/// <summary>What the server says of itself, and what an acknowledged commit survives by it.</summary>
internal sealed record PostgresSettings(string ServerVersion, string Encoding, string Fsync, string FullPageWrites,
    string SynchronousCommit, bool IsStandby, bool SchemaExists, int ServerProcess)
{
    public static async Task<PostgresSettings> FindAsync(NpgsqlConnection connection, PostgresSql sql, CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql.Load("find-settings"), connection) { Parameters = { PostgresSql.Value(sql.Schema) } };
        await using var commandEnding = command.ConfigureAwait(false);
        var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var readerEnding = reader.ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return new PostgresSettings(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetString(3),
            reader.GetString(4), reader.GetBoolean(5), reader.GetBoolean(6), reader.GetInt32(7));
    }

    /// <summary>Names come back as they were given only from a database that keeps Unicode.</summary>
    public void RequireUnicode()
    {
        if (Encoding != "UTF8") throw new StorageException(
            $"The database keeps text as {Encoding}, but a store needs UTF8. Create a database with ENCODING 'UTF8'. Nothing was changed.");
    }

    /// <summary>What a commit survives: as it was asked, or, inside a transaction of the application, as that says.</summary>
    public EngineDurability DurabilityOf(Durability asked, bool isInside)
    {
        var flush = isInside ? SynchronousCommit : asked == Durability.Durable ? "on" : "off";
        var warnings = new List<string>();
        if (Fsync != "on") warnings.Add("fsync is off: a power loss may destroy the database. Switch it on in postgresql.conf.");
        if (FullPageWrites != "on") warnings.Add(
            "full_page_writes is off: a power loss may tear pages of the database. Switch it on, unless the file system rules that out.");
        if (IsStandby) warnings.Add("The server is a standby and takes no writes.");
        var isDurable = flush != "off" && Fsync == "on" && FullPageWrites == "on";
        var basis =
            $"PostgreSQL {ServerVersion}, synchronous_commit {flush} "
                + $"{(isInside ? "in the transaction of the application when the store was opened" : "for each commit")}, fsync {Fsync}, "
                + $"full_page_writes {FullPageWrites}";
        return new EngineDurability(isDurable ? Durability.Durable : Durability.Fast, basis, warnings);
    }
}

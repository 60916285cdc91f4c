using System.Data;
using System.Globalization;
using System.Text;
using Dapper;
using EventStore.Postgres;
using Npgsql;

namespace EventStore;

/// <summary>Makes and checks the tables of a store, or writes down the statements that make them.</summary>
public static class PostgresSchema
{
    internal const int Version = 2; // 1 had no tags

    private static readonly string[] Making =
    [
        "create-store", "create-streams", "create-events", "create-events-commit", "create-events-category", "create-tags",
        "create-snapshots", "create-document-versions", "create-documents", "create-term", "create-read-json",
        "create-readable-events", "insert-store",
    ];

    // What must be there, in the words of check-schema.sql. More is not asked about: an index added by an administrator does no harm.
    private static readonly string[] Expected =
    [
        "column store.schema_version integer", "column store.version bigint", "column store.last_checkpoint bigint",
        "column store.last_stamp timestamp with time zone", "column store.last_stream bigint",
            "column store.removed bigint", "column store.holder text by code point",
        "column streams.stream bigint", "column streams.bucket text by code point", "column streams.category text by code point",
            "column streams.id text by code point",
        "column streams.revision bigint", "column streams.sequence bigint", "column streams.incarnation bigint",
            "column streams.snapshot_revision bigint", "column streams.first_revision bigint", "column streams.sealed boolean",
        "column events.checkpoint bigint", "column events.stream bigint", "column events.revision bigint", "column events.sequence bigint",
        "column events.stamp timestamp with time zone", "column events.commit_id uuid", "column events.event_id uuid",
            "column events.index_in_commit integer",
        "column events.commit_events integer", "column events.type text by code point", "column events.body bytea",
            "column events.headers bytea", "column events.commit_headers bytea", "column events.category bigint",
            "column events.tags text[] by code point", "column events.unit_checkpoint bigint", "column events.unit_size integer",
        "column tags.term bigint", "column tags.checkpoint bigint",
        "column snapshots.stream bigint", "column snapshots.revision bigint", "column snapshots.schema_version integer",
            "column snapshots.state_type text by code point", "column snapshots.payload bytea",
        "column documents.name text by code point", "column documents.version bigint", "column documents.content bytea",
        "sequence document_versions", "function term", "index events_category on events (category, checkpoint) where (type <> ''::text)",
            "unique index tags_term on tags (term, checkpoint)",
        "unique index store_one_row on store (one)", "unique index streams_stream on streams (stream)",
            "unique index streams_name on streams (bucket, category, id)",
        "unique index events_checkpoint on events (checkpoint)", "unique index events_revision on events (stream, revision)",
        "unique index events_commit on events (stream, commit_id) where (index_in_commit = 0)",
        "unique index snapshots_revision on snapshots (stream, revision, schema_version)",
            "unique index documents_name on documents (name)",
    ];

    /// <summary>
    /// The statements that make a store, for a database whose administrator runs them. The store then opens without making anything.
    /// </summary>
    /// <param name="schema">The schema's name, as in <see cref="PostgresOptions.Schema"/>.</param>
    public static string GenerateCreateScript(string schema = "eventstore")
    {
        new PostgresOptions { Schema = schema }.RequireSchema();
        var sql = new PostgresSql(schema);
        var script = new StringBuilder().AppendLine("BEGIN;");
        foreach (var name in (string[])["create-schema", .. Making]) script.AppendLine().Append(sql.Load(name)).AppendLine(";");
        return script.AppendLine().AppendLine("COMMIT;").ToString();
    }

    /// <summary>Makes the store if it is missing and may be made. Where another process is faster, its store is taken.</summary>
    internal static async Task MakeAsync(NpgsqlConnection connection, PostgresSql sql, bool schemaExists,
        CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken).ConfigureAwait(false);
        await using var transactionEnding = transaction.ConfigureAwait(false);
        try
        {
            foreach (var name in schemaExists ? Making : ["create-schema", .. Making])
            {
                var command = new NpgsqlCommand(sql.Load(name), connection, transaction);
                await using var commandEnding = command.ConfigureAwait(false);
                await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            }

            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException error) when (PostgresErrors.IsMadeByAnother(error))
        {
            // The transaction of the other process is over now, because this one waited for it. What it made is checked next.
            await transaction.RollbackAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>Reads what opening needs to know of the store; null where there is none.</summary>
    internal static async Task<(int Version, long LastCheckpoint, long TableId)?> FindAsync(NpgsqlConnection connection, PostgresSql sql,
        CancellationToken cancellationToken)
    {
        try
        {
            var command = new NpgsqlCommand(sql.Load("find-store"), connection);
            await using var commandEnding = command.ConfigureAwait(false);
            var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await using var readerEnding = reader.ConfigureAwait(false);
            if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false)) return (0, 0, 0);
            return (reader.GetInt32(0), PostgresRows.LastCheckpointOf(reader, 1), reader.GetInt64(2));
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return null;
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UndefinedColumn)
        {
            return (0, 0, 0);
        }
    }

    /// <summary>Refuses a store of another version, or one in which something is missing that the guarantees rest on.</summary>
    internal static async Task CheckAsync(NpgsqlConnection connection, PostgresSql sql, int version, CancellationToken cancellationToken)
    {
        if (version != Version)
        {
            throw new StorageException(string.Create(CultureInfo.InvariantCulture,
                $"Schema '{sql.Schema}' holds a store of version {version}, but this package knows version {Version} only. "
                    + $"Use the package that made it, or another schema. Nothing was changed."));
        }

        var rows = connection.QueryUnbufferedAsync<string>(sql.Load("check-schema"), new { schema = sql.Schema },
            commandTimeout: connection.CommandTimeout);
        var found = await rows.ToListAsync(cancellationToken).ConfigureAwait(false);
        if (found.Find(line => line.StartsWith("unexpected", StringComparison.Ordinal)) is { } unexpected)
            throw new StorageException(
                $"Schema '{sql.Schema}' holds a store with an {Names.Printable(unexpected)}, which can change or hide what is stored. "
                    + "Drop it, or restore the database from a backup. Nothing was changed.");
        var missing = Expected.Except(found, StringComparer.Ordinal).ToList();
        if (missing.Count > 0)
            throw new StorageException(
                $"Schema '{sql.Schema}' holds a store that lacks: {string.Join("; ", missing)}. "
                    + "Make it as in PostgresSchema.GenerateCreateScript(), or restore it. Nothing was changed.");
    }
}

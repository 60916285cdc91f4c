using Dapper;

namespace EventStore.Sqlite;

/// <summary>Snapshots, and the newest one's revision beside the stream's name, where the list of heads finds it.</summary>
internal static class SqliteSnapshots
{
    public static void Save(SqliteSession session, SnapshotRecord snapshot)
    {
        var head = SqliteHeads.Find(session, snapshot.Stream);
        var state = StreamState.Of(head);
        if (!AttemptRules.Accepts(snapshot, state)) throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, state);
        session.Connection.Execute(session.Sql["save-snapshot"], new
        {
            stream = state.Incarnation.Value,
            revision = snapshot.Revision.Value,
            schemaVersion = snapshot.SchemaVersion,
            stateType = snapshot.StateType,
            crc = SqliteChecksum.Of(snapshot).Value,
            payload = (object)snapshot.Payload.ToArray(),
        });
        session.Connection.Execute(session.Sql["update-snapshot-revision"], new { stream = state.Incarnation.Value });
    }

    [QueryColumns("revision", "schemaVersion", "stateType", "crc", "payload")]
    public static SnapshotRecord? Find(SqliteSession session, StreamId stream, Revision atMost)
    {
        var head = SqliteHeads.Find(session, stream);
        var row = head is null ? null : session.Connection.QueryFirstOrDefault<Row>(session.Sql["find-snapshot"],
            new { stream = head.Incarnation.Value, atMost = atMost.Value });
        if (row is null) return null;
        return (Sound(row, stream) ?? throw Damaged(session, row, stream)) with { Incarnation = head!.Incarnation };
    }

    public static void Prune(SqliteSession session, StreamId stream, int keep)
    {
        var head = SqliteHeads.Find(session, stream);
        if (head is null || session.Connection.Execute(
            session.Sql["prune-snapshots"], new { stream = head.Incarnation.Value, keep }) == 0) return;
        session.Connection.Execute(session.Sql["update-snapshot-revision"], new { stream = head.Incarnation.Value });
    }

    /// <summary>Reads every snapshot and reports those that are damaged.</summary>
    [QueryColumns("stream", "revision", "schemaVersion", "stateType", "crc", "payload")]
    public static IEnumerable<CorruptStorageException> FindDamages(SqliteSession session)
    {
        foreach (var found in session.Connection.Query<RowOfStream>(session.Sql["verify-snapshots"], buffered: false))
        {
            var stream = session.Rows.StreamOf(found.Stream ?? 0).Name;
            var row = new Row(found.Revision, found.SchemaVersion, found.StateType, found.Crc, found.Payload);
            if (Sound(row, stream) is null) yield return Damaged(session, row, stream);
        }
    }

    private static SnapshotRecord? Sound(Row row, StreamId stream)
    {
        if (row is not
            {
                Revision: > 0 and <= SqliteRows.MostNumber and var revision,
                SchemaVersion: >= 0 and <= int.MaxValue and var version, StateType: { } type,
                Payload: { } payload
            }) return null;
        var snapshot = new SnapshotRecord(stream, new Revision(revision), (int)version, type, payload);
        return SqliteChecksum.Of(snapshot).Value == row.Crc ? snapshot : null;
    }

    private static CorruptStorageException Damaged(SqliteSession session, Row row, StreamId stream) =>
        SqliteErrors.Damage(session, $"{session.Sql.Table("snapshots")}, stream '{stream}', revision {row.Revision}",
            "the checksum of the snapshot is wrong.");

    // No column is NULL, except in a damaged row.
    internal sealed record Row(long? Revision, long? SchemaVersion, string? StateType, long? Crc, byte[]? Payload);

    internal sealed record RowOfStream(long? Stream, long? Revision, long? SchemaVersion, string? StateType, long? Crc, byte[]? Payload);
}

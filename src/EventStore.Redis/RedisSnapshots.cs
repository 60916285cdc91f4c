using System.Globalization;
using System.Text;
using StackExchange.Redis;

namespace EventStore.Redis;

/// <summary>Snapshots of a stream, in the order of their places: revision, then schema version.</summary>
internal sealed class RedisSnapshots(RedisServer server, RedisSchema schema)
{
    public async ValueTask SaveAsync(SnapshotRecord snapshot, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(snapshot.Stream);
        var answer = await server.ChangeAsync(
            RedisScript.SaveSnapshot,
            [schema.Meta, schema.Index(name), schema.Newest, schema.Snapshots(name)],
            [
                name, snapshot.Revision.Value, snapshot.Incarnation.Value,
                RedisRows.PlaceOf(snapshot.Revision.Value, snapshot.SchemaVersion), RedisRows.Encode(snapshot),
            ],
            cancellationToken).ConfigureAwait(false);
        if ((long)answer[2] == 0)
            throw new SnapshotRefusedException(snapshot.Stream, snapshot.Revision, RedisRows.StateOf((byte[])answer[1]!));
    }

    public async ValueTask<SnapshotRecord?> FindAsync(StreamId stream, Revision atMost, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(stream);
        // A semicolon comes right after the colon that follows a revision.
        var end = string.Create(CultureInfo.InvariantCulture, $"({atMost.Value:D19};");
        var answer = await server.AskAsync(RedisScript.FindSnapshot, [schema.Meta, schema.Index(name), schema.Snapshots(name)],
            [name, end], cancellationToken).ConfigureAwait(false);
        return answer.Length > 1 && (byte[]?)answer[1] is { } found
            ? RedisRows.DecodeSnapshot(stream, found) with { Incarnation = new Checkpoint((long)answer[2]) }
            : null;
    }

    public async ValueTask PruneAsync(StreamId stream, int keep, CancellationToken cancellationToken)
    {
        var name = RedisSchema.NameOf(stream);
        await server.ChangeAsync(
            RedisScript.PruneSnapshots, [schema.Meta, schema.Index(name), schema.Newest, schema.Snapshots(name)], [name, keep],
            cancellationToken).ConfigureAwait(false);
    }
}

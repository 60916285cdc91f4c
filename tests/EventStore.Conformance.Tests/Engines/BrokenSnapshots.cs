using System.Collections.Concurrent;

namespace EventStore.Conformance.Tests.Engines;

/// <summary>Finds the snapshot that was saved last instead of the newest, as an order by the time of saving does (G21).</summary>
[CaughtBy(
    typeof(SnapshotSpecification<>),
    nameof(SnapshotSpecification<>.The_newest_snapshot_at_or_below_a_revision_is_found_in_any_order_of_saving))]
internal sealed class FindsTheLastSaved(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentStack<SnapshotRecord> saved = [];

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
        saved.Push(snapshot);
    }

    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken) is null
            ? null
            : saved.First(snapshot => snapshot.Stream == stream && snapshot.Revision <= atMost);
}

/// <summary>Keeps one snapshot for each revision of any schema version, so that an older shape replaces a newer one (G21).</summary>
[CaughtBy(
    typeof(SnapshotSpecification<>),
    nameof(SnapshotSpecification<>.At_one_revision_the_higher_schema_version_is_newer_and_saving_again_replaces_a_snapshot))]
internal sealed class IgnoresSchemaVersions(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<(StreamId, Revision), SnapshotRecord> newest = [];

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
        newest[(snapshot.Stream, snapshot.Revision)] = snapshot;
    }

    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken) is { } found
            ? newest.GetValueOrDefault((stream, found.Revision), found)
            : null;
}

/// <summary>Accepts a snapshot above the head, as an insert without a check does (G22).</summary>
[CaughtBy(typeof(SnapshotSpecification<>), nameof(SnapshotSpecification<>.A_snapshot_above_the_head_is_refused_and_stores_nothing))]
internal sealed class TakesSnapshotsAboveTheHead(IPersistenceEngine inner) : KeepsSnapshotsAboveTheHead(inner)
{
    protected override bool Refuses => false;
}

/// <summary>
/// Refuses a snapshot above the head when it is already stored, as an upsert followed by an update of the head does (G22).
/// </summary>
[CaughtBy(typeof(SnapshotSpecification<>), nameof(SnapshotSpecification<>.A_snapshot_above_the_head_is_refused_and_stores_nothing))]
internal sealed class RefusesSnapshotsAfterStoring(IPersistenceEngine inner) : KeepsSnapshotsAboveTheHead(inner)
{
    protected override bool Refuses => true;
}

/// <summary>Keeps snapshots above the head until the stream has grown.</summary>
internal abstract class KeepsSnapshotsAboveTheHead(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentBag<SnapshotRecord> kept = [];

    protected abstract bool Refuses { get; }

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        try
        {
            await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
        }
        catch (SnapshotRefusedException)
        {
            kept.Add(snapshot);
            if (Refuses) throw;
        }
    }

    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken)
            ?? kept.FirstOrDefault(snapshot => snapshot.Stream == stream && snapshot.Revision <= atMost);
}

/// <summary>Writes the revision of every saved snapshot into the head, also of an older one (G22).</summary>
[CaughtBy(typeof(SnapshotSpecification<>), nameof(SnapshotSpecification<>.An_older_snapshot_never_moves_the_head_back))]
internal sealed class MovesTheSnapshotBack(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<StreamId, Revision> lastSaved = [];

    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
        lastSaved[snapshot.Stream] = snapshot.Revision;
    }

    public override async ValueTask<StreamHead?> FindHeadAsync(StreamId stream, CancellationToken cancellationToken = default) =>
        await Inner.FindHeadAsync(stream, cancellationToken) is { } head
            ? head with { SnapshotRevision = lastSaved.GetValueOrDefault(stream) }
            : null;
}

/// <summary>Prunes the snapshots of every stream, as a statement does whose condition lacks the stream (G23).</summary>
[CaughtBy(
    typeof(SnapshotSpecification<>),
    nameof(SnapshotSpecification<>.Pruning_keeps_the_newest_snapshots_of_the_stream_and_all_of_others))]
internal sealed class PrunesOtherStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask PruneSnapshotsAsync(StreamId stream, int keep, CancellationToken cancellationToken = default)
    {
        foreach (var head in await Inner.ListHeadsAsync(new HeadQuery(null, 0, null, int.MaxValue), cancellationToken))
            await Inner.PruneSnapshotsAsync(head.Stream, keep, cancellationToken);
    }
}

/// <summary>Prunes to one snapshot on every save (G23: the default keeps all).</summary>
[CaughtBy(typeof(SnapshotSpecification<>), nameof(SnapshotSpecification<>.A_store_keeps_all_snapshots_unless_configured_otherwise))]
internal sealed class KeepsOneSnapshot(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    public override async ValueTask SaveSnapshotAsync(SnapshotRecord snapshot, CancellationToken cancellationToken = default)
    {
        await Inner.SaveSnapshotAsync(snapshot, cancellationToken);
        await Inner.PruneSnapshotsAsync(snapshot.Stream, 1, cancellationToken);
    }
}

/// <summary>Keeps the snapshots of a deleted stream for the one created again (G25).</summary>
[CaughtBy(typeof(SnapshotSpecification<>), nameof(SnapshotSpecification<>.A_stream_created_again_never_has_a_snapshot_of_the_deleted_one))]
internal sealed class KeepsSnapshotsOfDeletedStreams(IPersistenceEngine inner) : DelegatingEngine(inner)
{
    private readonly ConcurrentDictionary<StreamId, SnapshotRecord> left = [];

    public override async ValueTask<StreamChange> DeleteStreamAsync(
        StreamId stream, StreamExpectation expected, CancellationToken cancellationToken = default)
    {
        if (await Inner.FindSnapshotAsync(stream, Revision.Max, cancellationToken) is { } found) left[stream] = found;
        return await Inner.DeleteStreamAsync(stream, expected, cancellationToken);
    }

    public override async ValueTask<SnapshotRecord?> FindSnapshotAsync(
        StreamId stream, Revision atMost, CancellationToken cancellationToken = default) =>
        await Inner.FindSnapshotAsync(stream, atMost, cancellationToken)
            ?? (left.TryGetValue(stream, out var old) && old.Revision <= atMost ? old : null);
}

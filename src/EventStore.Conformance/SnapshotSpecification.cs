using System.Text;
using Xunit;

namespace EventStore.Conformance;

/// <summary>
/// The newest snapshot at or below a revision is found, whatever the order of saving; pruning and deleting leave no trace.
/// </summary>
public abstract class SnapshotSpecification<TBackend> : Specification<TBackend> where TBackend : IBackend, new()
{
    private readonly StreamId stream = new("bucket", "category", "stream");

    [Fact, Guarantee("G21")]
    public async Task The_newest_snapshot_at_or_below_a_revision_is_found_in_any_order_of_saving()
    {
        await AppendAsync(stream, 20);
        foreach (var revision in (long[])[10, 2, 18, 6, 14]) await SaveAsync(revision);

        for (var atMost = 0; atMost <= 20; atMost++)
        {
            var expected = new long[] { 2, 6, 10, 14, 18 }.LastOrDefault(revision => revision <= atMost);
            Assert.Equal(expected == 0 ? null : $"{expected}.0", await FindAsync(atMost));
        }

        Assert.Equal("18.0", await FindAsync(long.MaxValue));
    }

    [Fact, Guarantee("G21")]
    public async Task At_one_revision_the_higher_schema_version_is_newer_and_saving_again_replaces_a_snapshot()
    {
        await AppendAsync(stream, 5);
        await SaveAsync(3, schemaVersion: 2);
        await SaveAsync(3, schemaVersion: 1);
        Assert.Equal("3.2", await FindAsync(5));
        await SaveAsync(3, schemaVersion: 10);
        Assert.Equal("3.10", await FindAsync(5));
        await SaveAsync(3, schemaVersion: 10, state: "again");
        Assert.Equal("again", await FindAsync(5));
        await SaveAsync(4, schemaVersion: 0);
        Assert.Equal("4.0", await FindAsync(5));
    }

    [Fact, Guarantee("G22")]
    public async Task A_snapshot_above_the_head_is_refused_and_stores_nothing()
    {
        await Assert.ThrowsAsync<SnapshotRefusedException>(async () => await SaveAsync(1));
        await AppendAsync(stream, 3);
        var refused = await Assert.ThrowsAsync<SnapshotRefusedException>(async () => await SaveAsync(4));
        Assert.Equal((4, 3), (refused.Revision.Value, refused.Head.Value));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await SaveAsync(0));
        await AppendAsync(stream, 3);
        Assert.Null(await FindAsync(6));
    }

    [Fact, Guarantee("G22")]
    public async Task An_older_snapshot_never_moves_the_head_back()
    {
        await AppendAsync(stream, 10);
        await SaveAsync(8);
        await SaveAsync(3);
        Assert.Equal(8, (await HeadAsync(stream)).SnapshotRevision.Value);
        await AppendAsync(stream, 1);
        Assert.Equal(8, (await HeadAsync(stream)).SnapshotRevision.Value);
    }

    [Fact, Guarantee("G23")]
    public async Task Pruning_keeps_the_newest_snapshots_of_the_stream_and_all_of_others()
    {
        StreamId other = "other";
        await AppendAsync(stream, 10);
        await AppendAsync(other, 10);
        foreach (var revision in (long[])[9, 1, 5, 3, 7, 2])
        {
            await SaveAsync(revision);
            await Engine.SaveSnapshotAsync(new SnapshotRecord(other, new Revision(revision), 0, "state", "other"u8.ToArray()));
        }

        await Engine.PruneSnapshotsAsync(stream, 3);
        Assert.Null(await FindAsync(4));
        Assert.Equal(("5.0", "7.0", "9.0"), (await FindAsync(6), await FindAsync(8), await FindAsync(10)));
        Assert.Equal(1, (await SnapshotAsync(other, new Revision(1))).Revision.Value);
        await Engine.PruneSnapshotsAsync(stream, 3);
        Assert.Equal("5.0", await FindAsync(6));
        await Engine.PruneSnapshotsAsync(stream, 0);
        Assert.Null(await FindAsync(10));
        Assert.Equal(0, (await HeadAsync(stream)).SnapshotRevision.Value);
        await Engine.PruneSnapshotsAsync("missing", 1);
    }

    [Fact, Guarantee("G23")]
    public async Task A_store_keeps_all_snapshots_unless_configured_otherwise()
    {
        await using var keepsAll = await Wire().BuildAsync();
        for (var i = 1; i <= 5; i++)
        {
            await keepsAll.AppendAsync(stream, $"event {i}");
            await keepsAll.Snapshots.SaveAsync(new Snapshot(stream, new Revision(i), $"state {i}"));
        }

        Assert.Equal("state 1", (await keepsAll.Snapshots.FindAsync(stream, new Revision(1)))?.State);

        await using var keepsTwo = await Wire().KeepSnapshots(2).BuildAsync();
        await keepsTwo.Snapshots.SaveAsync(new Snapshot(stream, new Revision(5), "state 5, version 1", 1));
        Assert.Equal("state 5, version 1", (await keepsTwo.Snapshots.FindAsync(stream))?.State);
        Assert.Null(await keepsTwo.Snapshots.FindAsync(stream, new Revision(4)));
    }

    [Fact, Guarantee("G25")]
    public async Task A_stream_created_again_never_has_a_snapshot_of_the_deleted_one()
    {
        for (var round = 0; round < 3; round++)
        {
            await AppendAsync(stream, 5);
            Assert.Null(await FindAsync(5));
            await SaveAsync(2);
            await SaveAsync(5);
            await Engine.DeleteStreamAsync(stream);
            Assert.Null(await FindAsync(5));
        }

        await AppendAsync(stream, 5);
        Assert.Null(await FindAsync(5));
        Assert.Equal(0, (await HeadAsync(stream)).SnapshotRevision.Value);
        await SaveAsync(4);
        await Engine.PurgeBucketAsync("bucket");
        await AppendAsync(stream, 5);
        Assert.Null(await FindAsync(5));
    }

    private ValueTask SaveAsync(long revision, int schemaVersion = 0, string? state = null) =>
        Engine.SaveSnapshotAsync(
            new SnapshotRecord(
                stream, new Revision(revision), schemaVersion, "state", Encoding.UTF8.GetBytes(state ?? $"{revision}.{schemaVersion}")));

    private async ValueTask<string?> FindAsync(long atMost) =>
        await Engine.FindSnapshotAsync(stream, new Revision(atMost)) is { } found ? Encoding.UTF8.GetString(found.Payload.Span) : null;
}

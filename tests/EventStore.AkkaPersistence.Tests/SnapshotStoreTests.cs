using Akka.Persistence;

namespace AkkaPersistence.Tests;

/// <summary>What Akka expects of a snapshot store.</summary>
public sealed class SnapshotStoreTests
{
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData(long.MaxValue, 99, 0, 0, "20")]
    [InlineData(15, 99, 0, 0, "10")]
    [InlineData(long.MaxValue, 2, 0, 0, "10")]
    [InlineData(long.MaxValue, 1, 0, 0, "9")]
    [InlineData(9, 99, 9, 0, "9")]
    [InlineData(9, 99, 0, 2, null)]
    [InlineData(15, 1, 10, 0, null)]
    [InlineData(8, 99, 0, 0, null)]
    public async Task The_highest_snapshot_within_numbers_and_times_is_loaded(
        long to, int untilHour, long from, int fromHour, string? state)
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await SaveAsync(system, "a", (20, 3), (9, 1), (10, 2));
        var criteria = new SnapshotSelectionCriteria(to, Start.AddHours(untilHour), from, Start.AddHours(fromHour));
        Assert.Equal(state, (await system.Snapshots.LoadAsync("a", criteria))?.Snapshot);
    }

    [Fact]
    public async Task A_snapshot_takes_the_place_of_one_with_the_same_number()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await SaveAsync(system, "a", (1, 1), (1, 2), (1, 3));
        Assert.Equal(Start.AddHours(3), (await system.Snapshots.LoadAsync("a"))?.Metadata.Timestamp);
        Assert.Single(await store.ReadAllAsync(decoding: EventDecoding.OnDemand).ToListAsync());
    }

    [Fact]
    public async Task One_snapshot_is_deleted_by_its_number_and_its_time_if_one_is_given()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await SaveAsync(system, "a", (1, 1), (2, 2), (3, 3));
        await system.Snapshots.DeleteAsync(new SnapshotMetadata("a", 3, Start));
        Assert.Equal(3, (await system.Snapshots.LoadAsync("a"))?.Metadata.SequenceNr);
        await system.Snapshots.DeleteAsync(new SnapshotMetadata("a", 3, Start.AddHours(3)));
        Assert.Equal(2, (await system.Snapshots.LoadAsync("a"))?.Metadata.SequenceNr);
        await system.Snapshots.DeleteAsync(new SnapshotMetadata("a", 2, DateTime.MinValue));
        Assert.Equal(1, (await system.Snapshots.LoadAsync("a"))?.Metadata.SequenceNr);
    }

    [Fact]
    public async Task Snapshots_are_deleted_by_numbers_and_times_and_leave_no_stream()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await SaveAsync(system, "a", (1, 1), (2, 2), (3, 3), (4, 4));
        await system.Snapshots.DeleteAsync("a", new SnapshotSelectionCriteria(4, Start.AddHours(2)));
        await system.Snapshots.DeleteAsync("a", new SnapshotSelectionCriteria(3));
        Assert.Single(await store.ListStreamsAsync().ToListAsync());
        Assert.Equal("4", (await system.Snapshots.LoadAsync("a"))?.Snapshot);
    }

    [Fact]
    public async Task Actors_whose_ids_begin_alike_have_snapshots_of_their_own()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        string[] ids = ["1", "1:1", "1:1:1", "11", "a", "a:", "a/b"];
        foreach (var id in ids) await system.Snapshots.SaveAsync(id, 7, id, Start);
        foreach (var id in ids)
        {
            Assert.Equal(id, (await system.Snapshots.LoadAsync(id))?.Snapshot);
            await system.Snapshots.DeleteAsync(id, SnapshotSelectionCriteria.Latest);
            Assert.Null(await system.Snapshots.LoadAsync(id));
        }
    }

    private static async Task SaveAsync(TestSystem system, string id, params (long SequenceNr, int Hour)[] snapshots)
    {
        foreach (var (number, hour) in snapshots) await system.Snapshots.SaveAsync(id, number, $"{number}", Start.AddHours(hour));
    }
}

using EventStore.FileSystem.Tests.Simulation;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// A small store of several segments and runs, damaged in every way one at a time: refused with a place, or without effect.
/// </summary>
public sealed class DamageTests(ClosedStore store, KilledStore killed) : IClassFixture<ClosedStore>, IClassFixture<KilledStore>
{
    [Fact]
    public void It_has_files_of_every_kind() => Assert.All(
        (string[])["store.esfs", "writer.lock", "checkpoint-", "log/00000003.seg", "idx/", "quarantine/"],
        kind => Assert.Contains(store.Disk.Paths, path => path.StartsWith(kind, StringComparison.Ordinal)));

    [Fact(Timeout = 600_000)]
    public async Task A_flipped_bit_anywhere_is_refused_with_its_place_or_changes_nothing() =>
        await Parallel.ForEachAsync(store.Bytes(), async (place, _) =>
    {
        for (var bit = 0; bit < 8; bit++)
        {
            var damaged = store.Disk.Copy();
            damaged.Flip(place.Path, place.At, bit);
            await store.CheckAsync(damaged, place.Path, $"bit {bit} of byte {place.At} of {place.Path}");
        }
    });

    [Fact(Timeout = 600_000)]
    public async Task A_file_cut_anywhere_is_refused_with_its_place_or_changes_nothing() =>
        await Parallel.ForEachAsync(store.Bytes(), async (place, _) =>
    {
        var damaged = store.Disk.Copy();
        damaged.Cut(place.Path, place.At);
        await store.CheckAsync(damaged, place.Path, $"{place.Path} cut to {place.At} bytes");
    });

    [Fact(Timeout = 600_000)]
    public async Task A_killed_store_loses_at_most_its_last_batch_to_damage() =>
        await Parallel.ForEachAsync(killed.Bytes(), async (place, _) =>
    {
        var damaged = killed.Disk.Copy();
        damaged.Flip(place.Path, place.At, place.At % 8);
        await killed.CheckAsync(damaged, place.Path, $"bit {place.At % 8} of byte {place.At} of {place.Path}");
        damaged = killed.Disk.Copy();
        damaged.Cut(place.Path, place.At);
        await killed.CheckAsync(damaged, place.Path, $"{place.Path} cut to {place.At} bytes");
    });

    [Fact]
    public async Task A_missing_file_is_refused_with_its_place_or_changes_nothing()
    {
        foreach (var path in store.Disk.Paths)
        {
            var damaged = store.Disk.Copy();
            damaged.Remove(path);
            await store.CheckAsync(damaged, path.StartsWith("log/", StringComparison.Ordinal) ? "log" : path, $"{path} missing");
        }
    }

    [Fact]
    public async Task A_deleted_index_is_rebuilt_and_returns_the_same()
    {
        var bare = store.Disk.Copy();
        foreach (var path in bare.Paths.Where(path => path.StartsWith("idx/", StringComparison.Ordinal)).ToArray()) bare.Remove(path);
        await using var engine = store.Open(bare);
        await engine.InitializeAsync();
        Assert.Equal(store.Fingerprint, (await StoreReader.ReadAsync(engine)).Fingerprint);
        Assert.True((await engine.VerifyAsync()).IsSound);
    }
}

using EventStore.FileSystem.Segments;

namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>
/// A closed store whose segments are packed in every way and have gaps: once compressed and compacted, then compacted without
/// compressing.
/// </summary>
internal static class PackedStore
{
    private const int BlockLength = 512;

    public static async Task<(SimulatedDisk Disk, string Content)> MakeAsync()
    {
        var random = new Random(1);
        var disk = new SimulatedDisk(random);
        var content = "";
        foreach (var compresses in (bool[])[true, false])
        {
            var small = SmallStore.Small(segmentBytes: 9000, inBackground: LogSettings.InPlace);
            var settings = small with { Packing = new PackSettings(compresses, BlockLength) };
            await using var engine = await SmallStore.OpenAsync(disk, settings);
            var prefix = compresses ? "compressed" : "not-compressed";
            await SmallStore.FillAsync(engine, 20, streams: 3, prefix);
            var incompressible = new byte[3 * BlockLength];
            random.NextBytes(incompressible);
            foreach (var stream in (string[])[$"{prefix}-0", "gone"])
            {
                var id = Operations.SequentialGuid(random);
                var recorded = new EventRecord(Operations.SequentialGuid(random), "type", incompressible);
                await engine.CommitAsync([new CommitAttempt(stream, id, [recorded])]);
            }

            for (var i = 0; i < 3; i++)
                await engine.PutDocumentAsync("document", new byte[1000], (await engine.FindDocumentAsync("document"))?.Version ?? 0);
            await engine.SaveSnapshotAsync(new SnapshotRecord($"{prefix}-1", new Revision(2), 1, "state", incompressible));
            var unit = UnitOf(random, incompressible, $"{prefix}-2", "gone", "cut");
            await engine.CommitAsync([unit]);
            await engine.TruncateStreamAsync("cut", new Revision(compresses ? 2 : 5), StreamExpectation.Any);
            await engine.TruncateStreamAsync($"{prefix}-1", new Revision(6), StreamExpectation.Any);
            await engine.DeleteStreamAsync("gone", StreamExpectation.Any);
            await CompactionTests.CompactAsync(engine);
            await SmallStore.FillAsync(engine, 2, streams: 3, prefix);
            content = (await StoreReader.ReadAsync(engine)).ToString();
        }

        return (disk, content);
    }

    // Two events of each stream, the first with a tag.
    private static CommitAttempt UnitOf(Random random, byte[] body, params string[] streams)
    {
        var id = Operations.SequentialGuid(random);
        var members = streams.Select(stream => new CommitAttempt(
            stream, id,
            [
                new EventRecord(Operations.SequentialGuid(random), "type", body, default, ["tag"]),
                new EventRecord(Operations.SequentialGuid(random), "type", default),
            ])).ToArray();
        return new CommitAttempt(streams[0], id, members[0].Events) { Rest = members[1..] };
    }
}

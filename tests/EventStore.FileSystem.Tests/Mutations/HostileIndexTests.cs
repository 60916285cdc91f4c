using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Engine;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>Runs of the index whose checksums are right and whose entries lead elsewhere: found out in little time and memory.</summary>
public sealed class HostileIndexTests(StoreForms forms) : IClassFixture<StoreForms>
{
    private const long MostBytes = 64 << 20;

    [Theory]
    [InlineData((3L << 32) - (1L << 30))]
    [InlineData((1L << 50) - (1L << 30))]
    public async Task An_address_far_behind_the_end_of_the_log_allocates_nothing(long distance)
    {
        var disk = forms.Closed.Disk.Copy();
        var ids = forms.Closed.CommitIds;
        Assert.NotEqual(0, RunImage.Change(disk, (key, value) =>
        {
            if (key[0] != IndexKeys.CommitId) return (key, value);
            var id = new Guid(key.AsSpan(1, 16), bigEndian: true);
            return (IndexKeys.OfCommitId(id, (distance + IndexKeys.PositionIn(key)) & ~7L), value);
        }));
        await using var engine = await OpenAsync(disk);
        var before = GC.GetAllocatedBytesForCurrentThread();
        foreach (var (stream, id) in ids)
        {
            if (await engine.FindHeadAsync(stream) is null) continue;
            var error = await Record.ExceptionAsync(async () => await engine.FindCommitAsync(stream, id));
            Assert.True(error is null or CorruptStorageException, $"{error}");
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
    }

    [Fact]
    public async Task A_revision_that_a_stream_does_not_have_allocates_little_and_costs_the_index()
    {
        var disk = forms.Closed.Disk.Copy();
        Assert.NotEqual(0, RunImage.Change(disk, (key, value) => key[0] == IndexKeys.Head && value.Length > 0
            ? (key, (HeadEntry.Read(value) with { Revision = 1L << 40 }).ToValue())
            : (key, value)));
        await using var engine = await OpenAsync(disk);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(forms.Events, (await SmallStore.ReadConsistentAsync(engine)).Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
    }

    [Fact]
    public async Task A_document_that_the_index_has_under_another_name_is_never_returned()
    {
        var disk = forms.Closed.Disk.Copy();
        await using var sound = await OpenAsync(forms.Closed.Disk.Copy());
        var expected = (await sound.ListDocumentsAsync("", "", 100)).Select(Content).ToArray();
        var stored = RunImage.ReadAll(disk).Where(entry => entry.Key[0] == IndexKeys.Document && entry.Value.Length > 0).ToArray();
        Assert.NotEqual(0, RunImage.Change(
            disk, (key, value) => key[0] == IndexKeys.Document && value.Length > 0 ? (key, Other(stored, key, value)) : (key, value)));
        await using (var engine = await OpenAsync(disk.Copy()))
            Assert.Equal(expected, (await engine.ListDocumentsAsync("", "", 100)).Select(Content));
        foreach (var document in expected)
        {
            await using var engine = await OpenAsync(disk.Copy());
            Assert.Equal(document, Content((await engine.FindDocumentAsync(document.Name))!));
        }

        static (string Name, long Version, string Content) Content(NamedDocument document) =>
            (document.Name, document.Version, Convert.ToHexString(document.Content.Span));
    }

    [Fact]
    public async Task A_snapshot_that_the_index_has_under_another_stream_is_never_returned()
    {
        var disk = new MemoryDisk();
        await using (var engine = await OpenAsync(disk))
        {
            foreach (var stream in (StreamId[])["a", "b"]) await engine.CommitAsync([SmallStore.Attempt(stream, "text", events: 3)]);
            foreach (var stream in (StreamId[])["a", "b"])
                await engine.SaveSnapshotAsync(new SnapshotRecord(stream, new Revision(2), 1, "state", new byte[5]));
        }

        var stored = RunImage.ReadAll(disk).Where(entry => entry.Key[0] == IndexKeys.Snapshot).ToArray();
        Assert.Equal(2, RunImage.Change(
            disk, (key, value) => key[0] == IndexKeys.Snapshot ? (key, Other(stored, key, value)) : (key, value)));
        foreach (var stream in (StreamId[])["a", "b"])
        {
            await using var engine = await OpenAsync(disk.Copy());
            Assert.Equal(stream, (await engine.FindSnapshotAsync(stream, Revision.Max))?.Stream);
        }
    }

    [Fact]
    public async Task A_condition_is_not_met_where_the_index_lists_an_event_at_another_place()
    {
        var disk = new MemoryDisk();
        await using (var engine = await OpenAsync(disk))
        {
            foreach (var tag in (string[])["one", "two", "three"]) await engine.CommitAsync([Tagged(tag)]);
        }

        var stored = RunImage.ReadAll(disk).Where(entry => entry.Key[0] == IndexKeys.Tag).ToArray();
        Assert.Equal(3, RunImage.Change(
            disk, (key, value) => key[0] == IndexKeys.Tag ? (key, Other(stored, key, value)) : (key, value)));
        foreach (var tag in (string[])["one", "two", "three"])
        {
            await using var engine = await OpenAsync(disk.Copy());
            var outcome = (await engine.CommitAsync([Tagged("more", new AppendCondition(EventCriteria.Tagged(tag)))]))[0];
            Assert.Equal(CommitOutcomeKind.ConditionNotMet, outcome.Kind);
        }

        static CommitAttempt Tagged(string tag, AppendCondition? condition = null) =>
            new("stream", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[5], default, [tag])]) { Condition = condition };
    }

    [Fact]
    public async Task A_place_of_a_checkpoint_that_is_that_of_another_one_skips_no_event()
    {
        var disk = forms.Closed.Disk.Copy();
        await using var sound = await OpenAsync(forms.Closed.Disk.Copy());
        var expected = await SmallStore.ReadAllAsync(sound);
        var stored = RunImage.ReadAll(disk).Where(entry => entry.Key[0] == IndexKeys.Checkpoint).ToArray();
        Assert.NotEqual(0, RunImage.Change(
            disk, (key, value) => key[0] == IndexKeys.Checkpoint ? (key, Other(stored, key, value)) : (key, value)));
        foreach (var direction in (ReadDirection[])[ReadDirection.Forward, ReadDirection.Backward])
        {
            foreach (var at in expected.AsEnumerable().Reverse())
            {
                await using var engine = await OpenAsync(disk.Copy());
                var (after, upTo) = direction == ReadDirection.Forward ? (at.Checkpoint - 1, long.MaxValue) : (0, at.Checkpoint);
                var page = await engine.ReadAllAsync(
                    new StoreRead(EventFilter.Everything, new Checkpoint(after), new Checkpoint(upTo), direction, new PageLimit(1, 1)));
                Assert.Equal(at.Checkpoint, page.Events.Span[0].Checkpoint.Value);
            }
        }
    }

    // The address of an entry with another name.
    private static byte[] Other((byte[] Key, byte[] Value)[] stored, byte[] key, byte[] value) =>
        stored.Last(entry => !entry.Key.SequenceEqual(key) && !entry.Value.SequenceEqual(value)).Value;

    private static async Task<FileSystemPersistenceEngine> OpenAsync(MemoryDisk disk) =>
        await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false));
}

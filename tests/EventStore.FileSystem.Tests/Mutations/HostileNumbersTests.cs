using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Maintenance;
using EventStore.TestSupport;

namespace EventStore.FileSystem.Tests.Mutations;

/// <summary>Numbers behind right checksums that no store writes, each by itself, and tokens that end what reads them.</summary>
public sealed class HostileNumbersTests(StoreForms forms) : IClassFixture<StoreForms>
{
    private const long MostBytes = 64 << 20;

    [Theory]
    [InlineData((byte)FrameKind.Commit, 32 + 16, 8, 0x7F)] // the stamp
    [InlineData((byte)FrameKind.Commit, 32 + 24, 1, 0)] // the first revision
    [InlineData((byte)FrameKind.Commit, 32 + 25, 1, 0x7F)] // the commit sequence, above the revision
    [InlineData((byte)FrameKind.Commit, 32 + 27, 1, 0x7F)] // the length of the bucket's name
    [InlineData((byte)FrameKind.Commit, 10, 2, 0x7F)] // how many events
    [InlineData((byte)FrameKind.DocumentPut, 32, 1, 0x7F)] // the length of the name
    public async Task A_number_in_a_frame_that_is_impossible_is_damage_with_file_and_offset(byte kind, int at, int bytes, byte value)
    {
        var disk = forms.Closed.Disk.Copy();
        var image = forms.Closed.Image.Copy();
        var segment = image.Segments.First(one => one.Frames.Exists(frame => frame.Kind == (FrameKind)kind));
        var number = segment.Frames.FindIndex(frame => frame.Kind == (FrameKind)kind);
        var changed = segment.Frames[number].Bytes.ToArray();
        changed.AsSpan(at, bytes).Fill(value);
        segment.Frames[number] = segment.Frames[number] with { Bytes = changed };
        image.WriteTo(disk);
        DeleteCheckpoints(disk);
        var damage = await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false)));
        Assert.Matches(@"^/memory/log/\d{8}\.seg, offset \d+$", damage.Place);
        await RepairAsync(disk);
    }

    [Fact]
    public async Task A_count_of_pruned_snapshots_allocates_no_more_than_the_frame_has_room_for()
    {
        var disk = forms.Closed.Disk.Copy();
        var image = forms.Closed.Image.Copy();
        var segment = image.Segments.First(one => one.Frames.Exists(frame => frame.Kind == FrameKind.DocumentDelete));
        var number = segment.Frames.FindIndex(frame => frame.Kind == FrameKind.DocumentDelete);
        var head = segment.Frames[number].Bytes.AsSpan(0, Format.FrameHeaderLength).ToArray();
        head[8] = (byte)FrameKind.SnapshotPrune;
        byte[] body = [1, (byte)'a', 0, 1, (byte)'b', .. Varint.Of(1L << 30)];
        byte[] frame = [.. head, .. body, .. new byte[-(head.Length + body.Length) & 7]];
        segment.Frames[number] = new FrameImage(frame, frame.Length);
        image.WriteTo(disk);
        DeleteCheckpoints(disk);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
    }

    [Fact]
    public async Task A_commit_whose_last_revision_is_beyond_all_is_damage_and_is_left_out_by_a_repair()
    {
        var disk = forms.Closed.Disk.Copy();
        var image = forms.Closed.Image.Copy();
        var segment = image.Segments.First(one => one.Frames.Exists(IsOfSeveral));
        var number = segment.Frames.FindIndex(IsOfSeveral);
        segment.Frames[number] = WithRevision(segment.Frames[number], Format.MaxCheckpoint);
        image.WriteTo(disk);
        DeleteIndex(disk);
        await Assert.ThrowsAsync<CorruptStorageException>(
            async () => await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false)));
        await RepairAsync(disk);

        static bool IsOfSeveral(FrameImage one) => one.Kind == FrameKind.Commit && one.Count > 1;
    }

    [Fact]
    public async Task A_revision_that_no_store_reaches_is_refused_before_anything_is_written()
    {
        var disk = forms.Closed.Disk.Copy();
        var image = forms.Closed.Image.Copy();
        var segment = image.Segments.Last(one => one.Frames.Exists(frame => frame.Kind == FrameKind.Commit));
        var number = segment.Frames.FindLastIndex(frame => frame.Kind == FrameKind.Commit);
        segment.Frames[number] = WithRevision(segment.Frames[number], Format.MaxCheckpoint - segment.Frames[number].Count);
        image.WriteTo(disk);
        DeleteIndex(disk);
        await using var engine = await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false));
        await engine.HoldAsync("import"); // an import that was broken off may hold it
        await engine.ReleaseAsync("import");
        var refused = 0;
        foreach (var stream in forms.Closed.Streams)
        {
            var head = (await engine.FindHeadAsync(stream))?.Revision.Value;
            var error = await Record.ExceptionAsync(async () => await engine.CommitAsync([EngineCalls.Attempt(stream, events: 2)]));
            if (error is null) continue;
            Assert.IsType<CorruptStorageException>(error);
            Assert.Equal(head, (await engine.FindHeadAsync(stream))?.Revision.Value);
            refused++;
        }

        Assert.Equal(1, refused);
    }

    [Theory]
    [InlineData(1 << 30)]
    [InlineData((1 << 27) - 8)]
    public async Task A_length_that_a_frame_claims_allocates_nothing_until_its_checksum_fits(int length)
    {
        var disk = forms.Closed.Disk.Copy();
        DeleteIndex(disk);
        var last = forms.Closed.Image.Segments.Last(segment => segment.Frames.Count > 0).Number;
        foreach (var empty in forms.Closed.Image.Segments.Where(segment => segment.Number > last)) disk.Delete(PathOf(empty.Number));
        var claim = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(claim, length);
        disk[PathOf(last)].Write(claim, Format.SegmentHeaderLength);
        disk[PathOf(last)].SetLength(2L << 30);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await Repair.RunAsync(disk, new MemoryDisk(), StoreForm.SettingsOf(compresses: false), null, default);
        var refused = await Record.ExceptionAsync(async () =>
        {
            await using var engine = await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false));
        });
        Assert.True(refused is null or CorruptStorageException, $"{refused}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);

        static string PathOf(long number) => Segments.LogSegments.PathOf(number);
    }

    [Theory]
    [InlineData(40)] // leaves
    [InlineData(48)] // root
    [InlineData(56)] // height
    [InlineData(64)] // first block of the filter
    [InlineData(72)] // cells of the filter
    [InlineData(80)] // keys in the filter
    public async Task A_foot_of_a_run_that_is_impossible_costs_the_index_and_nothing_else(int at)
    {
        foreach (var value in (long[])[-1, 1L << 31, 1L << 61, long.MaxValue])
        {
            var disk = forms.Closed.Disk.Copy();
            foreach (var path in disk.Paths.Where(path => path.EndsWith(".run", StringComparison.Ordinal)).ToArray())
            {
                var bytes = disk.Read(path);
                var foot = bytes.AsSpan(^RunFormat.BlockLength..);
                var id = BinaryPrimitives.ReadInt64LittleEndian(foot[16..]);
                BinaryPrimitives.WriteInt64LittleEndian(foot[at..], value);
                RunFormat.SealBlock(foot, forms.Closed.Image.Seed ^ (ulong)id, (bytes.Length / RunFormat.BlockLength) - 1);
                disk.Write(path, bytes);
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            await using var engine = await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false));
            Assert.Equal(forms.Events, (await SmallStore.ReadConsistentAsync(engine)).Count);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
        }
    }

    [Theory]
    [InlineData("opening")]
    [InlineData("opening read-only")]
    [InlineData("repair")]
    public async Task A_token_ends_it_while_the_log_is_read(string call)
    {
        using var ending = new CancellationTokenSource();
        var disk = forms.Killed.Disk.Copy(path =>
        {
            if (path == "log/00000002.seg") ending.Cancel();
        });
        await Assert.ThrowsAsync<OperationCanceledException>(async () =>
        {
            await using IPersistenceEngine engine = call == "opening read-only"
                ? SmallStore.MakeReader(disk, StoreForm.SettingsOf(compresses: false))
                : SmallStore.Make(disk, StoreForm.SettingsOf(compresses: false));
            if (call == "repair") await Repair.RunAsync(disk, new MemoryDisk(), StoreForm.SettingsOf(false), null, ending.Token);
            else await engine.InitializeAsync(ending.Token);
        });
    }

    [Fact]
    public async Task A_repair_that_lost_a_deletion_gives_a_sound_store()
    {
        var disk = new MemoryDisk();
        await using (var engine = await SmallStore.OpenAsync(disk, StoreForm.SettingsOf(compresses: false)))
        {
            await SmallStore.FillAsync(engine, 3, streams: 1);
            await engine.DeleteStreamAsync("stream-0", StreamExpectation.Any);
            await SmallStore.FillAsync(engine, 3, streams: 1);
        }

        var frames = LogImage.Read(disk).Segments[0].Frames;
        var at = Format.SegmentHeaderLength + frames.TakeWhile(frame => frame.Kind != FrameKind.StreamDelete).Sum(frame => frame.Span);
        disk["log/00000001.seg"].Write(new byte[8], at + Format.FrameHeaderLength);
        await RepairAsync(disk);
    }

    // The commit with another first revision.
    private static FrameImage WithRevision(FrameImage frame, long revision)
    {
        const int Revision = Format.FrameHeaderLength + 24;
        var (_, length) = Varint.Read(frame.Bytes.AsSpan(Revision), 0);
        byte[] changed = [.. frame.Bytes[..Revision], .. Varint.Of(revision), .. frame.Bytes[(Revision + length)..]];
        Array.Resize(ref changed, (changed.Length + 7) & ~7);
        return new FrameImage(changed, changed.Length);
    }

    private static void DeleteIndex(MemoryDisk disk)
    {
        DeleteCheckpoints(disk);
        foreach (var path in disk.Paths.Where(path => path.EndsWith(".run", StringComparison.Ordinal)).ToArray()) disk.Delete(path);
    }

    private static void DeleteCheckpoints(MemoryDisk disk)
    {
        foreach (var path in disk.Paths.Where(path => path.StartsWith("checkpoint-", StringComparison.Ordinal)).ToArray())
            disk.Delete(path);
    }

    private static async Task RepairAsync(MemoryDisk disk)
    {
        var target = new MemoryDisk();
        var report = await Repair.RunAsync(disk, target, StoreForm.SettingsOf(compresses: false), null, default);
        Assert.NotEmpty(report.LostParts);
        await using var engine = await SmallStore.OpenAsync(target, StoreForm.SettingsOf(compresses: false));
        Assert.True((await engine.VerifyAsync()).IsSound);
    }
}

/// <summary>The stores that are damaged.</summary>
public sealed class StoreForms : IAsyncLifetime
{
    private IReadOnlyList<StoreForm> forms = [];

    internal StoreForm Closed => forms.First(form => form.Name == "closed");

    internal StoreForm Killed => forms.First(form => form.Name == "killed");

    /// <summary>How many events can be read of the closed one.</summary>
    internal int Events { get; private set; }

    public async ValueTask InitializeAsync()
    {
        forms = await StoreForm.MakeAllAsync();
        await using var engine = await SmallStore.OpenAsync(Closed.Disk.Copy(), StoreForm.SettingsOf(compresses: false));
        Events = (await SmallStore.ReadAllAsync(engine)).Count;
    }

    public ValueTask DisposeAsync() => default;
}

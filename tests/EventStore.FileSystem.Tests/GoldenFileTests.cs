using System.Buffers.Binary;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Segments;
using EventStore.FileSystem.Store;
using EventStore.FileSystem.Tests.Simulation;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// Stores as each format wrote them, two folders of <c>Golden</c> for each, beside what they hold as text: one as it was written, one
/// packed, with gaps. A folder is written once, when its format appears: <c>dotnet
/// artifacts/bin/EventStore.FileSystem.Tests/release/EventStore.FileSystem.Tests.dll write-golden-store
/// tests/EventStore.FileSystem.Tests/Golden</c>.
/// </summary>
public sealed class GoldenFileTests : IDisposable
{
    private const string StoreFolder = "store";
    private const string ContentFile = "content.txt";
    private const string Packed = "-packed";
    private readonly TestDirectory directory = new();

    private static readonly string Golden = Path.Combine(RepositoryRoot.Path, "tests", "EventStore.FileSystem.Tests", "Golden");

    public static TheoryData<string> Formats => [.. Directory.EnumerateDirectories(Golden).Select(folder => Path.GetFileName(folder))];

    private static string CurrentFormat => $"{Format.Major}.{Format.Minor}";

    public void Dispose() => directory.Dispose();

    [Fact]
    public void The_current_format_is_among_them() =>
        Assert.Superset(new HashSet<string> { CurrentFormat, CurrentFormat + Packed }, Formats.Select(row => row.Data).ToHashSet());

    [Fact]
    public async Task The_packed_store_holds_blocks_of_every_coding_and_gaps()
    {
        Copy(CurrentFormat + Packed);
        var codings = Directory.EnumerateFiles(PathOf("log"), "*.seg")
            .SelectMany(path => CodingsIn(File.ReadAllBytes(path), path))
            .ToHashSet();
        Assert.Equal(Enum.GetValues<BlockCoding>().ToHashSet(), codings);
        await using var engine = Open();
        await engine.InitializeAsync();
        Assert.InRange(await engine.MaintainAsync((store, _) => CountGaps(store), CancellationToken.None), 4, 20);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_store_is_read_verified_appended_to_and_opened_again(string format)
    {
        var expected = await File.ReadAllTextAsync(Path.Combine(Golden, format, ContentFile));
        Copy(format);
        for (var round = 0; round < 2; round++)
        {
            await using var engine = Open();
            await engine.InitializeAsync();
            var content = await StoreReader.ReadAsync(engine);
            Assert.Equal(expected, content.ToString());
            Assert.True((await engine.VerifyAsync()).IsSound);
            await engine.HoldAsync("import"); // an import that was broken off may hold it
            await engine.ReleaseAsync("import");
            var attempt = new CommitAttempt("appended", Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", "a body"u8.ToArray())])
            {
                Expected = ExpectedRevision.Exactly(round),
            };
            Assert.Equal(CommitOutcomeKind.Committed, (await engine.CommitAsync([attempt]))[0].Kind);
            content.Append(attempt);
            expected = content.ToString();
        }
    }

    [Theory, InlineData("store.esfs", 1), InlineData("store.esfs", 3), InlineData("log/00000002.seg", 1), InlineData("log/00000002.seg", 3)]
    public async Task A_file_of_another_major_format_is_refused_with_both_formats_and_advice(string file, ushort major)
    {
        Copy(CurrentFormat);
        Change(file, header =>
        {
            BinaryPrimitives.WriteUInt16LittleEndian(header[8..], major);
            BinaryPrimitives.WriteUInt32LittleEndian(header[124..], Crc32C.Of(header[..124]));
        });
        await using var engine = Open();
        var refused = await Assert.ThrowsAsync<StorageFormatException>(async () => await engine.InitializeAsync());
        Assert.EndsWith(file, refused.Place, StringComparison.Ordinal);
        Assert.Equal(($"format {major}.{Format.Minor}", $"format {Format.Major}"), (refused.Found, refused.Expected));
        Assert.Contains("Open it with the version that wrote it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frame_of_an_unknown_kind_is_refused_with_the_known_ones()
    {
        Copy(CurrentFormat);
        foreach (var checkpoint in Directory.EnumerateFiles(Path.Combine(directory.Path, "events"), "checkpoint-*"))
            File.Delete(checkpoint);
        var seed = Format.SeedOf(Format.ReadIdentity(await File.ReadAllBytesAsync(PathOf("store.esfs")), "", out _)!.Id);
        Change("log/00000001.seg", segment =>
        {
            var frame = segment.Slice(Format.SegmentHeaderLength, Format.FrameLength(segment[Format.SegmentHeaderLength..]));
            Format.SealFrame(frame, FrameHeads.Of(frame, Format.SegmentHeaderLength) with { Kind = (FrameKind)99 }, seed);
        });
        await using var engine = Open();
        var refused = await Assert.ThrowsAsync<StorageFormatException>(async () => await engine.InitializeAsync());
        Assert.Equal("kind 99", refused.Found);
    }

    /// <summary>Writes the missing folders of the current format.</summary>
    public static async Task<int> WriteAsync(string golden)
    {
        await using var store = new ClosedStore();
        await store.InitializeAsync();
        await WriteAsync(Path.Combine(golden, CurrentFormat), store.Disk, store.Content);
        var (packed, content) = await PackedStore.MakeAsync();
        await WriteAsync(Path.Combine(golden, CurrentFormat + Packed), packed, content);
        return 0;
    }

    private static async Task WriteAsync(string folder, SimulatedDisk disk, string content)
    {
        if (Directory.Exists(folder)) return;
        foreach (var path in disk.Paths)
        {
            var file = Path.Combine(folder, StoreFolder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, disk.Content(path));
        }

        await File.WriteAllTextAsync(Path.Combine(folder, ContentFile), content);
    }

    private static IEnumerable<BlockCoding> CodingsIn(byte[] segment, string path)
    {
        if (!PackedFormat.IsPacked(segment)) return [];
        var header = PackedFormat.ReadHeader(segment, segment.Length, path, out var problem);
        Assert.Null(problem);
        return Enumerable.Range(0, header.Blocks).Select(
            i => PackedFormat.ReadEntry(segment.AsSpan((int)header.TableStart + (i * PackedFormat.EntryLength))).Coding);
    }

    private static int CountGaps(OpenStore store)
    {
        var scanner = new LogScanner(store.Segments, LogPoint.Origin.Position, LogPoint.Origin.Chain);
        var gaps = 0;
        while (scanner.TryNext(out var frame, store.End.Position)) gaps += frame.Kind == FrameKind.Gap ? 1 : 0;
        return gaps;
    }

    private FileSystemPersistenceEngine Open() => FileSystemEngines.Over(directory.Path, new FileSystemOptions(), EngineContext.Default);

    private string PathOf(string file) => Path.Combine(directory.Path, "events", file);

    private void Copy(string format)
    {
        var from = Path.Combine(Golden, format, StoreFolder);
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var to = PathOf(Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }
    }

    private void Change(string file, Action<Span<byte>> change)
    {
        var bytes = File.ReadAllBytes(PathOf(file));
        change(bytes);
        File.WriteAllBytes(PathOf(file), bytes);
    }
}

using System.Runtime.InteropServices;
using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Log;

namespace EventStore.FileSystem.Tests;

/// <summary>
/// Pages continue where others ended, whatever was read in between. Their bytes never change and keep little else in memory.
/// </summary>
public sealed class ReadingTests : IDisposable
{
    private const int Commits = 400;
    private readonly TestDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task Every_range_of_the_store_reads_the_same_whatever_was_read_before()
    {
        await using var engine = await FillAsync();
        var head = (await ReadAsync(engine, 0, long.MaxValue, 10_000, ReadDirection.Forward)).Count;
        var random = new Random(4711);
        for (var i = 0; i < 2_000; i++)
        {
            // Ranges that begin where others ended, even in the middle of a commit, are the most likely ones.
            var after = random.Next(head);
            var upTo = after + random.Next(40);
            var direction = (ReadDirection)random.Next(2);
            var expected = Enumerable.Range(after + 1, Math.Min(upTo, head) - after).Select(checkpoint => (long)checkpoint).ToList();
            if (direction == ReadDirection.Backward) expected.Reverse();
            Assert.Equal(expected, await ReadAsync(engine, after, upTo, random.Next(1, 30), direction));
            Assert.Equal(upTo < head ? [upTo + 1L] : [], await ReadAsync(engine, upTo, upTo + 1L, 1, ReadDirection.Forward));
        }
    }

    [Fact]
    public async Task Streams_that_are_read_repeatedly_return_the_same()
    {
        await using var engine = await FillAsync();
        for (var time = 0; time < 5; time++)
        {
            for (var number = 0; number < 7; number++)
            {
                var page = await engine.ReadStreamAsync(
                    new StreamRead($"{number}", new Revision(1), Revision.Max, ReadDirection.Forward, new PageLimit(1_000, 1 << 20)));
                Assert.All(
                    page.Events.ToArray(), recorded => Assert.Equal(BodyOf(recorded.Checkpoint.Value), recorded.Record.Body.ToArray()));
                Assert.Equal(page.State.Revision.Value, page.Events.Length);
            }
        }
    }

    [Theory, InlineData(1), InlineData(50), InlineData(1_000), InlineData(5_000)]
    public void Frames_that_are_looked_up_repeatedly_are_cached_however_many_there_are(int frames)
    {
        const int Stride = 328_000;
        var cache = new FrameCache();
        for (var time = 0; time < 20; time++)
        {
            for (long position = 1; position < (long)frames * Stride; position += Stride)
            {
                if (cache.Find(position, 0).IsEmpty) cache.Note(position, 0, BodyOf(position));
            }
        }

        var held = Enumerable.Range(0, frames).Count(
            i => cache.Find(1 + ((long)i * Stride), 0).SequenceEqual(BodyOf(1 + ((long)i * Stride))));
        Assert.InRange(held, frames * 3 / 4, frames);
    }

    [Fact]
    public void The_bytes_of_a_page_are_kept_in_small_chunks_or_alone()
    {
        var kept = new PageBytes();
        for (var i = 0; i < 2_000; i++) Assert.InRange(ArrayOf(kept.Keep(new byte[200])).Length, 200, 8 << 10);
        Assert.Equal(20_000, ArrayOf(kept.Keep(new byte[20_000])).Length);
    }

    private static byte[] ArrayOf(ReadOnlyMemory<byte> memory) => MemoryMarshal.TryGetArray(memory, out var segment) ? segment.Array! : [];

    // Commits of one to five events over seven streams, the body of each event made of its checkpoint.
    private async Task<IPersistenceEngine> FillAsync()
    {
        var engine = FileSystemEngines.Over(
            directory.Path, new FileSystemOptions { Durability = Durability.Fast, SegmentSizeBytes = 64 << 10 }, EngineContext.Default);
        await engine.InitializeAsync();
        long checkpoint = 0;
        for (var i = 0; i < Commits; i++)
        {
            var events = Enumerable.Range(0, 1 + (i % 5))
                .Select(_ => new EventRecord(Guid.NewGuid(), "type", BodyOf(++checkpoint)))
                .ToList();
            await engine.CommitAsync([new CommitAttempt($"{i % 7}", Guid.NewGuid(), events)]);
        }

        return engine;
    }

    private static byte[] BodyOf(long checkpoint) => [.. Enumerable.Range(0, (int)(checkpoint % 300)).Select(i => (byte)(checkpoint + i))];

    // All pages of a range, as checkpoints.
    private static async Task<List<long>> ReadAsync(IPersistenceEngine engine, long after, long upTo, int limit, ReadDirection direction)
    {
        var found = new List<long>();
        var (low, high) = (after, upTo);
        while (true)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(EventFilter.Everything, new Checkpoint(low), new Checkpoint(high), direction, new PageLimit(limit, 1 << 20)));
            foreach (var recorded in page.Events.ToArray())
            {
                Assert.Equal(BodyOf(recorded.Checkpoint.Value), recorded.Record.Body.ToArray());
                found.Add(recorded.Checkpoint.Value);
            }

            if (page.IsEnd) return found;
            if (direction == ReadDirection.Forward) low = page.Position.Value;
            else high = page.Position.Value - 1;
        }
    }
}

using EventStore.FileSystem.Bytes;
using EventStore.FileSystem.Disk;
using EventStore.FileSystem.Index;

namespace EventStore.FileSystem.Tests;

/// <summary>Entries of the memtable are found there, and in the run that is written from it.</summary>
public sealed class MemtableTests : IDisposable
{
    private const int Streams = 300;
    private const int Commits = 20_000;
    private readonly TestDirectory directory = new();
    private readonly Memtable memtable = new(0);
    private readonly Dictionary<int, List<(long LastRevision, long Position)>> commits = [];
    private readonly List<(Guid Id, long Position)> ids = [];
    private readonly List<long> tagged = [];
    private static readonly byte[] Category = IndexKeys.OfCategory(StreamId.DefaultBucket, "");
    private static readonly byte[] Tag = IndexKeys.OfTag(StreamId.DefaultBucket, "tag");

    public MemtableTests()
    {
        var random = new Random(11);
        for (var i = 1; i <= Commits; i++)
        {
            // Squared, so that some streams have one commit and others thousands.
            var stream = (int)(Math.Pow(random.NextDouble(), 2) * Streams);
            var known = commits.TryGetValue(stream, out var before) ? before : commits[stream] = [];
            var (revision, position) = ((known.Count > 0 ? known[^1].LastRevision : 0) + random.Next(1, 4), i * 8L);
            known.Add((revision, position));
            var id = i % 500 == 0 ? ids[0].Id : random.Next(2) == 0 ? Guid.NewGuid() : SequentialGuid.Next();
            ids.Add((id, position));
            memtable.AddCommit(KeyOf(stream), HeadOf(known[0].Position, revision, known.Count), new CommitPlace(position, id, i, i));
            if (random.Next(5) > 0) continue;
            tagged.Add(i);
            memtable.AddToTag(Tag, new CommitPlace(position, id, i, i));
            memtable.AddToTag(Tag, new CommitPlace(position, id, i, i)); // two events of the commit have it
        }
    }

    public void Dispose() => directory.Dispose();

    [Fact]
    public void Every_stream_has_its_head_and_its_commits_from_any_revision_on()
    {
        foreach (var (stream, expected) in commits)
        {
            Assert.True(memtable.TryFindHead(KeyOf(stream), out var head));
            Assert.Equal(HeadOf(expected[0].Position, expected[^1].LastRevision, expected.Count), head);
            for (var from = 0L; from <= head.Revision + 1; from += 1 + (head.Revision / 50))
            {
                var found = new List<(long, long)>();
                memtable.CopyCommits(KeyOf(stream), 0, from, head.Revision, 10, found);
                Assert.Equal(expected.Where(commit => commit.LastRevision >= from).Take(10), found);
            }
        }

        Assert.False(memtable.TryFindHead(KeyOf(Streams), out _));
    }

    [Fact]
    public void Every_commit_id_has_its_places_and_an_unknown_one_has_none()
    {
        foreach (var same in ids.GroupBy(pair => pair.Id))
        {
            List<long>? found = null;
            memtable.CopyCommitIds(same.Key, CommitIdRange.NumberOf(same.Key), ref found);
            Assert.Equal(same.Select(pair => pair.Position), found!);
        }

        List<long>? none = null;
        var other = Guid.NewGuid();
        memtable.CopyCommitIds(other, CommitIdRange.NumberOf(other), ref none);
        Assert.Null(none);
    }

    [Fact]
    public void Heads_are_listed_in_order_even_when_streams_are_added_between_two_listings()
    {
        var listed = Heads();
        Assert.Equal(commits.Count, listed.Count);
        memtable.AddCommit(KeyOf(-1), HeadOf(8, 1, 1), PlaceOf(8));
        memtable.AddCommit(KeyOf(Streams), HeadOf(16, 1, 1), PlaceOf(16));
        Assert.Equal(
            [
                .. listed.Append(KeyOf(-1))
                    .Append(KeyOf(Streams))
                    .OrderBy(key => key, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)))],
            Heads());
    }

    [Fact]
    public void A_recreated_stream_has_nothing_of_the_deleted_one()
    {
        memtable.AddDeletion(KeyOf(0));
        Assert.True(memtable.TryFindHead(KeyOf(0), out var gone));
        Assert.False(gone.Exists);
        const long Again = (Commits + 1) * 8L;
        memtable.AddCommit(KeyOf(0), HeadOf(Again, 1, 1), PlaceOf(Again));
        var found = new List<(long, long)>();
        memtable.CopyCommits(KeyOf(0), 0, 0, long.MaxValue, int.MaxValue, found);
        Assert.Equal([(1, Again)], found);
    }

    [Fact]
    public void The_run_holds_every_entry_of_the_memtable_in_order()
    {
        var disk = new FileDisk(directory.Path);
        disk.CreateFolder(RunFormat.Folder);
        var runs = new RunFolder(disk, Guid.NewGuid(), cacheSlots: 64);
        using var run = runs.Write(level: 0, from: 0, to: 100, memtable.FilterKeys, memtable.WriteTo);
        byte[][] expected =
        [
            .. ids.Select(pair => IndexKeys.OfCommitId(pair.Id, pair.Position)),
            .. commits.SelectMany(pair => pair.Value.Select(commit => IndexKeys.OfEvents(KeyOf(pair.Key), commit.LastRevision))),
            .. commits.Keys.Select(KeyOf), .. Enumerable.Range(1, Commits).Select(checkpoint => TermKey(Category, checkpoint)),
            .. tagged.Select(checkpoint => TermKey(Tag, checkpoint)),
        ];
        Array.Sort(expected, (left, right) => left.AsSpan().SequenceCompareTo(right));
        var cursor = run.OpenCursor();
        var at = 0;
        for (var isThere = cursor.Seek([]); isThere; isThere = cursor.Next()) Assert.Equal(expected[at++], cursor.Key.ToArray());
        Assert.Equal(expected.Length, at);
        Assert.Equal(
            new CommitIdRange(ids.Min(pair => CommitIdRange.NumberOf(pair.Id)), ids.Max(pair => CommitIdRange.NumberOf(pair.Id))),
            run.CommitIds);
    }

    [Fact]
    public void Commits_of_a_term_are_found_from_any_checkpoint_on_and_before_it_in_memory_and_in_the_run()
    {
        var disk = new FileDisk(directory.Path);
        disk.CreateFolder(RunFormat.Folder);
        var runs = new RunFolder(disk, Guid.NewGuid(), cacheSlots: 64);
        using var run = runs.Write(level: 0, from: 0, to: long.MaxValue, memtable.FilterKeys, memtable.WriteTo);
        IndexState[] states = [new(memtable, null, []), new(new Memtable(0), memtable, []), new(new Memtable(0), null, [run])];
        foreach (var state in states)
        {
            for (var checkpoint = 1L; checkpoint <= Commits + 10; checkpoint += 531)
            {
                var forward = new TermCursor(state, Tag, place: 0);
                var expected = tagged.Where(last => last >= checkpoint).Take(100).ToList();
                Assert.Equal(expected, Walk(checkpoint, at => forward.SeekForward(at), () => forward.Last, step: 1));
                var backward = new TermCursor(state, Tag, place: null);
                expected = tagged.Where(last => last <= checkpoint).Reverse().Take(100).ToList();
                Assert.Equal(expected, Walk(checkpoint, at => backward.SeekBackward(at), () => backward.Last, step: -1));
            }

            Assert.Equal(Commits, TermSearch.NewestIn(state, StreamId.DefaultBucket));
            Assert.Equal(0, TermSearch.NewestIn(state, "other"));
            Assert.False(new TermCursor(state, IndexKeys.OfTag(StreamId.DefaultBucket, "none"), place: 0).SeekForward(1));
        }
    }

    private static List<long> Walk(long from, Func<long, bool> seek, Func<long> last, int step)
    {
        var found = new List<long>();
        for (var at = from; found.Count < 100 && seek(at); at = last() + step) found.Add(last());
        return found;
    }

    private static HeadEntry HeadOf(long start, long revision, long sequence) => new(start, revision, sequence, start, 1, IsSealed: false);

    private static CommitPlace PlaceOf(long position) => new(position, Guid.NewGuid(), position / 8, position / 8);

    private static byte[] TermKey(byte[] term, long checkpoint)
    {
        var key = new byte[term.Length + 8];
        IndexKeys.WriteTerm(key, term, checkpoint);
        return key;
    }

    private List<byte[]> Heads()
    {
        var found = new List<(byte[] Key, byte[] Value)>();
        memtable.CopyEntries([IndexKeys.Head], isFromIncluded: true, int.MaxValue, found);
        return found.ConvertAll(entry => entry.Key);
    }

    private static byte[] KeyOf(int stream) => IndexKeys.OfStream($"stream-{stream}");
}

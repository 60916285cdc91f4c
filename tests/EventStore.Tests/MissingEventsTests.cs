using EventStore.Imports;

namespace EventStore.Tests;

/// <summary>A mirror finds a place for every truncated event of its source, whatever was interleaved with it.</summary>
public sealed class MissingEventsTests
{
    [Fact]
    public void Every_source_can_be_mirrored()
    {
        for (var seed = 0; seed < 2000; seed++)
        {
            var source = new Source(new Random(seed));
            var missing = new MissingEvents();
            foreach (var stream in source.Truncated.OrderBy(stream => stream.Stream.Id, StringComparer.Ordinal)) missing.Add(stream, 0, 0);
            var filled = source.Truncated.ToDictionary(stream => stream.Stream, _ => new List<long>());
            var head = 0L;
            foreach (var next in source.Left.Append(source.End + 1))
            {
                Fill(missing, head + 1, next - 1, filled);
                foreach (var stream in source.Truncated.Where(stream => stream.Before.Value == next))
                    Assert.True(missing.CountOf(stream.Stream) == 0, $"seed {seed}: {stream.Stream} misses events at {next}");
                head = next;
            }

            Assert.Null(missing.Any);
            foreach (var stream in source.Truncated)
            {
                Assert.Equal(stream.Events, filled[stream.Stream].Count);
                Assert.Equal(stream.Incarnation.Value, filled[stream.Stream][0]);
            }

            var places = filled.Values.SelectMany(list => list).ToList();
            Assert.Equal(places.Count, places.Distinct().Except(source.Left).Count());
        }
    }

    [Fact]
    public void The_number_of_commits_is_kept_where_their_gaps_are_apart()
    {
        var missing = new MissingEvents();
        missing.Add(new TruncatedStream("a", new Checkpoint(1), 6, 3, new Checkpoint(20)), 0, 0);
        List<int> sizes = [];
        foreach (var (from, upTo) in new[] { (1L, 3L), (5L, 6L), (8L, 8L) })
        {
            var at = from;
            while (at <= upTo && missing.FindNext(new Checkpoint(at), new Checkpoint(upTo)) is { } filler)
            {
                missing.Accept(filler);
                sizes.Add(filler.Count);
                at = filler.First.Value + filler.Count;
            }
        }

        Assert.Equal([3, 2, 1], sizes);
    }

    [Fact]
    public void What_was_filled_before_is_not_filled_again()
    {
        var missing = new MissingEvents();
        missing.Add(new TruncatedStream("a", new Checkpoint(1), 3, 3, new Checkpoint(20)), filled: 2, commits: 2);
        var filler = missing.FindNext(new Checkpoint(5), new Checkpoint(9));
        Assert.Equal(new Filler("a", new Checkpoint(5), 1, 2, IsLast: true), filler);
    }

    private static void Fill(MissingEvents missing, long from, long upTo, Dictionary<StreamId, List<long>> filled)
    {
        while (from <= upTo && missing.FindNext(new Checkpoint(from), new Checkpoint(upTo)) is { } filler)
        {
            Assert.InRange(filler.First.Value, from, upTo);
            Assert.InRange(filler.First.Value + filler.Count - 1, from, upTo);
            Assert.Equal(filled[filler.Stream].Count, filler.After);
            missing.Accept(filler);
            for (var i = 0; i < filler.Count; i++) filled[filler.Stream].Add(filler.First.Value + i);
            from = filler.First.Value + filler.Count;
        }
    }

    /// <summary>A store with streams that were truncated and deleted at random.</summary>
    private sealed class Source
    {
        public Source(Random random)
        {
            var streams = random.Next(1, 9);
            var commits = new List<(int Stream, long First, int Count)>();
            End = 0;
            for (var i = random.Next(1, 40); i > 0; i--)
            {
                var count = random.Next(1, 4);
                commits.Add((random.Next(streams), End + 1, count));
                End += count;
            }

            foreach (var stream in commits.GroupBy(commit => commit.Stream))
            {
                if (random.Next(5) == 0) continue; // deleted
                var cut = random.Next(3) == 0 ? 0 : random.Next(stream.Count() + 1);
                var left = stream.Skip(cut).ToList();
                foreach (var commit in left)
                    for (var i = 0; i < commit.Count; i++) Left.Add(commit.First + i);
                if (cut == 0) continue;
                Truncated.Add(new TruncatedStream(
                    $"{stream.Key}",
                    new Checkpoint(stream.First().First),
                    stream.Take(cut).Sum(commit => commit.Count),
                    random.Next(2) * cut,
                    left.Count == 0 ? Checkpoint.Max : new Checkpoint(left[0].First)));
            }
        }

        public long End { get; }

        public SortedSet<long> Left { get; } = [];

        public List<TruncatedStream> Truncated { get; } = [];
    }
}

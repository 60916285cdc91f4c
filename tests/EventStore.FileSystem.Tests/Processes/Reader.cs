using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>
/// The process that only reads, next to a writer that is killed and started again. It follows everything in checkpoint order, checks each
/// event and, on the way, streams and documents. Given a checkpoint on its standard input, it follows up to there and prints <c>seen
/// last-checkpoint checksum-of-all median-microseconds</c>; an error is printed as <c>wrong …</c> and ends it.
/// </summary>
internal static class Reader
{
    public const string Verb = "be-a-reader";

    /// <summary>What the body of an event begins with that is to be timed; a time stamp of the machine follows.</summary>
    public const string Timed = "timed ";

    public static async Task<int> RunAsync(WriterOrder order)
    {
        var upTo = Task.Run(async () => long.Parse((await Console.In.ReadLineAsync())!, CultureInfo.InvariantCulture));
        var following = new Following();
        try
        {
            await using var engine = await OpenAsync(order);
            Console.WriteLine("open");
            while (!upTo.IsCompleted || following.Checkpoint < await upTo)
            {
                await engine.WaitForCommitsAsync(new Checkpoint(following.Checkpoint), TimeSpan.FromMilliseconds(200));
                while (!await following.ReadPageAsync(engine))
                {
                }
            }

            await following.CheckStreamsAsync(engine, int.MaxValue);
            Console.WriteLine(following.Report());
            return 0;
        }
        catch (Exception error) when (error is EventStoreException or InvalidOperationException)
        {
            Console.WriteLine($"wrong {error.ToString().ReplaceLineEndings(" ")}");
            return 1;
        }
    }

    /// <summary>Adds an event to a checksum of all.</summary>
    public static void Add(IncrementalHash checksum, RecordedEvent recorded)
    {
        checksum.AppendData(
            Encoding.UTF8.GetBytes(
                $"{recorded.Checkpoint} {recorded.Commit.Stream} {recorded.Revision} {recorded.Commit.CommitId} "
                + $"{recorded.IndexInCommit} {recorded.Commit.Stamp:O} "));
        checksum.AppendData(recorded.Record.Body.Span);
    }

    private static async Task<IPersistenceEngine> OpenAsync(WriterOrder order)
    {
        while (true)
        {
            var engine = order.MakeReader();
            try
            {
                await engine.InitializeAsync();
                return engine;
            }
            catch (StorageNotFoundException)
            {
                await engine.DisposeAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
            }
        }
    }

    private sealed class Following
    {
        private readonly IncrementalHash checksum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly Dictionary<StreamId, (long Revision, Guid CommitId)> streams = [];
        private readonly List<double> microseconds = [];
        private readonly Random random = new(1);
        private (Guid CommitId, int Next, int Count) commit;

        public long Checkpoint { get; private set; }

        /// <summary>Reads on; returns whether it reached the end.</summary>
        public async Task<bool> ReadPageAsync(IPersistenceEngine engine)
        {
            var page = await engine.ReadAllAsync(
                new StoreRead(
                    EventFilter.Everything, new Checkpoint(Checkpoint), EventStore.Checkpoint.Max, ReadDirection.Forward,
                    new PageLimit(random.Next(1, 200), 1 << 20)));
            var now = Stopwatch.GetTimestamp();
            foreach (var recorded in page.Events.Span) Take(recorded, now);
            if (page.IsEnd && commit.Next != commit.Count)
                throw new InvalidOperationException($"the store ends at {Checkpoint}, in the middle of commit {commit.CommitId}");
            if (random.Next(10) == 0) await CheckStreamsAsync(engine, 2);
            return page.IsEnd;
        }

        /// <summary>What was seen once stays: a stream has the last seen commit at its revision, and may have grown.</summary>
        public async Task CheckStreamsAsync(IPersistenceEngine engine, int most)
        {
            foreach (var (stream, (revision, commitId)) in streams.OrderBy(_ => random.Next()).Take(most).ToArray())
            {
                var page = await engine.ReadStreamAsync(
                    new StreamRead(
                        stream, new Revision(revision), EventStore.Revision.Max, ReadDirection.Forward, new PageLimit(50, 1 << 20)));
                if (page.Events.Length == 0 || page.Events.Span[0].Commit.CommitId != commitId)
                    throw new InvalidOperationException($"revision {revision} of {stream} was there and is not any more");
                var head = await engine.FindHeadAsync(stream);
                if (head is null || head.Revision.Value < revision)
                    throw new InvalidOperationException($"the head of {stream} went back to {head?.Revision}");
            }
        }

        public string Report()
        {
            microseconds.Sort();
            var median = microseconds.Count == 0 ? 0 : (long)microseconds[microseconds.Count / 2];
            return string.Create(
                CultureInfo.InvariantCulture, $"seen {Checkpoint} {Convert.ToHexString(checksum.GetCurrentHash())} {median}");
        }

        private void Take(RecordedEvent recorded, long now)
        {
            var body = Encoding.UTF8.GetString(recorded.Record.Body.Span).Trim('"');
            var (id, index, count) = (recorded.Commit.CommitId, recorded.IndexInCommit, recorded.Commit.EventCount);
            if (recorded.Checkpoint.Value != Checkpoint + 1)
                throw new InvalidOperationException($"after {Checkpoint} comes {recorded.Checkpoint}");
            if (index == 0 ? commit.Next != commit.Count : (id, index) != (commit.CommitId, commit.Next))
                throw new InvalidOperationException($"commit {commit.CommitId} is torn at {Checkpoint}");
            var isNew = !streams.TryGetValue(recorded.Commit.Stream, out var known);
            if (recorded.Revision.Value != (isNew ? 1 : known.Revision + 1))
                throw new InvalidOperationException($"revision {recorded.Revision} follows {known.Revision} in {recorded.Commit.Stream}");
            if (body.StartsWith(Timed, StringComparison.Ordinal))
                microseconds.Add(
                    Stopwatch.GetElapsedTime(long.Parse(body.AsSpan(Timed.Length), CultureInfo.InvariantCulture), now).TotalMicroseconds);
            else if (body != Writer.BodyOf(id, index, count))
                throw new InvalidOperationException($"event {recorded.Checkpoint} is not what was written");
            (Checkpoint, commit, streams[recorded.Commit.Stream]) = (
                recorded.Checkpoint.Value, (id, index + 1, count), (recorded.Revision.Value, id));
            Add(checksum, recorded);
        }
    }
}

/// <summary>A reader as a process of its own.</summary>
internal sealed class ReaderProcess : IDisposable
{
    private readonly Process process;

    public ReaderProcess(WriterOrder order)
    {
        string[] arguments = [.. WriterProcess.SuiteArgument(), Reader.Verb, .. order.ToArguments()];
        process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        })!;
    }

    /// <summary>Waits until it has opened the store.</summary>
    public async Task OpenAsync() => Assert.Equal("open", await process.StandardOutput.ReadLineAsync());

    /// <summary>Sends a checkpoint to follow to, and reads what the process saw.</summary>
    public async Task<(long Checkpoint, string Checksum, long MedianMicroseconds)> ReadUpToAsync(long checkpoint)
    {
        await process.StandardInput.WriteLineAsync(checkpoint.ToString(CultureInfo.InvariantCulture));
        var said = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2));
        var words = said?.Split(' ') ?? [];
        Assert.True(words is ["seen", _, _, _], said);
        return (long.Parse(words[1], CultureInfo.InvariantCulture), words[2], long.Parse(words[3], CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.Dispose();
    }
}

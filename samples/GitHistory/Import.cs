using System.Diagnostics;
using System.Threading.Channels;
using EventStore;

namespace GitHistory;

/// <summary>What an import did.</summary>
/// <param name="GitCommits">Commits read from git.</param>
/// <param name="Stored">Events that are stored now and were not before.</param>
/// <param name="AlreadyThere">Events that an earlier import had stored.</param>
/// <param name="Refused">Files, or commits of files, that the store did not take, with its reason.</param>
/// <param name="Elapsed">From the first to the last.</param>
/// <param name="PerCommit">How long a commit to the store took on average, as its writer saw it.</param>
/// <param name="ShareInStore">The part of their time, 0 to 1, that the writers spent in the store and not waiting for work.</param>
internal sealed record ImportResult(
    int GitCommits, long Stored, long AlreadyThere, IReadOnlyDictionary<string, string> Refused,
    TimeSpan Elapsed, TimeSpan PerCommit, double ShareInStore)
{
    public double CommitsPerSecond => (Stored + AlreadyThere) / Math.Max(Elapsed.TotalSeconds, 0.001);
}

/// <summary>
/// Stores the history of a repository: one reader of the git log, many writers to the store. A file always goes to the same writer, which
/// keeps its commits in order; different files are written at once, which the store turns into group commits.
/// </summary>
internal sealed class Import(IEventStore store, GitRepository repository, int writers)
{
    private const int QueueLength = 64;

    // Touched by the reader only.
    private int gitCommits;

    // Touched by all writers, by interlocked operations or under the gate.
    private readonly Lock gate = new();
    private readonly Dictionary<string, string> refused = new(StringComparer.Ordinal);
    private long stored;
    private long alreadyThere;
    private long ticksInStore;

    /// <summary>
    /// Runs until the log is read and everything of it is stored. What was stored before is passed over, so it can be run again.
    /// </summary>
    /// <param name="afterCommit">Called with the number of git commits read so far and of events written.</param>
    /// <param name="cancellationToken">Ends the import; what was stored stays.</param>
    public async Task<ImportResult> RunAsync(Action<int, long> afterCommit, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var queues = Enumerable.Range(0, writers)
            .Select(_ => Channel.CreateBounded<Fact>(new BoundedChannelOptions(QueueLength) { SingleReader = true, SingleWriter = true }))
            .ToArray();

        var writing = queues.Select(queue => WriteAsync(queue.Reader, failing.Token));
        Task[] working = [ReadAsync(queues, afterCommit, failing.Token), .. writing];
        await foreach (var done in Task.WhenEach(working))
        {
            // The first to fail stops the others; its error is the one that is reported.
            if (!done.IsCompletedSuccessfully) await failing.CancelAsync();
            await done;
        }

        var elapsed = Stopwatch.GetElapsedTime(started);
        var inStore = Stopwatch.GetElapsedTime(0, ticksInStore);
        return new(
            gitCommits, stored, alreadyThere, refused, elapsed,
            inStore / Math.Max(1, stored + alreadyThere), Math.Min(1, inStore / (elapsed * writers)));
    }

    private async Task ReadAsync(Channel<Fact>[] queues, Action<int, long> afterCommit, CancellationToken cancellationToken)
    {
        await foreach (var commit in GitLog.ReadAsync(repository, cancellationToken))
        {
            foreach (var fact in Fact.AllOf(commit))
            {
                var queue = queues[(uint)string.GetHashCode(fact.Path, StringComparison.Ordinal) % queues.Length];
                await queue.Writer.WriteAsync(fact, cancellationToken);
            }

            afterCommit(++gitCommits, Interlocked.Read(ref stored) + Interlocked.Read(ref alreadyThere));
        }

        foreach (var queue in queues) queue.Writer.Complete();
    }

    private async Task WriteAsync(ChannelReader<Fact> facts, CancellationToken cancellationToken)
    {
        await foreach (var fact in facts.ReadAllAsync(cancellationToken))
        {
            var started = Stopwatch.GetTimestamp();
            try
            {
                var result = await store.AppendAsync(
                    Streams.Of(repository.Name, fact.Path), ExpectedRevision.Any, [fact.Event], fact.CommitId,
                    cancellationToken: cancellationToken);
                Interlocked.Increment(ref result.IsDuplicate ? ref alreadyThere : ref stored);
            }
            catch (Exception refusal) when (refusal is InvalidNameException or CommitIdReusedException)
            {
                lock (gate) refused[fact.Path] = refusal.Message;
            }

            Interlocked.Add(ref ticksInStore, Stopwatch.GetTimestamp() - started);
        }
    }
}

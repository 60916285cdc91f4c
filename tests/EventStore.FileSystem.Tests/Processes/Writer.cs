using System.Globalization;
using System.Text;
using EventStore.FileSystem.Engine;
using EventStore.FileSystem.Maintenance;

namespace EventStore.FileSystem.Tests.Processes;

/// <summary>
/// The process that writes, as <see cref="WriterOrder"/> says. Each line is one write to its standard output, sent only once the write it
/// reports is acknowledged: <c>c commit-id stream first-revision last-revision last-checkpoint</c>, <c>d name content version</c>, <c>s
/// stream revision</c>. At the end it waits to be killed.
/// </summary>
internal static class Writer
{
    public const string Verb = "be-a-writer";
    private const int SharedStreams = 6;
    private static readonly Stream Output = Console.OpenStandardOutput();
    private static readonly Lock OutputGate = new();

    public static async Task<int> RunAsync(WriterOrder order)
    {
        Say("opening");
        await using (var engine = order.MakeEngine())
        {
            try
            {
                await engine.InitializeAsync();
                Say("open");
                using var ending = new CancellationTokenSource();
                var compacting = order.Compacts ? CompactAsync(engine, ending.Token) : Task.CompletedTask;
                await WriteAsync(engine, order);
                await ending.CancelAsync();
                await compacting;
            }
            catch (EventStoreException error)
            {
                // Whatever failed once must keep failing.
                Say($"failed {error.GetType().Name}");
                await TryAgainAsync(engine);
                return 1;
            }

            Say("closing");
        }

        Say("closed");
        if (order.Committers > 0) await Task.Delay(Timeout.Infinite);
        return 0;
    }

    /// <summary>What the body of an event is to be.</summary>
    public static string BodyOf(Guid commitId, int index, int count) =>
        string.Create(CultureInfo.InvariantCulture, $"{commitId:N} {index} {count} {new string('x', commitId.ToByteArray()[index] * 2)}");

    private static async Task WriteAsync(IPersistenceEngine engine, WriterOrder order)
    {
        if (order.Committers == 0)
        {
            var alone = new Random(order.Seed);
            for (var i = 1; i <= order.MostWrites; i++) await CommitAsync(engine, alone, $"shared-{alone.Next(SharedStreams)}");
            return;
        }

        await using var store = await Wireup.Init()
            .UsingPersistence(engine)
            .UsingJsonSerialization(types => types.Register<string>("text"))
            .BuildAsync();
        await Task.WhenAll(
            Enumerable.Range(0, order.Committers).Select(committer => Task.Run(() => CommitManyAsync(store, engine, order, committer))));
    }

    private static async Task CommitManyAsync(IEventStore store, IPersistenceEngine engine, WriterOrder order, int committer)
    {
        var random = new Random((order.Seed * 100) + committer);
        var (version, own) = (0L, new StreamId($"own-{committer}"));
        var document = $"document-{committer}";
        if (await engine.FindDocumentAsync(document) is { } known) version = known.Version;
        for (var i = 1; i <= order.MostWrites; i++)
        {
            var commitId = SequentialGuid(random);
            var count = random.Next(1, 4);
            StreamId stream = random.Next(3) == 0 ? own : $"shared-{random.Next(SharedStreams)}";
            var result = await store.AppendAsync(
                stream, ExpectedRevision.Any,
                [.. Enumerable.Range(0, count).Select(index => new EventMessage(BodyOf(commitId, index, count)))], commitId);
            Say($"c {commitId:N} {stream.Id} {result.FirstRevision} {result.LastRevision} {result.LastCheckpoint}");
            if (random.Next(6) == 0)
            {
                var content = string.Create(CultureInfo.InvariantCulture, $"{order.Seed}.{i}");
                version = await engine.PutDocumentAsync(
                    document, Encoding.UTF8.GetBytes(content), version) ?? throw new InvalidOperationException(
                        "a document has another version than it was written with");
                Say($"d {document} {content} {version}");
            }

            if (stream != own || random.Next(3) != 0) continue;
            await engine.SaveSnapshotAsync(
                new SnapshotRecord(own, result.LastRevision, 0, "state", Encoding.UTF8.GetBytes(result.LastRevision.ToString())));
            Say($"s {own.Id} {result.LastRevision}");
        }
    }

    private static async Task CompactAsync(FileSystemPersistenceEngine engine, CancellationToken ending)
    {
        for (
            var pause = TimeSpan.FromMilliseconds(5); !ending.IsCancellationRequested; await Task.Delay(
                pause, TimeProvider.System, CancellationToken.None))
            await engine.MaintainAsync((store, token) => new Compaction(store, null, token).Run(), CancellationToken.None);
    }

    private static async Task CommitAsync(IPersistenceEngine engine, Random random, StreamId stream)
    {
        var commitId = SequentialGuid(random);
        var body = Encoding.UTF8.GetBytes(BodyOf(commitId, 0, 1));
        var attempt = new CommitAttempt(stream, commitId, [new EventRecord(commitId, "text", body)]);
        var commit = (await engine.CommitAsync([attempt]))[0].Commit!;
        Say($"c {commitId:N} {stream.Id} {commit.FirstRevision} {commit.LastRevision} {commit.LastCheckpoint}");
    }

    private static async Task TryAgainAsync(IPersistenceEngine engine)
    {
        for (var i = 0; i < 3; i++)
        {
            try
            {
                await CommitAsync(engine, new Random(), "shared-0");
            }
            catch (Exception error) when (error is EventStoreException or InvalidOperationException)
            {
                Say($"refused {error.GetType().Name}");
            }
        }
    }

    private static Guid SequentialGuid(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        return new Guid(bytes);
    }

    private static void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        lock (OutputGate) Output.Write(bytes);
    }
}

using System.Runtime.InteropServices;
using EventStore.Conformance;

namespace EventStore.Sqlite.Tests.Workers;

/// <summary>
/// What another process does with a database. It says what it did line by line, so that who killed it knows how far it came.
/// </summary>
internal static class Roles
{
    private const int Streams = 8;
    private const int MinCommits = 10; // of each writer, however slow the disk is

    public static async Task<int> PlayAsync(string role, string database, string[] rest)
    {
        if (role == "lack-handles")
        {
            await LackHandlesAsync(database);
            return 0;
        }

        await using var engine = new SqlitePersistenceEngine(SqliteLocation.Parse(database),
            new SqliteOptions { IsReadOnly = role == "read-only" }, EngineContext.Default);
        await engine.InitializeAsync();
        await (role switch
        {
            "create" => CreateAsync(engine),
            "write" => WriteAsync(engine, int.Parse(rest[0]), TimeSpan.FromSeconds(int.Parse(rest[1]))),
            "read" or "read-only" => ReadAsync(engine),
            "fail-to-flush" => FailToFlushAsync(engine),
            _ => throw new ArgumentException($"There is no role '{role}'.", nameof(role)),
        });
        return 0;
    }

    /// <summary>Uses up its file handles, tries to open and to read, and goes on when there are handles again.</summary>
    private static async Task LackHandlesAsync(string database)
    {
        await using var open = new SqlitePersistenceEngine(SqliteLocation.Parse(database), new SqliteOptions(), EngineContext.Default);
        await open.InitializeAsync();
        await using var late = new SqlitePersistenceEngine(SqliteLocation.Parse(database), new SqliteOptions(), EngineContext.Default);
        await LoadAsync(database);
        FileHandles.Limit(400);
        var taken = new List<FileStream>();
        try
        {
            while (true) taken.Add(File.OpenRead("/dev/null"));
        }
        catch (IOException)
        {
            taken[^1].Dispose(); // one is not enough
        }

        var said = new List<string>
        {
            await TryAsync(() => late.InitializeAsync().AsTask()), await TryAsync(() => open.FindHeadAsync("stream").AsTask()),
        };
        foreach (var one in taken) await one.DisposeAsync();
        foreach (var word in said) Console.WriteLine(word);
        await late.InitializeAsync();
        Console.WriteLine((await late.CommitAsync([Attempt("stream", ExpectedRevision.Any, 1)]))[0].Kind);
    }

    // Loads what reading and a failure need, for which a process without handles has none.
    private static async Task LoadAsync(string database)
    {
        var other = SqliteLocation.Parse(database + ".other"); // the connections of one database are kept, and would be used again
        await using (var reader = new SqlitePersistenceEngine(
            other, new SqliteOptions(), EngineContext.Default with { MayCreateStorage = true }))
        {
            await reader.InitializeAsync();
            await reader.FindHeadAsync("stream");
        }

        var text = database + ".text";
        await File.WriteAllTextAsync(text, new string('x', 4096));
        await using var wrong = new SqlitePersistenceEngine(SqliteLocation.Parse(text), new SqliteOptions(), EngineContext.Default);
        await TryAsync(() => wrong.InitializeAsync().AsTask());
    }

    private static async Task<string> TryAsync(Func<Task> act)
    {
        try
        {
            await act();
            return "done";
        }
        catch (Exception error) when (error is StorageException or OperationCanceledException)
        {
            return error.GetType().Name;
        }
    }

    private static async Task CreateAsync(SqlitePersistenceEngine engine)
    {
        var outcome = await engine.CommitAsync([Attempt($"of-{Environment.ProcessId}", ExpectedRevision.NoStream, 1)]);
        Console.WriteLine(outcome[0].Kind);
    }

    /// <summary>
    /// Several writers on the same few streams; each says before what it is about to commit, and after what was acknowledged.
    /// </summary>
    private static async Task WriteAsync(SqlitePersistenceEngine engine, int writers, TimeSpan time)
    {
        using var writing = new CancellationTokenSource(time);
        await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(async () =>
        {
            var random = new Random();
            for (var i = 0; !writing.IsCancellationRequested || i < MinCommits; i++)
            {
                if (i % 16 == 0) await Task.Delay(1);
                else await Task.Yield();

                // Now and then one that conflicts: it must leave neither a gap that stalls nor a number that comes late.
                var attempt = Attempt($"stream-{random.Next(Streams)}", random.Next(10) == 0 ? ExpectedRevision.NoStream
                    : ExpectedRevision.Any, random.Next(1, 6));
                Say($"sent {attempt.Stream.Id} {attempt.CommitId} {attempt.Events.Count}");
                var outcome = (await engine.CommitAsync([attempt]))[0];
                Say(outcome.Kind == CommitOutcomeKind.Committed
                    ? $"stored {attempt.CommitId} {outcome.Commit!.FirstCheckpoint} {outcome.Commit.EventCount}"
                    : $"refused {attempt.CommitId}");
            }
        })));
    }

    /// <summary>
    /// Follows the store until its input says that the writers stopped and nothing more comes; then prints every checkpoint it was offered.
    /// </summary>
    private static async Task ReadAsync(SqlitePersistenceEngine engine)
    {
        Say("ready");
        var stopped = Console.In.ReadLineAsync();
        var delivered = new List<long>();
        Checkpoint after = new Checkpoint(0);
        while (true)
        {
            var isLast = stopped.IsCompleted;
            var page = await engine.ReadAllAsync(new StoreRead(EventFilter.Everything, after, Checkpoint.Max, ReadDirection.Forward,
                new PageLimit(Random.Shared.Next(1, 500), 64 << 20)));
            foreach (var recorded in page.Events.ToArray())
            {
                if (recorded.Checkpoint <= after) throw new InvalidDataException($"checkpoint {recorded.Checkpoint} came after {after}");
                after = recorded.Checkpoint;
                delivered.Add(after.Value);
            }

            after = page.Position;
            if (!page.IsEnd) continue;
            if (isLast) break;
            await engine.WaitForCommitsAsync(after, TimeSpan.FromMilliseconds(20));
        }

        Console.WriteLine(string.Join(' ', delivered));
    }

    /// <summary>
    /// Meets a file system that takes no more, so that the end of a transaction fails in a way that leaves open what is stored.
    /// </summary>
    private static async Task FailToFlushAsync(SqlitePersistenceEngine engine)
    {
        await engine.CommitAsync([Attempt("before", ExpectedRevision.NoStream, 1)]);
        FileSizeLimit.Set(4096);
        var unknown = Attempt("unknown", ExpectedRevision.NoStream, 1);
        Say((await CatchAsync(engine, unknown)).GetType().Name);
        FileSizeLimit.Lift();
        Say((await CatchAsync(engine, unknown)).GetType().Name);
        var refused = await CatchAsync(engine, Attempt("other", ExpectedRevision.NoStream, 1));
        Say($"{refused.GetType().Name}: {refused.Message}");
        Say($"{(await engine.FindHeadAsync("before"))!.Revision}");
    }

    private static async Task<Exception> CatchAsync(SqlitePersistenceEngine engine, CommitAttempt attempt)
    {
        try
        {
            await engine.CommitAsync([attempt]);
            return new InvalidOperationException("it was stored");
        }
        catch (StorageException error)
        {
            return error;
        }
    }

    private static CommitAttempt Attempt(string stream, ExpectedRevision expected, int events) =>
        new(stream, SequentialGuid.Next(),
            [.. Enumerable.Range(0, events).Select(_ => new EventRecord(SequentialGuid.Next(), "type", new byte[200]))])
        {
            Expected = expected,
        };

    private static void Say(string line)
    {
        lock (Console.Out)
        {
            Console.WriteLine(line);
            Console.Out.Flush();
        }
    }

    /// <summary>The longest file this process may write.</summary>
    private static class FileSizeLimit
    {
        private const int OfFileSize = 1;
        private const int SignalOfTooLong = 25;
        private static readonly nint Ignore = 1;

        public static void Set(ulong bytes)
        {
            _ = signal(SignalOfTooLong, Ignore);
            var limit = new Limit { Soft = bytes, Hard = ulong.MaxValue };
            if (setrlimit(OfFileSize, ref limit) != 0) throw new InvalidOperationException("the limit cannot be set");
        }

        public static void Lift() => Set(ulong.MaxValue);

        [DllImport("libc", SetLastError = true)]
        private static extern int setrlimit(int resource, ref Limit limit);

        [DllImport("libc", SetLastError = true)]
        private static extern nint signal(int number, nint handler);

        private struct Limit
        {
            public ulong Soft;
            public ulong Hard;
        }
    }

    /// <summary>The limit on the number of this process's open files.</summary>
    private static class FileHandles
    {
        private const int OfHandles = 7;

        public static void Limit(ulong count)
        {
            var limit = new Bounds { Soft = count, Hard = count };
            if (setrlimit(OfHandles, ref limit) != 0) throw new InvalidOperationException("the limit cannot be set");
        }

        [DllImport("libc", SetLastError = true)]
        private static extern int setrlimit(int resource, ref Bounds limit);

        private struct Bounds
        {
            public ulong Soft;
            public ulong Hard;
        }
    }
}

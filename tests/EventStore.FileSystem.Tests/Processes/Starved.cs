namespace EventStore.FileSystem.Tests.Processes;

/// <summary>A process that lacks threads of the pool, or file handles. It ends with 0 if the store does what it promises.</summary>
internal static class Starved
{
    public const string OfThreads = "be-starved-of-threads";
    public const string OfHandles = "be-starved-of-handles";
    private const int Callers = 64;

    /// <summary>Every thread of the pool blocks until its commits are stored.</summary>
    public static async Task<int> RunWithoutThreadsAsync(string directory, Durability durability)
    {
        ThreadPool.GetMaxThreads(out _, out var ports);
        ThreadPool.SetMinThreads(Callers, ports);
        ThreadPool.SetMaxThreads(Callers, ports);
        await using var store = await OpenAsync(directory, new FileSystemOptions { Durability = durability });
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(() =>
        {
            for (var i = 0; i < 5; i++) store.AppendAsync($"stream-{caller}", "x").AsTask().GetAwaiter().GetResult();
        })));
        return await store.ReadAllAsync().CountAsync() == Callers * 5 ? 0 : 1;
    }

    /// <summary>No file can be opened any more, while the log needs further ones; then handles come back.</summary>
    public static async Task<int> RunWithoutHandlesAsync(string directory)
    {
        LoadAssemblies();
        await StartThreadsAsync();
        await using var store = await OpenAsync(directory, new FileSystemOptions { SegmentSizeBytes = 64 << 10 });
        var body = new string('x', 1_000);
        for (var i = 0; i < 10; i++) await store.AppendAsync("stream", body);
        var held = HoldAllHandles();
        var stored = 10;
        string? reported = null;
        for (var i = 0; i < 1_000 && reported is null; i++)
        {
            try
            {
                await store.AppendAsync("stream", body);
                stored++;
            }
            catch (StorageUnavailableException error)
            {
                reported = error.Message;
            }
        }

        foreach (var file in held) file.Dispose();
        if (reported?.Contains("file handles", StringComparison.Ordinal) != true)
            return Fail($"reported '{reported}' after {stored} commits");
        for (var i = 0; i < 300; i++, stored++) await store.AppendAsync("stream", body);
        var read = await store.ReadStreamAsync("stream").CountAsync();
        return read == stored ? 0 : Fail($"{read} of {stored} events");
    }

    // The runtime opens the file of an assembly when it is first used; without handles it ends with an OutOfMemoryException.
    private static void LoadAssemblies()
    {
        foreach (var path in ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (name.StartsWith("System.", StringComparison.Ordinal) || name.StartsWith("EventStore", StringComparison.Ordinal))
                System.Reflection.Assembly.Load(name);
        }
    }

    // A thread that cannot be started ends the process, so those that the pool may want are started before.
    private static async Task StartThreadsAsync()
    {
        ThreadPool.GetMaxThreads(out _, out var ports);
        ThreadPool.SetMinThreads(Callers, ports);
        using var all = new CountdownEvent(Callers);
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Factory.StartNew(() =>
        {
            all.Signal();
            all.Wait();
        }, CancellationToken.None, TaskCreationOptions.None, TaskScheduler.Default)));
    }

    private static List<FileStream> HoldAllHandles()
    {
        var held = new List<FileStream>();
        try
        {
            while (true) held.Add(new FileStream("/dev/null", FileMode.Open, FileAccess.Read));
        }
        catch (IOException)
        {
            return held;
        }
    }

    private static ValueTask<IEventStore> OpenAsync(string directory, FileSystemOptions options) => Wireup.Init()
        .UsingFileSystemPersistence(directory, options)
        .UsingJsonSerialization(types => types.Register<string>("text"))
        .InitializeStorageEngine()
        .BuildAsync();

    private static int Fail(string why)
    {
        Console.Error.WriteLine(why);
        return 1;
    }
}

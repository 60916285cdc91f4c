using EventStore.TestServers;
using Spectre.Console;

namespace EventStore.Benchmarks;

/// <summary>A storage of a backend that lasts as long as its benchmark, with the server that it needs.</summary>
internal sealed class BenchmarkStorage(string name, string address, params IAsyncDisposable[] parts) : IAsyncDisposable
{
    public string Name => name;

    public static async Task<BenchmarkStorage?> Files()
    {
        var folder = new TemporaryFolder();
        return new("Files", "file:" + folder.Path, folder);
    }

    public static async Task<BenchmarkStorage?> Sqlite()
    {
        var folder = new TemporaryFolder();
        return new("SQLite", "sqlite:" + Path.Combine(folder.Path, "store.db"), folder);
    }

    public static async Task<BenchmarkStorage?> Postgres()
    {
        var server = await PrivatePostgres.TryStartAsync();
        return Require(PrivatePostgres.Package, server) ? new("PostgreSQL", "postgres:" + server!.Address, server) : null;
    }

    public static async Task<BenchmarkStorage?> Redis()
    {
        var server = await PrivateRedis.TryStartOnDiskAsync("--appendfsync", "always", "--auto-aof-rewrite-percentage", "0");
        return Require(PrivateRedis.Package, server) ? new("Redis", "redis:" + server!.Address, server) : null;
    }

    public static async Task<BenchmarkStorage?> Mongo()
    {
        var server = await SharedServer.Mongo.GetAsync();
        return new("MongoDB", $"{server.Address.TrimEnd('/')}/eventstore-bench-{Guid.NewGuid():N}", server);
    }

    public IPersistenceEngine CreateEngine() => new EngineCatalogue().AddFileSystem().AddSqlite().AddPostgres().AddRedis().AddMongo()
        .Create(address, EngineContext.Default);

    public ValueTask<IEventStore> BuildAsync() => Wireup.Init().UsingPersistence(CreateEngine()).InitializeStorageEngine()
        .UsingCustomSerialization(new IdentitySerializer()).BuildAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var part in parts) await part.DisposeAsync();
    }

    private static bool Require(string package, object? server)
    {
        if (server is null) AnsiConsole.WriteLine($"There is no binary of this server here. Install {package}.");
        return server is not null;
    }

    private sealed class TemporaryFolder : IAsyncDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("eventstore-bench-").FullName;

        public ValueTask DisposeAsync()
        {
            Directory.Delete(Path, recursive: true);
            return default;
        }
    }
}

namespace EventStore.TestServers;

/// <summary>
/// The one server of a kind that all tests of a run share. It is the one the environment names, else a container, else one started from
/// binaries on this machine. Where there is none of them, tests are skipped visibly, and fail in a continuous build if Debian has the server.
/// </summary>
public sealed class SharedServer : IAsyncDisposable
{
    private readonly Lazy<Task<ITestServer?>> found;
    private readonly string missing;
    private readonly bool hasPackage;

    private SharedServer(string name, string variable, string package, Func<Task<ITestServer?>> inContainer, Func<Task<ITestServer?>> fromBinaries, bool hasPackage = true)
    {
        this.hasPackage = hasPackage;
        missing = $"There is no {name} here. Set {variable} to the address of one, start a container engine, or install {package}.";
        found = new(() => FindAsync(variable, inContainer, fromBinaries));
    }

    public static SharedServer Postgres { get; } = new(
        "PostgreSQL", "EVENTSTORE_TEST_POSTGRES", PrivatePostgres.Package, Containers.StartPostgresAsync, async () => await PrivatePostgres.TryStartAsync());

    public static SharedServer Redis { get; } = new(
        "Redis", "EVENTSTORE_TEST_REDIS", PrivateRedis.Package, Containers.StartRedisAsync, async () => await PrivateRedis.TryStartAsync());

    public static SharedServer Mongo { get; } = new(
        "MongoDB", "EVENTSTORE_TEST_MONGO", PrivateMongo.Package, Containers.StartMongoAsync, async () => await PrivateMongo.TryStartAsync(), hasPackage: false);

    /// <summary>The server, started at the first call. Where there is none, see <see cref="Absence"/>.</summary>
    public async Task<ITestServer> GetAsync() => await found.Value ?? throw Absence.Of(missing, hasPackage);

    /// <summary>Ends the server if it was started here. Called once, after all tests, by a fixture of the assembly.</summary>
    public async ValueTask DisposeAsync()
    {
        if (found.IsValueCreated && found.Value is { IsCompletedSuccessfully: true } start && await start is { } server) await server.DisposeAsync();
    }

    private static async Task<ITestServer?> FindAsync(string variable, Func<Task<ITestServer?>> inContainer, Func<Task<ITestServer?>> fromBinaries) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } address
            ? new GivenServer(address, $"named by {variable}")
            : await inContainer() ?? await fromBinaries();
}

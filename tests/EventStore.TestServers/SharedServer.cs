namespace EventStore.TestServers;

/// <summary>
/// The one server of a kind that all tests of a run share: the one that the environment names, else a container, else a private one started
/// from programs of this machine. Without any of them its tests are skipped, or fail in a continuous build: see <see cref="Absence"/>.
/// </summary>
public sealed class SharedServer : IAsyncDisposable
{
    private readonly Lazy<Task<(ITestServer? Server, string Reasons)>> found;
    private readonly string name;
    private readonly string howToGetOne;
    private readonly bool hasPackage;

    private SharedServer(
        string name, string variable, string package, Func<Task<ITestServer>> inContainer, Func<Task<ITestServer?>> fromPrograms,
        bool hasPackage = true)
    {
        (this.name, this.hasPackage) = (name, hasPackage);
        howToGetOne = $"Set {variable} to the address of a server, start a container engine, or install {package}.";
        found = new(() => FindAsync(variable, inContainer, fromPrograms));
    }

    public static SharedServer Postgres { get; } = new(
        "PostgreSQL", "EVENTSTORE_TEST_POSTGRES", PrivatePostgres.Package, Containers.StartPostgresAsync,
        async () => await PrivatePostgres.TryStartAsync());

    public static SharedServer Redis { get; } = new(
        "Redis", "EVENTSTORE_TEST_REDIS", PrivateRedis.Package, Containers.StartRedisAsync, async () => await PrivateRedis.TryStartAsync());

    public static SharedServer Mongo { get; } = new(
        "MongoDB", "EVENTSTORE_TEST_MONGO", PrivateMongo.Package, Containers.StartMongoAsync,
        async () => await PrivateMongo.TryStartAsync(), hasPackage: false);

    /// <summary>The server, started at the first call. Where there is none, see <see cref="Absence"/>.</summary>
    public async Task<ITestServer> GetAsync()
    {
        var (server, reasons) = await found.Value;
        return server ?? throw Absence.Of($"There is no {name} here: {reasons}. {howToGetOne}", hasPackage);
    }

    /// <summary>Ends the server if it was started here. Called once, after all tests, by a fixture of the assembly.</summary>
    public async ValueTask DisposeAsync()
    {
        if (found.IsValueCreated && found.Value is { IsCompletedSuccessfully: true } start
            && (await start).Server is { } server)
        {
            await server.DisposeAsync();
        }
    }

    // Each step that cannot be taken leaves its reason and leads to the next.
    private static async Task<(ITestServer? Server, string Reasons)> FindAsync(
        string variable, Func<Task<ITestServer>> inContainer, Func<Task<ITestServer?>> fromPrograms)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } address)
            return (new GivenServer(address, $"named by {variable}"), "");
        var reasons = $"{variable} is not set";
        if (Environment.GetEnvironmentVariable($"{variable}_PROGRAMS") is { Length: > 0 })
        {
            reasons += $"; no container is tried because {variable}_PROGRAMS is set";
        }
        else
        {
            try
            {
                return (await inContainer(), reasons);
            }
            catch (Exception error)
            {
                reasons += $"; no container could be started ({error.GetType().Name}: {error.Message.Split('\n', '.')[0].Trim()})";
            }
        }

        return await fromPrograms() is { } server ? (server, reasons) : (null, $"{reasons}; its programs are not installed");
    }
}

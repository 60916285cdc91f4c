using Xunit;

namespace EventStore.TestServers;

/// <summary>
/// A PostgreSQL of our own: a fresh folder, a free loopback port, every setting of durability as it comes (on). Tests may kill it and start
/// it again.
/// </summary>
public sealed class PrivatePostgres : ITestServer
{
    public const string Package = "postgresql-15";

    private const string ProgramsVariable = "EVENTSTORE_TEST_POSTGRES_PROGRAMS";

    private const string BackupProgram = "pg_basebackup";

    // Where Debian's packages install each version.
    private const string Packaged = "/usr/lib/postgresql";

    private readonly string folder;
    private ServerProcess? server;

    private PrivatePostgres(string binaries, string folder, int port) => (Binaries, this.folder, Port) = (binaries, folder, port);

    /// <summary>The folder with the programs of the server, such as pgbench.</summary>
    public string Binaries { get; }

    public int Port { get; }

    public string Address => $"Host=127.0.0.1;Port={Port};Username=postgres;Database=postgres";

    public string Origin => $"private server, port {Port}";

    /// <summary>A new server. Skips the test where its binaries are missing, and fails it in a continuous build.</summary>
    public static async Task<PrivatePostgres> StartAsync() =>
        await TryStartAsync()
            ?? throw Absence.Of($"There are no binaries of PostgreSQL here to start a server that may be killed. Install {Package}.");

    /// <summary>A new server; null where its binaries are missing.</summary>
    public static async Task<PrivatePostgres?> TryStartAsync()
    {
        if (Installed().Select(folder => Path.Combine(folder, "initdb")).FirstOrDefault(File.Exists) is not { } initdb) return null;
        var made = new PrivatePostgres(
            Path.GetDirectoryName(initdb)!, Directory.CreateTempSubdirectory("eventstore-postgres-").FullName, ServerProcess.FreePort());
        if (Environment.IsPrivilegedProcess) await ServerProcess.RunAsync("chown", "postgres:", made.folder);
        string[] command =
            [.. AsOwner(), initdb, "-D", made.Data, "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8", "--no-sync"];
        await ServerProcess.RunAsync(command[0], command[1..]);
        await made.StartAgainAsync();
        return made;
    }

    /// <summary>Skips the test where the programs lack what <see cref="StartStandbyAsync"/> needs.</summary>
    public void SkipUnlessItCanHaveAStandby() =>
        Assert.SkipUnless(
            File.Exists(Path.Combine(Binaries, BackupProgram)),
            $"The programs of PostgreSQL in {Binaries} lack {BackupProgram}, which makes a standby.");

    /// <summary>A second server that follows this one by streaming replication, and may be read meanwhile.</summary>
    public async Task<PrivatePostgres> StartStandbyAsync()
    {
        var standby = new PrivatePostgres(
            Binaries, Directory.CreateTempSubdirectory("eventstore-postgres-").FullName, ServerProcess.FreePort());
        if (Environment.IsPrivilegedProcess) await ServerProcess.RunAsync("chown", "postgres:", standby.folder);
        string[] command =
        [
            .. AsOwner(), Path.Combine(Binaries, BackupProgram), "-h", "127.0.0.1", "-p", $"{Port}", "-U", "postgres",
            "-D", standby.Data, "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
        ];
        await ServerProcess.RunAsync(command[0], command[1..]);
        await standby.StartAgainAsync();
        return standby;
    }

    /// <summary>Kills every process of the server at once.</summary>
    public Task KillAsync() => server?.KillAsync() ?? Task.CompletedTask;

    /// <summary>Ends the server tidily. Its files stay.</summary>
    public Task StopAsync() => server?.StopAsync() ?? Task.CompletedTask;

    /// <summary>Starts it over the same files, on the same port, and waits until it replies.</summary>
    /// <param name="settings">Further arguments, such as <c>-c fsync=off</c>, word by word; later ones win.</param>
    public async Task StartAgainAsync(params string[] settings)
    {
        string[] command =
        [
            .. AsOwner(), Path.Combine(Binaries, "postgres"), "-D", Data, "-c", "listen_addresses=127.0.0.1", "-c", $"port={Port}",
            "-c", $"unix_socket_directories={folder}", "-c", "max_connections=300", .. settings,
        ];
        server = await ServerProcess.StartAsync(folder, "QUIT", command);
        await server.WaitUntilAsync(IsReadyAsync);
    }

    public ValueTask DisposeAsync() => server is null ? default : new(server.RemoveAsync());

    private string Data => Path.Combine(folder, "data");

    // The server refuses to run as root; it then runs as the user that its package made.
    private static string[] AsOwner() =>
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];

    // The folder that the environment names and no other; else Debian's, one for each version, the newest first; else the PATH.
    private static IEnumerable<string> Installed() => Environment.GetEnvironmentVariable(ProgramsVariable) is { Length: > 0 } given
        ? [given]
        : (Directory.Exists(Packaged)
            ? Directory.GetDirectories(Packaged).OrderDescending().Select(version => Path.Combine(version, "bin"))
            : [])
        .Concat(ServerProcess.FindProgram("initdb") is { } found ? [Path.GetDirectoryName(found)!] : []);

    // The eighth line of its file says how far it is; the first one whether the file is of this server or of one that was killed.
    private async Task<bool> IsReadyAsync()
    {
        var file = Path.Combine(Data, "postmaster.pid");
        var lines = File.Exists(file) ? await File.ReadAllLinesAsync(file) : [];
        return lines.Length >= 8 && lines[0] == $"{server?.Id}" && lines[7].Trim() is "ready" or "standby";
    }
}

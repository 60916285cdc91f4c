using System.Net;
using System.Net.Sockets;

namespace EventStore.TestServers;

/// <summary>
/// A Redis of our own: a fresh folder, a free loopback port, every write flushed unless asked otherwise. Tests may kill it and start it
/// again. Its files lie in memory where there is room: they outlive the server, and tests end no machine, so that flushing to a disk would
/// only take time.
/// </summary>
public sealed class PrivateRedis : ITestServer
{
    public const string Package = "redis-server";

    private const string Memory = "/dev/shm";
    private const long MinFreeMemoryBytes = 4L << 30;

    private readonly string program;
    private readonly string folder;
    private readonly string[] settings;
    private ServerProcess? server;

    private PrivateRedis(string program, string folder, int port, string[] settings) =>
        (this.program, this.folder, Port, this.settings) = (program, folder, port, settings);

    public int Port { get; }

    /// <summary>The folder with its files.</summary>
    public string Folder => folder;

    public string Address => $"127.0.0.1:{Port}";

    public string Origin => $"private server, port {Port}";

    private ServerProcess Server => server ?? throw new InvalidOperationException("The server is not started.");

    /// <summary>A new server. Skips the test where its binary is missing, and fails it in a continuous build.</summary>
    /// <param name="settings">Further arguments, such as <c>--cluster-enabled yes</c>, word by word; later ones win.</param>
    public static async Task<PrivateRedis> StartAsync(params string[] settings) =>
        await TryStartAsync(settings)
            ?? throw Absence.Of($"There is no binary of Redis here to start a server that may be killed. Install {Package}.");

    /// <summary>A new server; null where its binary is missing.</summary>
    public static Task<PrivateRedis?> TryStartAsync(params string[] settings) =>
        TryStartInAsync(
            Directory.Exists(Memory) && new DriveInfo(Memory).AvailableFreeSpace >= MinFreeMemoryBytes ? Memory : Path.GetTempPath(),
            settings);

    /// <summary>A new server whose files lie on the disk, to be measured; null where its binary is missing.</summary>
    public static Task<PrivateRedis?> TryStartOnDiskAsync(params string[] settings) => TryStartInAsync(Path.GetTempPath(), settings);

    /// <summary>Kills the server at once.</summary>
    public Task KillAsync() => Server.KillAsync();

    /// <summary>Starts it over the same files, on the same port, and waits until it replies.</summary>
    public async Task StartAgainAsync()
    {
        string[] command =
        [
            program, "--port", $"{Port}", "--bind", "127.0.0.1", "--dir", folder, "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", .. settings,
        ];
        server = await ServerProcess.StartAsync(folder, "TERM", command);
        await Server.WaitUntilAsync(RepliesAsync);
    }

    public async ValueTask DisposeAsync() => await Server.RemoveAsync();

    private static async Task<PrivateRedis?> TryStartInAsync(string parent, string[] settings)
    {
        if (ServerProcess.FindProgram("redis-server") is not { } program) return null;
        var place = Directory.CreateDirectory(Path.Combine(parent, $"eventstore-redis-{Guid.NewGuid():N}")).FullName;
        var made = new PrivateRedis(program, place, ServerProcess.FreePort(), settings);
        await made.StartAgainAsync();
        return made;
    }

    // While it loads its files it replies with an error.
    private async Task<bool> RepliesAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            await client.GetStream().WriteAsync("PING\r\n"u8.ToArray());
            var answer = new byte[5];
            await client.GetStream().ReadExactlyAsync(answer);
            return answer.AsSpan().SequenceEqual("+PONG"u8);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return false;
        }
    }
}

using System.Net;
using System.Net.Sockets;
using Xunit;

namespace EventStore.TestServers;

/// <summary>A pooler of our own before a PostgreSQL, which gives out its connections by transaction. Goes when it is disposed.</summary>
public sealed class PrivatePgBouncer : IAsyncDisposable
{
    private const string Program = "pgbouncer";
    private readonly ServerProcess process;

    private PrivatePgBouncer(ServerProcess process, int port) => (this.process, Port) = (process, port);

    /// <summary>Its port of the loopback device.</summary>
    public int Port { get; }

    /// <summary>Starts a pooler. Skips the test where the program is missing.</summary>
    /// <param name="host">The server behind it.</param>
    /// <param name="port">Its port.</param>
    /// <param name="user">The role that may connect.</param>
    /// <param name="password">Its password at the server; null for none.</param>
    /// <param name="serverConnections">Most connections to the server that the clients share.</param>
    public static async Task<PrivatePgBouncer> StartAsync(
        string host, int port, string user, string? password, int serverConnections)
    {
        var program = ServerProcess.FindProgram(Program, "/usr/sbin");
        Assert.SkipUnless(program is not null, $"There is no {Program} here to stand before PostgreSQL. Install {Program}.");
        var folder = Directory.CreateTempSubdirectory("eventstore-pgbouncer-").FullName;
        var own = ServerProcess.FreePort();
        await File.WriteAllTextAsync(Path.Combine(folder, "users.txt"), $"\"{user}\" \"{password}\"\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "pooler.ini"), $"""
            [databases]
            * = host={host} port={port}

            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {own}
            unix_socket_dir =
            auth_type = trust
            auth_file = {folder}/users.txt
            pool_mode = transaction
            default_pool_size = {serverConnections}
            max_client_conn = 200

            """);

        // It refuses to run as root; it then runs as the user that the package of the server made.
        if (Environment.IsPrivilegedProcess) await ServerProcess.RunAsync("chown", "-R", "postgres:", folder);
        string[] asOwner = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
        var started = await ServerProcess.StartAsync(folder, "TERM", [.. asOwner, program, $"{folder}/pooler.ini"]);
        await started.WaitUntilAsync(() => ListensAsync(own));
        return new PrivatePgBouncer(started, own);
    }

    public async ValueTask DisposeAsync() => await process.RemoveAsync();

    private static async Task<bool> ListensAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

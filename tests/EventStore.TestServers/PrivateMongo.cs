using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace EventStore.TestServers;

/// <summary>
/// A MongoDB of our own: a fresh folder, a free loopback port. A replica set of one member where there is a <c>mongod</c>, else a
/// standalone server from the jar that EVENTSTORE_TEST_MONGO_JAR names, which speaks the protocol and takes <c>--port</c>. Tests may kill
/// it and start it again.
/// </summary>
public sealed class PrivateMongo : ITestServer
{
    public const string Package = "MongoDB Community Server";

    private const string JarVariable = "EVENTSTORE_TEST_MONGO_JAR";
    private const string ReplicaSet = "rs0";
    private readonly string folder;
    private readonly string[] command;
    private readonly bool isReplicaSet;
    private ServerProcess? server;

    private PrivateMongo(string folder, int port, string? mongod, string? jar)
    {
        (this.folder, Port, isReplicaSet) = (folder, port, mongod is not null);
        command = mongod is not null
            ? [mongod, "--port", $"{port}", "--bind_ip", "127.0.0.1", "--dbpath", folder, "--replSet", ReplicaSet, "--nounixsocket"]
            : ["java", "-jar", jar!, "--port", $"{port}"];
    }

    public int Port { get; }

    public string Address => $"mongodb://127.0.0.1:{Port}/{(isReplicaSet ? $"?replicaSet={ReplicaSet}" : "")}";

    public string Origin => $"private {(isReplicaSet ? "replica set of one member" : "standalone server")}, port {Port}";

    /// <summary>A new server. Skips the test where there is nothing to start it from.</summary>
    public static async Task<PrivateMongo> StartAsync() =>
        await TryStartAsync()
            ?? throw Absence.Of($"There is no mongod here to start a server that may be killed. Install {Package}.", hasPackage: false);

    /// <summary>A new server; null where there is nothing to start it from.</summary>
    public static async Task<PrivateMongo?> TryStartAsync()
    {
        var port = ServerProcess.FreePort();
        var mongod = ServerProcess.FindProgram("mongod");
        var jar = Environment.GetEnvironmentVariable(JarVariable);
        if (mongod is null && string.IsNullOrEmpty(jar)) return null;

        var made = new PrivateMongo(Directory.CreateTempSubdirectory("eventstore-mongo-").FullName, port, mongod, jar);
        await made.StartAgainAsync();
        if (made.isReplicaSet) await made.SendAsync(InitiateReplicaSet(port));
        return made;
    }

    /// <summary>Kills the server at once.</summary>
    public Task KillAsync() => server?.KillAsync() ?? Task.CompletedTask;

    /// <summary>Starts it over the same files, on the same port, and waits until it listens. Its driver waits for the election.</summary>
    public async Task StartAgainAsync()
    {
        server = await ServerProcess.StartAsync(folder, "TERM", command);
        await server.WaitUntilAsync(ListensAsync);
    }

    public ValueTask DisposeAsync() => server is null ? default : new(server.RemoveAsync());

    private async Task<bool> ListensAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    // The one request that is sent without a driver: header, flags, one section with the document.
    private async Task SendAsync(byte[] document)
    {
        const int HeaderBytes = 16, Message = 2013;
        var request = new byte[HeaderBytes + sizeof(int) + 1 + document.Length];
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(12), Message);
        document.CopyTo(request, HeaderBytes + sizeof(int) + 1);

        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port);
        await client.GetStream().WriteAsync(request);
        await client.GetStream().ReadExactlyAsync(new byte[HeaderBytes]);
    }

    private static byte[] InitiateReplicaSet(int port)
    {
        var member = Document(Number("_id", 0), Text("host", $"127.0.0.1:{port}"));
        var settings = Document(Text("_id", ReplicaSet), Element(4, "members", Document(Element(3, "0", member))));
        return Document(Element(3, "replSetInitiate", settings), Text("$db", "admin"));
    }

    private static byte[] Document(params byte[][] elements)
    {
        byte[] content = [.. elements.SelectMany(element => element), 0];
        return [.. BitConverter.GetBytes(content.Length + sizeof(int)), .. content];
    }

    private static byte[] Number(string name, int value) => Element(16, name, BitConverter.GetBytes(value));

    private static byte[] Text(string name, string value) =>
        Element(2, name, [.. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(value) + 1), .. Encoding.UTF8.GetBytes(value), 0]);

    private static byte[] Element(byte type, string name, byte[] value) => [type, .. Encoding.UTF8.GetBytes(name), 0, .. value];
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using EventStore.TestServers;

namespace EventStore.Redis.Tests;

/// <summary>A cluster of three masters of our own, started at the first call and ended after all tests.</summary>
internal static class Cluster
{
    private static readonly Lazy<Task<PrivateRedis[]>> Nodes = new(StartAsync);

    public static async Task<string> AddressAsync() => string.Join(',', (await Nodes.Value).Select(node => node.Address));

    public static async Task<PrivateRedis[]> NodesAsync() => await Nodes.Value;

    public static async ValueTask EndAsync()
    {
        if (!Nodes.IsValueCreated) return;
        foreach (var node in await Nodes.Value) await node.DisposeAsync();
    }

    private static async Task<PrivateRedis[]> StartAsync()
    {
        var nodes = new PrivateRedis[3];
        for (var i = 0; i < nodes.Length; i++) nodes[i] =
            await PrivateRedis.StartAsync("--cluster-enabled", "yes", "--cluster-port", $"{FreePort()}");
        string[] arguments = ["--cluster", "create", .. nodes.Select(node => node.Address), "--cluster-yes"];
        using var making =
            Process.Start(new ProcessStartInfo("redis-cli", arguments) { UseShellExecute = false, RedirectStandardOutput = true })!;
        var said = await making.StandardOutput.ReadToEndAsync();
        await making.WaitForExitAsync();
        Assert.True(making.ExitCode == 0, said);
        return nodes;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

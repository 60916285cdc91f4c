using System.Net;
using System.Net.Sockets;

namespace EventStore.TestServers;

/// <summary>What a proxy does to a request.</summary>
public enum Fault
{
    /// <summary>The connection is cut; the server never sees the request.</summary>
    CutBeforeForwarding,

    /// <summary>The server carries the request out; the connection is cut before the first byte of the reply is passed on.</summary>
    CutBeforeReply,

    /// <summary>The server carries the request out; the connection is cut after the first bytes of the reply.</summary>
    CutInReply,

    /// <summary>The reply is passed on later.</summary>
    DelayReply,

    /// <summary>The server carries the request out; nothing more is passed on, and both sides stay connected.</summary>
    HalfOpen,
}

/// <summary>
/// Stands between a driver and its server, on a port of its own, and passes everything on, until it is armed: then the next request that
/// holds the given bytes meets the fault. Every fault strikes once.
/// </summary>
public sealed class FaultyProxy : IAsyncDisposable
{
    private const int BytesOfCutReply = 3;
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly int target;
    private readonly TimeSpan delay;
    private readonly Task accepting;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly List<Link> links = [];
    private readonly List<Task> pumps = [];
    private Trap? armed;

    private FaultyProxy(int target, TimeSpan delay)
    {
        (this.target, this.delay) = (target, delay);
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>A proxy before a server on this machine.</summary>
    /// <param name="port">The port of the server.</param>
    /// <param name="delay">How long a delayed reply is held back; null for 0.3 seconds.</param>
    public static FaultyProxy Before(int port, TimeSpan? delay = null) => new(port, delay ?? TimeSpan.FromMilliseconds(300));

    /// <summary>Strikes the next request that holds these bytes. The task ends when it struck.</summary>
    public Task Arm(Fault fault, ReadOnlyMemory<byte> marker)
    {
        lock (gate) armed = new Trap(fault, marker.ToArray());
        return armed.Struck.Task;
    }

    /// <summary>Cuts every connection there is. New ones may come.</summary>
    public void CutAll()
    {
        lock (gate)
        {
            foreach (var link in links) link.Cut();
            links.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Stop();
        CutAll();
        await accepting;
        Task[] last;
        lock (gate) last = [.. pumps];
        await Task.WhenAll(last);
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptSocketAsync(ending.Token);
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                client.NoDelay = true;
                var link = new Link(client, server);
                lock (gate)
                {
                    links.Add(link);
                    pumps.Add(RunAsync(link));
                }
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task RunAsync(Link link)
    {
        try
        {
            await link.Server.ConnectAsync(IPAddress.Loopback, target, ending.Token);
            await Task.WhenAny(PassRequestsAsync(link), PassRepliesAsync(link));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }

        // A driver that gave up before the reply came was struck as well.
        link.TakeTrap()?.Struck.TrySetResult();
        link.Cut();
    }

    private async Task PassRequestsAsync(Link link)
    {
        var buffer = new byte[64 << 10];
        while (await ReceiveAsync(link.Client, buffer) is > 0 and var count)
        {
            var request = buffer.AsMemory(0, count);
            if (TakeTrapFor(request.Span) is { } trap)
            {
                if (trap.Fault == Fault.CutBeforeForwarding)
                {
                    link.Cut();
                    trap.Struck.TrySetResult();
                    return;
                }

                link.Hold(trap);
            }

            await SendAsync(link.Server, request);
        }
    }

    private async Task PassRepliesAsync(Link link)
    {
        var buffer = new byte[64 << 10];
        while (await ReceiveAsync(link.Server, buffer) is > 0 and var count)
        {
            var reply = buffer.AsMemory(0, count);
            if (link.TakeTrap() is { } trap)
            {
                if (trap.Fault == Fault.CutInReply) await SendAsync(link.Client, reply[..Math.Min(BytesOfCutReply, count)]);
                if (trap.Fault == Fault.DelayReply) await Task.Delay(delay, ending.Token);
                if (trap.Fault is Fault.CutBeforeReply or Fault.CutInReply) link.Cut();
                trap.Struck.TrySetResult();
                if (trap.Fault == Fault.HalfOpen) await Task.Delay(Timeout.Infinite, ending.Token);
            }

            await SendAsync(link.Client, reply);
        }
    }

    private Trap? TakeTrapFor(ReadOnlySpan<byte> request)
    {
        lock (gate)
        {
            if (armed is null || request.IndexOf(armed.Marker) < 0) return null;
            var trap = armed;
            armed = null;
            return trap;
        }
    }

    // A connection that was cut from either side has nothing more to say.
    private async ValueTask<int> ReceiveAsync(Socket socket, Memory<byte> buffer)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, ending.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private async ValueTask SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0) bytes = bytes[await socket.SendAsync(bytes, ending.Token)..];
    }

    private sealed record Trap(Fault Fault, byte[] Marker)
    {
        public TaskCompletionSource Struck { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Link(Socket client, Socket server)
    {
        public Socket Client => client;

        public Socket Server => server;

        // Held while a request is passed on, before its reply can come.
        private Trap? held;

        public void Hold(Trap trap) => Volatile.Write(ref held, trap);

        public Trap? TakeTrap() => Interlocked.Exchange(ref held, null);

        public void Cut()
        {
            client.Dispose();
            server.Dispose();
        }
    }
}

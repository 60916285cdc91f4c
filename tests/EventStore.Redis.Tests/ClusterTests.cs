using System.Globalization;
using System.Net;
using System.Text;
using EventStore.TestServers;
using StackExchange.Redis;

namespace EventStore.Redis.Tests;

/// <summary>What only a cluster can do to a store: spread stores, and move the slot of one while it is used.</summary>
public sealed class ClusterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Stores_of_several_names_are_spread_and_each_lies_on_one_server()
    {
        var address = await Cluster.AddressAsync();
        var places = new HashSet<EndPoint?>();
        await using var connection = await ConnectionMultiplexer.ConnectAsync(address);

        // Names are random: twelve of them leave one of three servers out now and then.
        for (var i = 0; i < 12 || (places.Count < 3 && i < 100); i++)
        {
            await using var store = new TestStore();
            await using var engine = await store.OpenReadyAsync(address);
            await engine.CommitAsync([Attempt("one"), Attempt("two")], Token);
            Assert.Equal(Durability.Durable, engine.Description.Durability.Level);
            places.Add(await connection.GetDatabase().IdentifyEndpointAsync(new RedisSchema(store.Options.Name).Meta));
        }

        Assert.Equal(3, places.Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task Waiting_for_replicas_is_refused_with_a_sentence()
    {
        await using var engine = new TestStore(new RedisOptions { RequiredReplicas = 1 }).Open(await Cluster.AddressAsync());
        Assert.Contains("min-replicas-to-write",
            (await Assert.ThrowsAsync<StorageException>(async () => await engine.InitializeAsync(Token))).Message,
            StringComparison.Ordinal);
    }

    [Fact(Timeout = 300_000)]
    public async Task While_its_slot_moves_key_by_key_a_store_is_unavailable_or_right_and_whole_afterwards()
    {
        var nodes = await Cluster.NodesAsync();
        var address = await Cluster.AddressAsync();
        await using var store = new TestStore(new RedisOptions { OutageTimeout = TimeSpan.FromMilliseconds(100) });
        await using var engine = await store.OpenReadyAsync(address);
        for (var i = 0; i < 20; i++) await engine.CommitAsync([Attempt($"stream-{i % 4}")], Token);

        await using var connection = await ConnectionMultiplexer.ConnectAsync(address);
        var schema = new RedisSchema(store.Options.Name);
        var slot = connection.HashSlot(schema.Meta);
        var from = await connection.GetDatabase().IdentifyEndpointAsync(schema.Meta);
        var source = nodes.Single(node => from!.ToString()!.EndsWith($":{node.Port}", StringComparison.Ordinal));
        var target = nodes.First(node => node != source);
        var (sourceId, targetId) = (await AskAsync(source, "CLUSTER", "MYID"), await AskAsync(target, "CLUSTER", "MYID"));
        await AskAsync(target, "CLUSTER", "SETSLOT", $"{slot}", "IMPORTING", sourceId);
        await AskAsync(source, "CLUSTER", "SETSLOT", $"{slot}", "MIGRATING", targetId);

        // Between any two keys that moved, a commit is stored whole at its place, or refused.
        var (stored, refused) = (20, 0);
        while ((await AskAsync(source, "CLUSTER", "GETKEYSINSLOT", $"{slot}", "1")) is { Length: > 0 } key)
        {
            await AskAsync(source, "MIGRATE", "127.0.0.1", $"{target.Port}", key, "0", "5000");
            try
            {
                var commit = (await engine.CommitAsync([Attempt("stream-1"), Attempt($"new-{stored}")], Token))[0].Commit!;
                Assert.Equal(stored + 1, commit.FirstCheckpoint.Value);
                stored += 2;
            }
            catch (StorageUnavailableException)
            {
                refused++;
            }
        }

        foreach (var node in nodes) await AskAsync(node, "CLUSTER", "SETSLOT", $"{slot}", "NODE", targetId);
        Assert.True(refused > 0);
        await using var after = await new TestStore(new RedisOptions { Name = store.Options.Name }).OpenReadyAsync(address);
        Assert.Equal(stored + 1, (await after.CommitAsync([Attempt("stream-1")], Token))[0].Commit!.FirstCheckpoint.Value);
        var report = await after.VerifyAsync(cancellationToken: Token);
        Assert.True(report.IsSound, string.Join("; ", report.Damages));
        Assert.Equal(stored + 1, report.EventsChecked);
    }

    // Moving a slot is between two servers: each is spoken to alone, as the tool for it does, without being led elsewhere.
    private static async Task<string> AskAsync(PrivateRedis node, params string[] command)
    {
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, node.Port, Token);
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{command.Length}\r\n");
        foreach (var word in command) text.Append(CultureInfo.InvariantCulture, $"${Encoding.Latin1.GetByteCount(word)}\r\n{word}\r\n");
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(text.ToString()), Token);
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        var line = (await reader.ReadLineAsync(Token))!;
        Assert.False(line.StartsWith('-'), line);
        if (line == "*0") return "";
        if (line.StartsWith('*')) line = (await reader.ReadLineAsync(Token))!;
        if (!line.StartsWith('$')) return line[1..];
        var bytes = new char[int.Parse(line[1..], CultureInfo.InvariantCulture)];
        await reader.ReadBlockAsync(bytes, Token);
        return new string(bytes);
    }

    private static CommitAttempt Attempt(StreamId stream) =>
        new(stream, Guid.NewGuid(), [new EventRecord(Guid.NewGuid(), "type", new byte[10])]);
}

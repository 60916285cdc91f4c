using EventStore.TestServers;
using Npgsql;

[assembly: AssemblyFixture(typeof(EventStore.Processes.Tests.ServerOfThisRun))]

namespace EventStore.Processes.Tests;

/// <summary>Ends the server of the run after its last test.</summary>
public sealed class ServerOfThisRun : IAsyncDisposable
{
    public ValueTask DisposeAsync() => SharedServer.Postgres.DisposeAsync();
}

/// <summary>Room for one store that several processes open, which goes with its owner.</summary>
internal sealed class Place : IAsyncDisposable
{
    private static int made;
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("eventstore-processes-");
    private string? server;

    public string Address { get; private set; } = "";

    public string Schema { get; } = $"processes_{Environment.ProcessId}_{Interlocked.Increment(ref made)}";

    /// <summary>A place for a scheme. Skips the test where there is no server for it.</summary>
    public static async Task<Place> MakeAsync(string scheme)
    {
        var place = new Place();
        if (scheme == "postgres") place.server = (await SharedServer.Postgres.GetAsync()).Address;
        place.Address = $"{scheme}:{place.server ?? Path.Combine(place.directory.FullName, scheme == "file" ? "store" : "store.db")}";
        return place;
    }

    public async ValueTask DisposeAsync()
    {
        directory.Delete(recursive: true);
        if (server is null) return;
        NpgsqlConnection.ClearAllPools();
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"DROP SCHEMA IF EXISTS {Schema} CASCADE", connection);
        await command.ExecuteNonQueryAsync();
    }
}

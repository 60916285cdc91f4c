using System.Diagnostics;
using Akka.Actor;

namespace AkkaPersistence.Tests;

/// <summary>Persistent actors that stop and start again, in the same system, in another one and in another process.</summary>
public sealed class ActorTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("eventstore-akka-").FullName;

    [Theory]
    [InlineData("file:{0}")]
    [InlineData("sqlite:{0}/store.db")]
    public async Task An_actor_recovers_from_a_store_that_was_closed(string address)
    {
        address = string.Format(address, folder);
        await using (var system = TestSystem.At(address))
        {
            var actor = system.Start("a");
            Assert.Equal(2, await actor.PersistAsync("1", "2"));
            await actor.SnapshotAsync();
            Assert.Equal(3, await actor.PersistAsync("3"));
        }

        await using (var system = TestSystem.At(address))
        {
            Assert.Equal(["1", "2", "3"], await system.Start("a").EventsAsync());
            Assert.Empty(await system.Start("b").EventsAsync());
        }
    }

    [Fact]
    public async Task Sequence_numbers_go_on_after_all_events_were_deleted()
    {
        await using (var system = TestSystem.At($"file:{folder}"))
        {
            var actor = system.Start("a");
            await actor.PersistAsync("1", "2", "3");
            await actor.DeleteAsync(3);
        }

        await using (var system = TestSystem.At($"file:{folder}"))
        {
            var actor = system.Start("a");
            Assert.Empty(await actor.EventsAsync());
            Assert.Equal(5, await actor.PersistAsync("4", "5"));
            await actor.StopAsync();
            Assert.Equal(["4", "5"], await system.Start("a").EventsAsync());
        }
    }

    [Fact]
    public async Task An_actor_recovers_from_a_snapshot_and_the_events_that_were_not_deleted()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        var actor = system.Start("a");
        await actor.PersistAsync("1", "2", "3");
        await actor.SnapshotAsync();
        await actor.DeleteAsync(3);
        await actor.PersistAsync("4");
        await actor.StopAsync();
        Assert.Equal(["1", "2", "3", "4"], await system.Start("a").EventsAsync());
    }

    [Fact]
    public async Task An_actor_that_has_only_a_snapshot_goes_on_after_it()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var system = TestSystem.Over(store);
        await system.Snapshots.SaveAsync("a", 7, new[] { "1 to 7" }, DateTime.UnixEpoch);
        var actor = system.Start("a");
        Assert.Equal(8, await actor.PersistAsync("8"));
        await actor.StopAsync();
        actor = system.Start("a");
        Assert.Equal(["1 to 7", "8"], await actor.EventsAsync());
        Assert.Equal(10, await actor.PersistAsync("9", "10"));
    }

    [Fact]
    public async Task An_actor_moves_from_one_system_to_another_and_the_first_can_no_longer_write()
    {
        await using var store = await TestSystem.StoreAsync();
        await using var first = TestSystem.Over(store);
        await using var second = TestSystem.Over(store);
        var left = first.Start("a");
        await left.PersistAsync("1");
        var moved = second.Start("a");
        Assert.Equal(2, await moved.PersistAsync("2"));

        var stopped = left.WatchAsync();
        left.Tell(new Recorder.PersistAll("other"));
        Assert.True(await stopped.WaitAsync(TestSystem.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(["1", "2"], await first.Start("a").EventsAsync());
    }

    [Fact]
    public async Task A_killed_process_loses_nothing_that_it_acknowledged()
    {
        // A snapshot is saved, and events are deleted, at every fifth one.
        var products = Enumerable.Range(1, 5_000).Select(number => $"p{number}").ToArray();
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(Cart).Assembly.Location, .. products])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = folder,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The sample did not start.");
        var acknowledged = 0;
        while (acknowledged < 123 && await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            acknowledged++;
            Assert.Equal($"{acknowledged}: p{acknowledged}", line);
        }

        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        acknowledged += (await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Count(end => end == '\n');
        Assert.InRange(acknowledged, 123, products.Length - 1);

        await using var system = TestSystem.At($"file:{Path.Combine(folder, "artifacts", "akka-persistence")}");
        var cart = system.Actors.ActorOf(Props.Create(() => new Cart("cart-42")));
        var next = await cart.Ask<int>(new AddProduct("next"), TestSystem.Patience);
        Assert.InRange(next, acknowledged + 1, acknowledged + 2); // the last one may be stored, but not be acknowledged
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}

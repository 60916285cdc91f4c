using EventStore;
using GitHistory;

namespace LiveProjections;

/// <summary>
/// What the other processes do. They report their progress line by line: <c>at position</c>, and a follower at its end <c>state json</c>. A
/// follower ends once its input does and it has caught up.
/// </summary>
internal static class Roles
{
    private const int Writers = 16;
    private const int EventsPerCheckpoint = 50;

    public static async Task ImportAsync(string path, string address, CancellationToken cancellationToken)
    {
        var repository = await GitRepository.FindAsync(path, cancellationToken);
        await using var store = await Stores.OpenToWriteAsync(address, cancellationToken);
        var result = await new Import(store, repository, Writers).RunAsync((_, events) => Say($"at {events}"), cancellationToken);
        Say($"at {result.Stored + result.AlreadyThere}");
    }

    public static async Task FollowAsync(string name, string address, string consumers, CancellationToken cancellationToken)
    {
        await using var store = await Stores.OpenToReadAsync(address, consumers, cancellationToken);
        var options = new ConsumerOptions
        {
            // A process that was killed a moment ago still has the name until its lease expires.
            WhenTaken = WhenTaken.Wait,
            LeaseTerm = TimeSpan.FromMilliseconds(300),
            EventsPerCheckpoint = EventsPerCheckpoint,
            PollInterval = TimeSpan.FromMilliseconds(100),
            OnPersisted = checkpoint => Say($"at {checkpoint}"),
        };
        await using var consumer = await store.Consumers.StartAsync(
            name, ConsumerSource.Everything, Totals.Projections[name], options, cancellationToken);
        await Task.Run(Console.In.ReadToEnd, cancellationToken);
        await consumer.WaitUntilCaughtUpAsync(cancellationToken);
        Say($"state {consumer.State.ToJson()}");
    }

    private static void Say(string line)
    {
        lock (Console.Out) Console.Out.WriteLine(line);
    }
}

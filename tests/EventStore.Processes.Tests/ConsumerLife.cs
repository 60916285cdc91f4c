using System.Text;

namespace EventStore.Processes.Tests;

/// <summary>
/// The process that is killed: a consumer with exactly-once state and, where it is asked, the writer that it follows. Each line it says is
/// one write: <c>open</c>; <c>from checkpoint</c> when it begins to deliver, at first and after each time it had lost its name;
/// <c>wrote checkpoint</c> once position and state are stored.
/// </summary>
internal static class ConsumerLife
{
    public const string Word = "be-a-consumer";
    private const int Appenders = 3;
    private static readonly Stream Output = Console.OpenStandardOutput();

    public static async Task<int> RunAsync(ConsumerOrder order)
    {
        // The process that started it holds its input: when that ends, this one ends too.
        var isOrphaned = Task.Run(Console.In.ReadToEnd);
        await using var store = await order.OpenAsync();
        Say("open");

        Tally? last = null;
        var options = order.ToOptions();
        options.OnPersisted = checkpoint => Say($"wrote {checkpoint}");
        await using var consumer = await store.Consumers.StartAsync(
            ConsumerOrder.Consumer, ConsumerSource.Everything, new Projection<Tally>(Tally.Empty, ApplyAsync), options);
        using var ending = new CancellationTokenSource();
        var appending = order.Appends
            ? Task.WhenAll(Enumerable.Range(0, Appenders).Select(i => AppendAsync(store, i, ending.Token)))
            : Task.CompletedTask;
        await Task.WhenAny(isOrphaned, consumer.Completion, order.Appends ? appending : isOrphaned);
        await ending.CancelAsync();
        await appending;
        return 0;

        async ValueTask<Tally> ApplyAsync(Tally state, CommittedEvent committed, CancellationToken cancellationToken)
        {
            if (!ReferenceEquals(state, last)) Say($"from {state.Last}");
            if (order.Step > TimeSpan.Zero) await Task.Delay(order.Step, cancellationToken);
            return last = state.Add(committed);
        }
    }

    /// <summary>Appends commits of some events, with a breath between them, until it is over.</summary>
    public static async Task AppendAsync(IEventStore store, int appender, CancellationToken isOver)
    {
        while (!isOver.IsCancellationRequested)
        {
            var messages = Enumerable.Range(0, Random.Shared.Next(1, 6)).Select(_ => new EventMessage($"{Random.Shared.NextInt64()}"));
            await store.AppendAsync(
                $"stream-{appender}", ExpectedRevision.Any, [.. messages], cancellationToken: CancellationToken.None);
            await Task.Delay(Random.Shared.Next(2, 12), CancellationToken.None);
        }
    }

    private static void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        lock (Output) Output.Write(bytes);
    }
}

using System.Threading.Channels;

namespace EventStore.Deliveries;

/// <summary>
/// Works on units of several streams at once. Units of one stream always take the same lane, which keeps their order. One writer fills the
/// lanes.
/// </summary>
internal sealed class Lanes<TUnit>
{
    private const int Capacity = 64;
    private readonly Channel<TUnit>[] lanes;

    private Lanes(int count) => lanes = [.. Enumerable.Range(0, count).Select(_ => Channel.CreateBounded<TUnit>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = true }))];

    /// <summary>Fills the lanes and works on them. Returns when all units are worked on; the first failure ends all lanes.</summary>
    /// <param name="count">How many lanes there are.</param>
    /// <param name="fill">Writes the units into the lanes, in order.</param>
    /// <param name="work">Works on one unit.</param>
    /// <param name="cancellationToken">Ends the work by throwing.</param>
    public static async Task RunAsync(
        int count,
        Func<Lanes<TUnit>, CancellationToken, Task> fill,
        Func<TUnit, CancellationToken, ValueTask> work,
        CancellationToken cancellationToken)
    {
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var all = new Lanes<TUnit>(count);
        Task[] running =
        [
            EndAllOnFailureAsync(() => all.FillAsync(fill, failing.Token), failing),
            .. all.lanes.Select(lane => EndAllOnFailureAsync(() => WorkAsync(lane.Reader, work, failing.Token), failing)),
        ];
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // A lane that was cancelled because another one failed does not show the reason.
        cancellationToken.ThrowIfCancellationRequested();
        await (Array.Find(running, ended => ended.IsFaulted) ?? Task.WhenAll(running)).ConfigureAwait(false);
    }

    /// <summary>Puts a unit into the lane of its stream; waits while that lane is full.</summary>
    public ValueTask WriteAsync(StreamId stream, TUnit unit, CancellationToken cancellationToken) =>
        lanes[(uint)stream.GetHashCode() % lanes.Length].Writer.WriteAsync(unit, cancellationToken);

    private async Task FillAsync(Func<Lanes<TUnit>, CancellationToken, Task> fill, CancellationToken cancellationToken)
    {
        await fill(this, cancellationToken).ConfigureAwait(false);
        foreach (var lane in lanes) lane.Writer.Complete();
    }

    private static async Task WorkAsync(
        ChannelReader<TUnit> lane, Func<TUnit, CancellationToken, ValueTask> work, CancellationToken cancellationToken)
    {
        await foreach (var unit in lane.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await work(unit, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task EndAllOnFailureAsync(Func<Task> run, CancellationTokenSource failing)
    {
        try
        {
            await run().ConfigureAwait(false);
        }
        catch
        {
            await failing.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }
}

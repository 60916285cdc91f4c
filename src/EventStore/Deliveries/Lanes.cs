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

    private Lanes(int count, Func<Channel<TUnit>> open) => lanes = [.. Enumerable.Range(0, count).Select(_ => open())];

    /// <summary>Works on the units of a writer without end. The first failure ends all lanes.</summary>
    /// <param name="count">How many lanes there are.</param>
    /// <param name="fill">Writes the units into the lanes, in order; waits while a lane is full.</param>
    /// <param name="work">Works on one unit.</param>
    /// <param name="cancellationToken">Ends the work by throwing.</param>
    public static Task RunAsync(
        int count,
        Func<Lanes<TUnit>, CancellationToken, Task> fill,
        Func<TUnit, CancellationToken, ValueTask> work,
        CancellationToken cancellationToken)
    {
        var options = new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = true };
        var filled = new Lanes<TUnit>(count, () => Channel.CreateBounded<TUnit>(options));
        return RunAllAsync([failing => fill(filled, failing), .. filled.Workers(work)], cancellationToken);
    }

    /// <summary>Works on some units. Returns when all are done; the first failure ends all lanes.</summary>
    /// <param name="count">How many lanes there are.</param>
    /// <param name="units">The units with their streams, in order.</param>
    /// <param name="work">Works on one unit.</param>
    /// <param name="cancellationToken">Ends the work by throwing.</param>
    public static Task RunAsync(
        int count,
        IEnumerable<(StreamId Stream, TUnit Unit)> units,
        Func<TUnit, CancellationToken, ValueTask> work,
        CancellationToken cancellationToken)
    {
        // The lanes are full before they are worked on, so that no worker waits for a unit.
        var options = new UnboundedChannelOptions { SingleReader = true, SingleWriter = true };
        var filled = new Lanes<TUnit>(count, () => Channel.CreateUnbounded<TUnit>(options));
        foreach (var (stream, unit) in units) filled.LaneOf(stream).Writer.TryWrite(unit);
        foreach (var lane in filled.lanes) lane.Writer.Complete();
        return RunAllAsync(filled.Workers(work), cancellationToken);
    }

    /// <summary>Puts a unit into the lane of its stream; waits while that lane is full.</summary>
    public ValueTask WriteAsync(StreamId stream, TUnit unit, CancellationToken cancellationToken) =>
        LaneOf(stream).Writer.WriteAsync(unit, cancellationToken);

    private static async Task RunAllAsync(IEnumerable<Func<CancellationToken, Task>> parts, CancellationToken cancellationToken)
    {
        using var failing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] running = [.. parts.Select(part => EndAllOnFailureAsync(part, failing))];
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // A lane that was cancelled because another one failed does not show the reason.
        cancellationToken.ThrowIfCancellationRequested();
        await (Array.Find(running, ended => ended.IsFaulted) ?? Task.WhenAll(running)).ConfigureAwait(false);
    }

    private static async Task EndAllOnFailureAsync(Func<CancellationToken, Task> part, CancellationTokenSource failing)
    {
        try
        {
            await part(failing.Token).ConfigureAwait(false);
        }
        catch
        {
            await failing.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async Task WorkAsync(
        ChannelReader<TUnit> lane, Func<TUnit, CancellationToken, ValueTask> work, CancellationToken cancellationToken)
    {
        while (await lane.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (lane.TryRead(out var unit))
            {
                cancellationToken.ThrowIfCancellationRequested();
                await work(unit, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private Channel<TUnit> LaneOf(StreamId stream) => lanes[(uint)stream.GetHashCode() % lanes.Length];

    private IEnumerable<Func<CancellationToken, Task>> Workers(Func<TUnit, CancellationToken, ValueTask> work) =>
        lanes.Select<Channel<TUnit>, Func<CancellationToken, Task>>(lane => failing => WorkAsync(lane.Reader, work, failing));
}

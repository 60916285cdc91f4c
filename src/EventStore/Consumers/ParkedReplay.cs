using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using EventStore.Feeds;

namespace EventStore.Consumers;

/// <summary>Lists the parked events of a consumer, and passes them to its handler again.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A disposed semaphore would never end its waits; it holds nothing else.")]
internal sealed class ParkedReplay(ConsumerClaim claim, EventFeeds feeds, PauseGate gate)
{
    // Each write contains the whole list, so the groups grow with it: the bytes written stay in proportion to it.
    private const int WritesPerList = 16;
    private readonly SemaphoreSlim turn = new(1, 1);

    public async IAsyncEnumerable<CommittedEvent> ListAsync(
        ConsumerTerm term, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var checkpoint in await FindAsync(term, cancellationToken).ConfigureAwait(false))
        {
            if (await feeds.FindEventAsync(new Checkpoint(checkpoint), cancellationToken).ConfigureAwait(false) is { } parked)
                yield return parked;
        }
    }

    /// <summary>Replays all parked events until one fails. What succeeded is written as often as positions are, and at the end.</summary>
    /// <returns>How many succeeded.</returns>
    public async ValueTask<int> RunAsync(ConsumerTerm term, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await RunAloneAsync(term, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            turn.Release();
        }
    }

    private static async ValueTask<IReadOnlyList<long>> FindAsync(ConsumerTerm term, CancellationToken cancellationToken)
    {
        var (record, unwritten) = await term.ReadAsync(cancellationToken).ConfigureAwait(false);
        return unwritten.ParkedIn(record);
    }

    private async ValueTask<int> RunAloneAsync(ConsumerTerm term, CancellationToken cancellationToken)
    {
        var (succeeded, unwritten) = (0, 0);
        try
        {
            var parked = await FindAsync(term, cancellationToken).ConfigureAwait(false);
            foreach (var checkpoint in parked)
            {
                if (await ReplayAsync(checkpoint, term, cancellationToken).ConfigureAwait(false)) succeeded++;
                if (++unwritten < Math.Max(term.Pacing.Events, parked.Count / WritesPerList)) continue;
                unwritten = 0;
                await WriteAsync(term, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            // Also after a failure, and after a cancellation.
            if (unwritten > 0) await WriteAsync(term, CancellationToken.None).ConfigureAwait(false);
        }

        return succeeded;
    }

    private async ValueTask WriteAsync(ConsumerTerm term, CancellationToken cancellationToken)
    {
        if (!await term.TryWriteAsync(cancellationToken).ConfigureAwait(false))
            throw new ConsumerTakenException(claim.Name, "another process took over.");
    }

    // Runs alone, so that the state passes from one event to the next in some order.
    private async ValueTask<bool> ReplayAsync(long checkpoint, ConsumerTerm term, CancellationToken cancellationToken)
    {
        var parked = await feeds.FindEventAsync(new Checkpoint(checkpoint), cancellationToken).ConfigureAwait(false);
        await gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (parked is null) term.Progress.Unpark(checkpoint, term.Progress.State);
            else await term.Pump.DeliverParkedAsync(parked, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            gate.LeaveAlone();
        }

        return parked is not null;
    }
}

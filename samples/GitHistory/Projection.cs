using EventStore;

namespace GitHistory;

/// <summary>
/// A tally in this process that is kept up to date by dispatch. It lives no longer than the process, so it first reads what others were
/// dispatched before; and it is handed each commit at least once, so it remembers how far it has counted.
/// </summary>
internal sealed class Projection(string bucket) : IDispatchCommits
{
    private readonly Lock gate = new();
    private Checkpoint counted = Checkpoint.Origin;

    public Tally Tally { get; } = new();

    /// <summary>Events that came by dispatch.</summary>
    public long Dispatched { get; private set; }

    /// <summary>Counts what is stored already. To be called before dispatch starts.</summary>
    public async Task CatchUpAsync(IEventStore store, CancellationToken cancellationToken)
    {
        await foreach (var committed in store.ReadAllAsync(Streams.AllOf(bucket), cancellationToken: cancellationToken)) Count(committed);
    }

    public ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            foreach (var committed in commit.Events)
            {
                if (committed.Stream.Bucket == bucket && Count(committed)) Dispatched++;
            }
        }

        return default;
    }

    /// <summary>Waits until nothing is left to dispatch, or the time is over. Returns what is left.</summary>
    public static async Task<DispatchStatus> WaitAsync(IEventStore store, TimeSpan atMost, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(atMost);
        try
        {
            await store.Dispatch.WaitUntilDispatchedAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The status reports what is left.
        }

        return await store.Dispatch.GetStatusAsync(cancellationToken);
    }

    private bool Count(CommittedEvent committed)
    {
        if (committed.Checkpoint <= counted) return false;
        counted = committed.Checkpoint;
        Tally.Count(committed);
        return true;
    }
}

using EventStore.Pipeline;

namespace EventStore.Dispatch;

/// <summary>For a store that does not track dispatch: no event is undispatched, and marking does nothing.</summary>
internal sealed class UntrackedDispatch(StoreLifetime lifetime) : IDispatch
{
    public ValueTask StartAsync(CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        throw new InvalidOperationException("This store does not dispatch: it was built with DoNotDispatchCommits().");
    }

    public IAsyncEnumerable<CommittedEvent> GetUndispatchedAsync(
        EventFilter? filter = null, CancellationToken cancellationToken = default) =>
        Nothing();

    public ValueTask MarkAsDispatchedAsync(IEnumerable<CommittedEvent> events, CancellationToken cancellationToken = default) => Ignored();

    public ValueTask MarkAsDispatchedAsync(IEnumerable<Guid> eventIds, CancellationToken cancellationToken = default) => Ignored();

    public ValueTask MarkCommitsAsDispatchedAsync(IEnumerable<Guid> commitIds, CancellationToken cancellationToken = default) => Ignored();

    public IAsyncEnumerable<CommittedEvent> GetParkedAsync(CancellationToken cancellationToken = default) => Nothing();

    public ValueTask<long> ReplayParkedAsync(CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return new(0);
    }

    public ValueTask WaitUntilDispatchedAsync(CancellationToken cancellationToken = default) => Ignored();

    public ValueTask<DispatchStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        lifetime.ThrowIfEnded();
        return new(new DispatchStatus(Checkpoint.Origin, Checkpoint.Origin, 0, 0, IsDispatchingHere: false, ConsecutiveFailures: 0));
    }

    private IAsyncEnumerable<CommittedEvent> Nothing()
    {
        lifetime.ThrowIfEnded();
        return AsyncEnumerable.Empty<CommittedEvent>();
    }

    private ValueTask Ignored()
    {
        lifetime.ThrowIfEnded();
        return default;
    }
}

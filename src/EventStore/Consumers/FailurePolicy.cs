using EventStore.Deliveries;

namespace EventStore.Consumers;

/// <summary>
/// What happens to events whose handler throws: they are tried again with growing waits, then the consumer stops, parks or skips them.
/// </summary>
internal sealed class FailurePolicy(ConsumerClaim claim, PauseGate gate)
{
    private readonly RetryPolicy retries = new(
        claim.Options.FirstRetryDelay, claim.Options.MaxRetryDelay, claim.Options.MaxRetries is { } retries && retries < int.MaxValue
            ? retries + 1
            : null);

    public PauseGate Gate => gate;

    private ConsumerClaim Claim => claim;

    /// <summary>Applies the policy to a handler.</summary>
    /// <param name="handle">Handles a unit.</param>
    /// <param name="firstOf">The first event of a unit, for messages.</param>
    public Handling<TUnit> Apply<TUnit>(Func<TUnit, CancellationToken, ValueTask> handle, Func<TUnit, CommittedEvent> firstOf) =>
        new(this, handle, firstOf);

    /// <summary>A handler under the policy.</summary>
    internal sealed class Handling<TUnit> : IDelivery<TUnit>
    {
        private readonly ConsumerClaim claim;
        private readonly PauseGate gate;
        private readonly Func<TUnit, CancellationToken, ValueTask> handle;
        private readonly Func<TUnit, CommittedEvent> firstOf;
        private readonly Retries<TUnit> retries;

        public Handling(FailurePolicy policy, Func<TUnit, CancellationToken, ValueTask> handle, Func<TUnit, CommittedEvent> firstOf)
        {
            (claim, gate, this.handle, this.firstOf) = (policy.Claim, policy.Gate, handle, firstOf);
            retries = new Retries<TUnit>(this, policy.retries);
        }

        /// <summary>
        /// Handles a unit until it succeeds or has failed permanently. Called inside the gate, which is left during the waits.
        /// </summary>
        /// <returns>Null when it was handled; otherwise what happens to it instead.</returns>
        /// <exception cref="ConsumerStoppedException">It failed permanently, and the consumer stops.</exception>
        public ValueTask<FailureAction?> RunAsync(TUnit unit, CancellationToken cancellationToken)
        {
            var running = retries.RunAsync(unit, cancellationToken);
            if (!running.IsCompletedSuccessfully) return FollowAsync(running, unit);
            var failed = running.Result;
            return failed is null ? default : new(GiveUp(failed, unit));
        }

        public ValueTask DeliverAsync(TUnit unit, CancellationToken cancellationToken) =>
            claim.Calls.CallAsync(handle, unit, cancellationToken);

        public async ValueTask<bool> WaitForRetryAsync(
            TUnit unit, FailedDelivery failed, TimeSpan delay, CancellationToken cancellationToken)
        {
            claim.Report.LogRetry(failed.Error, firstOf(unit), failed.Failures, delay);
            await gate.StepAsideAsync(token => Task.Delay(delay, claim.Time, token), cancellationToken).ConfigureAwait(false);
            return true;
        }

        private async ValueTask<FailureAction?> FollowAsync(ValueTask<FailedDelivery?> running, TUnit unit) =>
            await running.ConfigureAwait(false) is { } failed ? GiveUp(failed, unit) : null;

        private FailureAction GiveUp(FailedDelivery failed, TUnit unit)
        {
            var (first, action) = (firstOf(unit), claim.Options.FailureAction);
            if (action == FailureAction.Stop) throw new ConsumerStoppedException(claim.Name, first.Stream, first.Checkpoint, failed.Error);
            claim.Report.LogGaveUp(failed.Error, first, failed.Failures, action);
            return action;
        }
    }
}

namespace EventStore.Deliveries;

/// <summary>How often a failed delivery is tried again, and with which waits.</summary>
/// <param name="FirstDelay">The wait after the first failure; it doubles with each further one.</param>
/// <param name="MaxDelay">The longest wait.</param>
/// <param name="MaxFailures">After so many failures the delivery is given up; null for never.</param>
internal sealed record RetryPolicy(TimeSpan FirstDelay, TimeSpan MaxDelay, int? MaxFailures);

/// <summary>A delivery that failed.</summary>
/// <param name="Error">What the last try threw.</param>
/// <param name="Failures">How many tries failed.</param>
internal sealed record FailedDelivery(Exception Error, int Failures);

/// <summary>Delivers units to the application.</summary>
internal interface IDelivery<in TUnit>
{
    ValueTask DeliverAsync(TUnit unit, CancellationToken cancellationToken);

    /// <summary>Waits between a failure and the next try.</summary>
    /// <returns>Whether the unit is still to be delivered.</returns>
    ValueTask<bool> WaitForRetryAsync(TUnit unit, FailedDelivery failed, TimeSpan delay, CancellationToken cancellationToken);
}

/// <summary>Delivers units, and tries failed ones again with growing waits.</summary>
internal sealed class Retries<TUnit>(IDelivery<TUnit> delivery, RetryPolicy policy)
{
    /// <summary>Delivers a unit. A delivery that completes synchronously allocates nothing.</summary>
    /// <returns>Null when the unit was delivered or need no longer be; otherwise the failure after which it was given up.</returns>
    public ValueTask<FailedDelivery?> RunAsync(TUnit unit, CancellationToken cancellationToken)
    {
        ValueTask delivering;
        try
        {
            delivering = delivery.DeliverAsync(unit, cancellationToken);
        }
        catch (Exception error)
        {
            delivering = ValueTask.FromException(error);
        }

        return delivering.IsCompletedSuccessfully ? default : FollowAsync(delivering.AsTask(), unit, cancellationToken);
    }

    private async ValueTask<FailedDelivery?> FollowAsync(Task delivering, TUnit unit, CancellationToken cancellationToken)
    {
        var delay = policy.FirstDelay;
        for (var failures = 0; ; delay = delay * 2 < policy.MaxDelay ? delay * 2 : policy.MaxDelay)
        {
            FailedDelivery failed;
            try
            {
                if (failures == 0) await delivering.ConfigureAwait(false);
                else await delivery.DeliverAsync(unit, cancellationToken).ConfigureAwait(false);
                return null;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested && error is not ProjectionException)
            {
                failed = new FailedDelivery(error, ++failures);
                if (failures >= policy.MaxFailures) return failed;
            }

            if (!await delivery.WaitForRetryAsync(unit, failed, delay, cancellationToken).ConfigureAwait(false)) return null;
        }
    }
}

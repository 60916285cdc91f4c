namespace EventStore.Leases;

/// <summary>
/// Lets one process at a time own a ledger. Processes do not compare clocks. A holder that is certainly dead is replaced at once. Any other
/// is, when its ledger did not change for a whole term of the watcher's monotonic clock. Every write of a holder is a compare-and-swap that
/// fails after another process took over.
/// </summary>
internal sealed class Lease<T>(Ledger<T> ledger, TimeSpan term, TimeSpan pollInterval, TimeProvider time) : IDisposable
    where T : class, ILeased<T>
{
    private readonly LeaseOwner owner = new();
    private volatile TaskCompletionSource wanted = NewSignal();
    private volatile TaskCompletionSource tried = NewSignal();

    /// <summary>What the lease protects.</summary>
    public Ledger<T> Ledger => ledger;

    /// <summary>The clock of the holder.</summary>
    public TimeProvider Time => time;

    /// <summary>The longest wait between two looks at the storage.</summary>
    public TimeSpan PollInterval => pollInterval;

    /// <summary>The time without a change of the ledger after which a holder of unknown fate counts as dead.</summary>
    public TimeSpan Term => term;

    /// <summary>The name under which the lease is held.</summary>
    public string Owner => owner.Text;

    /// <summary>
    /// Tries once to become the holder. Succeeds if there is no holder, it is certainly dead, or it did not renew the lease for a term.
    /// </summary>
    /// <param name="watch">What was seen before; begin with a new one and keep it between tries.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public async ValueTask<bool> TryAcquireAsync(Watch watch, CancellationToken cancellationToken)
    {
        var seen = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        if (watch.Owner != seen.Owner || watch.Renewals != seen.Renewals) watch.Restart(seen, time.GetTimestamp());
        return IsFree(seen.Owner, watch) && await ledger.ChangeAsync(
            content => content.Owner == seen.Owner && content.Renewals == seen.Renewals ? content.RenewedBy(Owner) : null,
            cancellationToken).ConfigureAwait(false) is not null;
    }

    /// <summary>
    /// Waits until it is the holder. Returns false at once if the holder runs in this process, and as soon as another one renews the lease.
    /// </summary>
    public async ValueTask<bool> TryAcquireFromDeadAsync(CancellationToken cancellationToken)
    {
        var watch = new Watch();
        while (!await TryAcquireAsync(watch, cancellationToken).ConfigureAwait(false))
        {
            if (watch.IsHolderAlive) return false;
            await WaitAsync(watch, cancellationToken).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>
    /// How long to wait until the next try: one poll interval, but no longer than until the holder's term ends. A dead holder is replaced
    /// within one term and one poll.
    /// </summary>
    public TimeSpan WaitAfter(Watch watch)
    {
        var interval = term / 3 < pollInterval ? term / 3 : pollInterval;
        var left = term - time.GetElapsedTime(watch.Since);
        return left > TimeSpan.Zero && left < interval ? left : interval;
    }

    /// <summary>Waits until the next try.</summary>
    public Task WaitAsync(Watch watch, CancellationToken cancellationToken) => Task.Delay(WaitAfter(watch), time, cancellationToken);

    /// <summary>Has the holder renew the lease now instead of later. Returns after a try, whether it succeeded or not.</summary>
    public Task TryRenewNowAsync()
    {
        var next = tried.Task;
        wanted.TrySetResult();
        return next;
    }

    /// <summary>Renews the lease until it is cancelled, or another process took over. Outages of any length are waited for.</summary>
    /// <param name="setDoubt">
    /// Called with true while the lease was not renewed for a term, so that another process may have taken over; with false after it was.
    /// </param>
    /// <param name="cancellationToken">Ends it by throwing.</param>
    /// <returns>Why the lease was lost.</returns>
    public async Task<string> HoldAsync(Action<bool> setDoubt, CancellationToken cancellationToken)
    {
        tried = NewSignal();
        try
        {
            return await HoldOnAsync(setDoubt, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            tried.TrySetResult();
        }
    }

    /// <summary>Writes as the holder, and returns what it wrote. Returns null if another process holds the lease.</summary>
    public ValueTask<T?> TryWriteAsync(Func<T, T> change, CancellationToken cancellationToken) => ledger.ChangeAsync(
        content => content.Owner == Owner ? change(content.RenewedBy(Owner)) : null, cancellationToken);

    /// <summary>Renews the lease. Returns false if another process holds it.</summary>
    public async ValueTask<bool> TryRenewAsync(CancellationToken cancellationToken) =>
        await TryWriteAsync(static content => content, cancellationToken).ConfigureAwait(false) is not null;

    /// <summary>Releases the lease, so that another process need not wait for a term.</summary>
    public async ValueTask ReleaseAsync() =>
        await ledger.ChangeAsync(
            content => content.Owner == Owner ? content.RenewedBy(null) : null, CancellationToken.None).ConfigureAwait(false);

    /// <summary>Nothing is done under this lease any more. A process that finds it held knows that its holder is gone.</summary>
    public void Dispose() => owner.Dispose();

    private async Task<string> HoldOnAsync(Action<bool> setDoubt, CancellationToken cancellationToken)
    {
        var (renewedAt, begunAt) = (time.GetTimestamp(), 0L);
        Task<bool>? writing = null;
        while (true)
        {
            await wanted.Task.WaitAsync(StepFrom(renewedAt), time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            wanted = NewSignal();

            // A renewal counts from its start. A late one is tried too: compare-and-swap shows whether another process took over.
            if (writing is null) begunAt = time.GetTimestamp();
            writing ??= TryRenewAsync(cancellationToken).AsTask();
            try
            {
                if (!await writing.WaitAsync(StepFrom(renewedAt), time, cancellationToken).ConfigureAwait(false))
                    return "another process took over";
                (renewedAt, writing) = (begunAt, null);
            }
            catch (Exception error) when (error is StorageException or TimeoutException)
            {
                // A write that is still under way is waited for again: a second one would queue behind it.
                if (writing is { IsCompleted: true }) writing = null;
            }

            setDoubt(time.GetElapsedTime(renewedAt) >= term);
            var done = tried;
            tried = NewSignal();
            done.TrySetResult();
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // A third of the term, or what is left of it; after the term, a poll interval.
    private TimeSpan StepFrom(long renewedAt)
    {
        var left = term - time.GetElapsedTime(renewedAt);
        var step = left > TimeSpan.Zero ? left : pollInterval;
        return step < term / 3 ? step : term / 3;
    }

    private bool IsFree(string? holder, Watch watch)
    {
        if (holder is null || holder == Owner || LeaseOwner.IsDead(holder, ledger.IsOnlyWriter)) return true;
        if (LeaseOwner.IsAliveHere(holder)) watch.SeeAlive();
        return time.GetElapsedTime(watch.Since) >= term;
    }

    /// <summary>What a process that waits for the lease has seen of its holder, and since when.</summary>
    internal sealed class Watch
    {
        public string? Owner { get; private set; }

        public long Renewals { get; private set; } = -1;

        public long Since { get; private set; }

        /// <summary>Whether the holder runs in this process, or renewed the lease while it was watched.</summary>
        public bool IsHolderAlive { get; private set; }

        public void Restart(T seen, long now)
        {
            IsHolderAlive = Renewals >= 0 && Owner == seen.Owner && seen.Owner is not null;
            (Owner, Renewals, Since) = (seen.Owner, seen.Renewals, now);
        }

        public void SeeAlive() => IsHolderAlive = true;
    }
}

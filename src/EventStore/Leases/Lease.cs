namespace EventStore.Leases;

/// <summary>
/// Lets one process at a time own a ledger. Processes do not compare clocks. A holder counts as dead when its ledger did not change for a
/// whole term of the watcher's monotonic clock. Every write of a holder is a compare-and-swap that fails after another process took over.
/// </summary>
internal sealed class Lease<T>(Ledger<T> ledger, TimeSpan term, TimeSpan pollInterval, TimeProvider time) where T : class, ILeased<T>
{
    private readonly string owner = NewId.Next().ToString("N");

    /// <summary>What the lease protects.</summary>
    public Ledger<T> Ledger => ledger;

    /// <summary>The clock of the holder.</summary>
    public TimeProvider Time => time;

    /// <summary>The longest wait between two looks at the storage.</summary>
    public TimeSpan PollInterval => pollInterval;

    /// <summary>The time without a change of the ledger after which a holder counts as dead.</summary>
    public TimeSpan Term => term;

    /// <summary>
    /// Tries once to become the holder. Succeeds if there is no holder, or the watched one did not renew the lease for a term.
    /// </summary>
    /// <param name="watch">What was seen before; begin with a new one and keep it between tries.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public async ValueTask<bool> TryAcquireAsync(Watch watch, CancellationToken cancellationToken)
    {
        var seen = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        if (watch.Owner != seen.Owner || watch.Renewals != seen.Renewals) watch.Restart(seen, time.GetTimestamp());
        var isFree = seen.Owner is null || seen.Owner == owner || time.GetElapsedTime(watch.Since) >= term;
        return isFree && await ledger.ChangeAsync(
            content =>
            {
                if (content.Owner != seen.Owner || content.Renewals != seen.Renewals) return false;
                content.Owner = owner;
                content.Renewals++;
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits until it is the holder; returns false as soon as another holder renews the lease.</summary>
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
        var left = Positive(term - time.GetElapsedTime(watch.Since));
        return left > TimeSpan.Zero && left < interval ? left : interval;
    }

    /// <summary>Waits until the next try.</summary>
    public Task WaitAsync(Watch watch, CancellationToken cancellationToken) => Task.Delay(WaitAfter(watch), time, cancellationToken);

    /// <summary>Renews the lease until it is cancelled, or until the lease is lost: taken over, or not renewed for a term.</summary>
    /// <returns>Why the lease was lost.</returns>
    public async Task<string> HoldAsync(CancellationToken cancellationToken)
    {
        var renewedAt = time.GetTimestamp();
        while (true)
        {
            var left = term - time.GetElapsedTime(renewedAt);
            await Task.Delay(left < term / 3 ? Positive(left) : term / 3, time, cancellationToken).ConfigureAwait(false);

            // A renewal counts from its start. A late one is tried too: compare-and-swap shows whether another process took over.
            var begun = time.GetTimestamp();
            left = term - time.GetElapsedTime(renewedAt);
            try
            {
                var writing = TryWriteAsync(static _ => { }, cancellationToken).AsTask();
                var patience = left > term / 3 ? left : term / 3;
                if (!await writing.WaitAsync(patience, time, cancellationToken).ConfigureAwait(false)) return "another process took over";
                renewedAt = begun;
            }
            catch (Exception error) when (error is StorageException or TimeoutException)
            {
                if (time.GetElapsedTime(renewedAt) >= term) return $"the lease could not be renewed for {term}";
            }
        }
    }

    /// <summary>Writes as the holder. Returns false, and writes nothing, if another process holds the lease.</summary>
    public ValueTask<bool> TryWriteAsync(Action<T> change, CancellationToken cancellationToken) => ledger.ChangeAsync(
        content =>
        {
            if (content.Owner != owner) return false;
            content.Renewals++;
            change(content);
            return true;
        },
        cancellationToken);

    /// <summary>Releases the lease, so that another process need not wait for a term.</summary>
    public async ValueTask ReleaseAsync() =>
        await TryWriteAsync(static content => content.Owner = null, CancellationToken.None).ConfigureAwait(false);

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;

    /// <summary>What a process that waits for the lease has seen of its holder, and since when.</summary>
    internal sealed class Watch
    {
        public string? Owner { get; private set; }

        public long Renewals { get; private set; } = -1;

        public long Since { get; private set; }

        /// <summary>Whether the holder renewed the lease while it was watched.</summary>
        public bool IsHolderAlive { get; private set; }

        public void Restart(T seen, long now)
        {
            IsHolderAlive = Renewals >= 0 && Owner == seen.Owner && seen.Owner is not null;
            (Owner, Renewals, Since) = (seen.Owner, seen.Renewals, now);
        }
    }
}

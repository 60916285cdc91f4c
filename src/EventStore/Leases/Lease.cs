namespace EventStore.Leases;

/// <summary>
/// Lets one process at a time own a ledger. No clocks are compared: a holder is dead when its sign of life has not changed for a whole term by the
/// watcher's own monotonic clock, and everything a holder writes is a compare-and-swap that fails once another took over.
/// </summary>
internal sealed class Lease<T>(Ledger<T> ledger, TimeSpan term, TimeSpan pollInterval, TimeProvider time) where T : class, ILeased<T>
{
    private readonly string me = NewId.Next().ToString("N");

    /// <summary>Tries once to become the holder: nobody holds, or the holder watched has shown no life for a term.</summary>
    /// <param name="watch">What was seen before; start with a new one, and keep it between tries.</param>
    /// <param name="cancellationToken">Ends the try.</param>
    public async ValueTask<bool> TryAcquireAsync(Watch watch, CancellationToken cancellationToken)
    {
        var seen = await ledger.LoadAsync(cancellationToken).ConfigureAwait(false);
        if (watch.Owner != seen.Owner || watch.Renewals != seen.Renewals) watch.Restart(seen, time.GetTimestamp());
        var isFree = seen.Owner is null || seen.Owner == me || time.GetElapsedTime(watch.Since) >= term;
        return isFree && await ledger.ChangeAsync(
            content =>
            {
                if (content.Owner != seen.Owner || content.Renewals != seen.Renewals) return false;
                content.Owner = me;
                content.Renewals++;
                return true;
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>How long to wait until the next try: a poll, but no longer than until the holder will have been silent for a term. So a dead one is followed within a term and one poll.</summary>
    public TimeSpan WaitAfter(Watch watch)
    {
        var interval = term / 3 < pollInterval ? term / 3 : pollInterval;
        var left = Positive(term - time.GetElapsedTime(watch.Since));
        return left > TimeSpan.Zero && left < interval ? left : interval;
    }

    /// <summary>Shows signs of life until cancelled, or until the lease is lost: taken over, or not renewed for a term.</summary>
    /// <returns>Why it was lost.</returns>
    public async Task<string> HoldAsync(CancellationToken cancellationToken)
    {
        var renewedAt = time.GetTimestamp();
        while (true)
        {
            var left = term - time.GetElapsedTime(renewedAt);
            await Task.Delay(left < term / 3 ? Positive(left) : term / 3, time, cancellationToken).ConfigureAwait(false);

            // A sign of life counts from when it was begun. One that begins late is tried all the same: compare-and-swap tells whether another took over.
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

    private static TimeSpan Positive(TimeSpan time) => time > TimeSpan.Zero ? time : TimeSpan.Zero;

    /// <summary>Writes as the holder; answers false, and writes nothing, once another holds the lease.</summary>
    public ValueTask<bool> TryWriteAsync(Action<T> change, CancellationToken cancellationToken) => ledger.ChangeAsync(
        content =>
        {
            if (content.Owner != me) return false;
            content.Renewals++;
            change(content);
            return true;
        },
        cancellationToken);

    /// <summary>Lets go, so that another need not wait for a term.</summary>
    public async ValueTask ReleaseAsync() => await TryWriteAsync(static content => content.Owner = null, CancellationToken.None).ConfigureAwait(false);

    /// <summary>What a process that waits for the lease has seen of its holder, and since when.</summary>
    internal sealed class Watch
    {
        public string? Owner { get; private set; }

        public long Renewals { get; private set; } = -1;

        public long Since { get; private set; }

        /// <summary>Whether the holder showed life while it was watched.</summary>
        public bool IsHolderAlive { get; private set; }

        public void Restart(T seen, long now)
        {
            IsHolderAlive = Renewals >= 0 && Owner == seen.Owner && seen.Owner is not null;
            (Owner, Renewals, Since) = (seen.Owner, seen.Renewals, now);
        }
    }
}

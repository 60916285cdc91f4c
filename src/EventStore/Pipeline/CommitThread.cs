using System.Diagnostics.CodeAnalysis;

namespace EventStore.Pipeline;

/// <summary>
/// The thread that sends the batches of one store, for an engine that commits on the calling thread. A flush keeps no caller waiting in its
/// call. Threads of the pool may wait for commits, because none of them is needed to send a batch. It starts when it is first woken.
/// </summary>
/// <remarks>
/// A lone caller continues on this thread, which saves two thread switches a commit. Meanwhile the thread is <i>lent</i>. If another caller
/// commits, a second thread takes its place at once. What the caller's own code commits is sent as soon as that code awaits or returns. The
/// second thread watches, and takes over from code that blocks instead. A thread that was replaced becomes the second one, or ends.
/// </remarks>
/// <param name="gate">Guards the threads; the gate of the group commit.</param>
/// <param name="send">Sends what is queued.</param>
/// <param name="startThread">Starts a thread.</param>
internal sealed class CommitThread(Lock gate, Action send, Action<Thread> startThread) : IAsyncDisposable
{
    // The watch ends after as many ticks without a caller to watch.
    private const int TicksOfWatch = 100;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    [ThreadStatic]
    private static Worker? current;

    // Guarded by the gate. A thread may read without it whether it leads itself, and is lent: only it changes that.
    private volatile Worker? leader;
    private Worker? second;
    private long lends;
    private bool isWatching;
    private volatile bool isEnding;

    private Lock Gate => gate;

    private Action<Thread> StartThread => startThread;

    /// <summary>Whether the caller runs on the thread that sends batches, and batches wait for it.</summary>
    public bool IsCurrent => current is { IsLent: false } worker && worker == leader;

    /// <summary>Whether this runs on a thread that is lent to the caller of an attempt.</summary>
    public static bool IsLentTo(QueuedAttempt attempt) => current?.LentTo == attempt;

    /// <summary>Continues on the thread pool.</summary>
    public static async ValueTask ToPoolAsync() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);

    /// <summary>Whether the thread runs code of a caller now. Called with the gate held.</summary>
    public bool IsLent => leader is { IsLent: true };

    /// <summary>Starts the thread, if it is not started yet. Called with the gate held, before <see cref="Wake"/>.</summary>
    /// <exception cref="StorageUnavailableException">The system starts no further thread. The next call tries again.</exception>
    public void Start()
    {
        if (leader is not null) return;
        if (TryStart(out var worker, out var error)) leader = worker;
        else throw new StorageUnavailableException(
            "The thread that sends the commits of this store could not be started: the system starts no further thread. Nothing was "
            + "stored. Raise the limit of threads (ulimit -u, or pids.max of the container) or its memory, and try again.",
            error);
    }

    /// <summary>
    /// Has the thread send what is queued, at once or as soon as it is done with what it sends now. Called with the gate held.
    /// </summary>
    public void Wake()
    {
        if (leader!.IsLent && leader == current) Watch();
        else if (leader.IsLent) Replace();
        leader.Wake();
    }

    /// <summary>
    /// Lets the code of a caller run on the thread until it returns. Called with the gate held, on the thread that sends.
    /// </summary>
    /// <param name="attempt">The caller's attempt, which is done.</param>
    /// <param name="othersWait">Whether other attempts are queued, which the second thread sends at once.</param>
    /// <returns>False where the system starts no second thread, without which nothing is lent.</returns>
    public bool TryLend(QueuedAttempt attempt, bool othersWait)
    {
        if (second is null && !TryStart(out second, out _)) return false;
        leader!.Lend(attempt);
        lends++;
        if (!othersWait) return true;
        Replace();
        leader.Wake();
        return true;
    }

    /// <summary>Ends the threads. Nothing may wake them any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Worker[] ending;
        lock (gate)
        {
            isEnding = true;

            // One that is lent ends when the caller's code returns. That code may be what closes the store.
            ending = [.. new[] { leader, second }.OfType<Worker>().Where(worker => !worker.IsLent)];
            foreach (var worker in ending) worker.Wake();
        }

        foreach (var worker in ending) await worker.Ended.ConfigureAwait(false);
    }

    private bool TryStart([NotNullWhen(true)] out Worker? worker, [NotNullWhen(false)] out Exception? error)
    {
        try
        {
            (worker, error) = (new Worker(this), null);
            return true;
        }
        catch (Exception none) when (none is OutOfMemoryException or ThreadStartException)
        {
            (worker, error) = (null, none);
            return false;
        }
    }

    // Lending makes sure that there is a second one.
    private void Replace() => (leader, second) = (second, null);

    private void Watch()
    {
        if (isWatching) return;
        isWatching = true;
        second!.Wake();
    }

    // The loop of each thread.
    private void Run(Worker worker)
    {
        do
        {
            if (leader != worker && !BecomesLeader(worker)) return;
            worker.AwaitWake();
            if (isEnding) return;
            send();
        }
        while (StaysAfterSending(worker));
    }

    private bool StaysAfterSending(Worker worker)
    {
        lock (gate)
        {
            worker.TakeBack();
            if (isEnding) return false;
            if (leader == worker) return true;
            if (second is not null) return false;
            second = worker;
            worker.Forget();
            return true;
        }
    }

    // The second thread waits here until it takes the place of a lent one. It returns false when the store is closed.
    private bool BecomesLeader(Worker worker)
    {
        var (seen, quietTicks) = (0L, 0);
        while (true)
        {
            bool watches;
            lock (gate)
            {
                if (isEnding) return false;
                if (leader == worker) return true;
                worker.Forget();
                watches = isWatching;
            }

            worker.Sleep(watches ? Tick : Timeout.InfiniteTimeSpan);
            lock (gate)
            {
                if (!isWatching || isEnding || leader == worker) continue;
                var isSame = lends == seen;
                if (isSame && leader is { IsLent: true, IsWanted: true })
                {
                    Replace();
                    leader.Wake();
                }

                quietTicks = isSame ? quietTicks + 1 : 0;
                seen = lends;
                isWatching = quietTicks < TicksOfWatch;
            }
        }
    }

    /// <summary>A thread that sleeps until it is woken.</summary>
    private sealed class Worker : IDisposable
    {
        // A caller that has just been served often commits again within microseconds; waking a sleeping thread takes longer than that.
        private const int SpinsBeforeSleep = 50;
        private readonly AutoResetEvent awake = new(initialState: false);
        private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // Set by who wakes the thread, cleared by the thread before it sends.
        private volatile bool isWanted;
        private volatile bool isAsleep;

        public Worker(CommitThread owner)
        {
            var thread = new Thread(() => Run(owner)) { IsBackground = true, Name = "EventStore commits" };
            owner.StartThread(thread);
        }

        // Guarded by the gate.
        public QueuedAttempt? LentTo { get; private set; }

        public bool IsLent => LentTo is not null;

        public bool IsWanted => isWanted;

        public Task Ended => ended.Task;

        public void Wake()
        {
            isWanted = true;
            Interlocked.MemoryBarrier();
            if (isAsleep) awake.Set();
        }

        public void Lend(QueuedAttempt attempt) => LentTo = attempt;

        public void TakeBack() => LentTo = null;

        public void Forget() => isWanted = false;

        public void AwaitWake()
        {
            var spinning = new SpinWait();
            while (!isWanted && spinning.Count < SpinsBeforeSleep) spinning.SpinOnce(sleep1Threshold: -1);
            while (!isWanted) Sleep(Timeout.InfiniteTimeSpan);
            isWanted = false; // before sending, so that a call of Wake meanwhile is not lost
        }

        public void Sleep(TimeSpan atMost)
        {
            isAsleep = true;
            Interlocked.MemoryBarrier(); // either this sees that it is wanted, or Wake sees that it is asleep
            if (!isWanted) awake.WaitOne(atMost);
            isAsleep = false;
        }

        public void Dispose() => awake.Dispose();

        private void Run(CommitThread owner)
        {
            current = this;
            owner.Run(this);

            // What wakes it holds the gate.
            lock (owner.Gate) Dispose();
            ended.SetResult();
        }
    }
}

namespace EventStore.Pipeline;

/// <summary>
/// A thread that sends the batches of one store, for an engine that commits on the calling thread. A flush keeps no caller waiting in its
/// call. Threads of the pool may wait for commits, because none of them is needed to send a batch. It starts when it is first woken.
/// </summary>
/// <param name="send">Sends what is queued.</param>
internal sealed class CommitThread(Action send) : IAsyncDisposable
{
    // A caller that has just been served often commits again within microseconds; waking a sleeping thread takes longer than that.
    private const int SpinsBeforeSleep = 50;
    private readonly AutoResetEvent awake = new(initialState: false);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? thread;

    // Set by who wakes the thread, cleared by the thread before it sends.
    private volatile bool isWanted;
    private volatile bool isAsleep;
    private volatile bool isEnding;

    /// <summary>Whether the caller runs on this thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == thread;

    /// <summary>
    /// Has the thread send what is queued, at once or as soon as it is done with what it sends now. Called by one caller at a time.
    /// </summary>
    public void Wake()
    {
        if (thread is null) Start();
        isWanted = true;
        Interlocked.MemoryBarrier();
        if (isAsleep) awake.Set();
    }

    /// <summary>Ends the thread once it has sent what it was woken for. Nothing may wake it any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (thread is not null)
        {
            isEnding = true;
            Wake();
            await ended.Task.ConfigureAwait(false);
        }

        awake.Dispose();
    }

    // Without the context of the caller that happens to be first.
    private void Start()
    {
        thread = new Thread(Run) { IsBackground = true, Name = "EventStore commits" };
        thread.UnsafeStart();
    }

    private void Run()
    {
        while (true)
        {
            AwaitWake();
            isWanted = false; // before sending, so that a call of Wake meanwhile is not lost
            if (isEnding) break;
            send();
        }

        ended.SetResult();
    }

    private void AwaitWake()
    {
        var spinning = new SpinWait();
        while (!isWanted && spinning.Count < SpinsBeforeSleep) spinning.SpinOnce(sleep1Threshold: -1);
        while (!isWanted)
        {
            isAsleep = true;
            Interlocked.MemoryBarrier(); // either this sees that it is wanted, or Wake sees that it is asleep
            if (!isWanted) awake.WaitOne();
            isAsleep = false;
        }
    }
}

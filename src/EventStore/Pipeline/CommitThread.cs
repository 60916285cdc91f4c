namespace EventStore.Pipeline;

/// <summary>
/// A thread that sends the batches of one store, for an engine that commits on the calling thread. So a flush keeps no caller waiting in
/// its call, and no thread of the pool is needed to send what threads of the pool wait for. It starts when it is first woken.
/// </summary>
internal sealed class CommitThread(Action send) : IAsyncDisposable
{
    // A caller that has just been served often commits again within microseconds; waking a sleeping thread takes longer than that.
    private const int SpinsBeforeSleep = 50;
    private readonly ManualResetEventSlim wanted = new(initialState: false, SpinsBeforeSleep);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Thread? thread;
    private volatile bool isEnding;

    /// <summary>Whether the caller runs on this thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == thread;

    /// <summary>Has the thread send what is queued, at once or as soon as it is done with what it sends now. One caller at a time.</summary>
    public void Wake()
    {
        if (thread is null) Start();
        wanted.Set();
    }

    /// <summary>Ends the thread once it has sent what it was woken for. Nothing may wake it any more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (thread is not null)
        {
            isEnding = true;
            wanted.Set();
            await ended.Task.ConfigureAwait(false);
        }

        wanted.Dispose();
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
            wanted.Wait();
            wanted.Reset(); // before sending, so that a call of Wake meanwhile is not lost
            if (isEnding) break;
            send();
        }

        ended.SetResult();
    }
}

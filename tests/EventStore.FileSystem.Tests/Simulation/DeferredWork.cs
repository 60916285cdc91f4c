namespace EventStore.FileSystem.Tests.Simulation;

/// <summary>Background work on the writer's one thread: it runs at once or later, at random, and at once when the store closes.</summary>
internal sealed class DeferredWork(Random random)
{
    private readonly Queue<(Action Work, TaskCompletionSource Done)> due = [];
    private bool isClosing;

    public Task Run(Action work)
    {
        if (isClosing || random.Next(2) == 0)
        {
            work();
            return Task.CompletedTask;
        }

        var done = new TaskCompletionSource();
        due.Enqueue((work, done));
        return done.Task;
    }

    /// <summary>Runs what is due, perhaps.</summary>
    public void Pass()
    {
        if (due.Count > 0 && random.Next(3) == 0) RunDue();
    }

    /// <summary>A write waits for work, which runs now if it is due.</summary>
    public Task WaitFor(Task work)
    {
        RunDue();
        return work.IsCompletedSuccessfully ? work : throw new InvalidOperationException("A write waits for work that never runs.");
    }

    /// <summary>From now on the store waits for its work.</summary>
    public void Close()
    {
        isClosing = true;
        RunDue();
    }

    /// <summary>The process ended.</summary>
    public void Restart()
    {
        isClosing = false;
        due.Clear();
    }

    private void RunDue()
    {
        while (due.TryDequeue(out var next))
        {
            next.Work();
            next.Done.SetResult();
        }
    }
}

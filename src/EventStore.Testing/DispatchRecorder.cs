namespace EventStore.Testing;

/// <summary>
/// A dispatcher that records what it gets, in the order in which it gets it. Hand it to a store by <c>DispatchTo(recorder)</c>.
/// Thread-safe.
/// </summary>
public sealed class DispatchRecorder : IDispatchCommits
{
    private readonly Lock gate = new();
    private readonly List<Commit> commits = [];
    private readonly Queue<Exception> failures = new();
    private TaskCompletionSource arrived = NewSignal();

    /// <summary>The commits so far. A commit that was dispatched again is there again.</summary>
    public IReadOnlyList<Commit> Commits
    {
        get
        {
            lock (gate) return [.. commits];
        }
    }

    /// <summary>The events of these commits.</summary>
    public IReadOnlyList<CommittedEvent> Events => [.. Commits.SelectMany(commit => commit.Events)];

    /// <summary>Lets the next dispatches throw, each one exception, without recording the commit.</summary>
    public void FailNext(params IReadOnlyList<Exception> errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        lock (gate)
        {
            foreach (var error in errors) failures.Enqueue(error);
        }
    }

    /// <summary>Waits until so many commits were dispatched. Limit the wait with the token.</summary>
    public async Task<IReadOnlyList<Commit>> WaitForAsync(int count, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (commits.Count >= count) return [.. commits];
                next = arrived.Task;
            }

            await next.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Checks the bodies of all events that were dispatched, in order.</summary>
    /// <exception cref="ScenarioException">They are others; the message shows the difference.</exception>
    public void RequireEvents(params IReadOnlyList<object> expected)
    {
        ArgumentNullException.ThrowIfNull(expected);
        Difference.RequireSameEvents(expected, [.. Events.Select(committed => committed.Body)]);
    }

    /// <inheritdoc/>
    public ValueTask DispatchAsync(Commit commit, CancellationToken cancellationToken)
    {
        lock (gate)
        {
            if (failures.TryDequeue(out var failure)) return ValueTask.FromException(failure);
            commits.Add(commit);
            arrived.SetResult();
            arrived = NewSignal();
            return ValueTask.CompletedTask;
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

namespace EventStore.Pipeline;

/// <summary>
/// An attempt in the queue of the group commit: <i>waiting</i> until it is either <i>sent</i> or <i>cancelled</i>, whichever comes first.
/// </summary>
internal sealed class QueuedAttempt(CommitAttempt attempt, TaskCreationOptions continuations)
    : TaskCompletionSource<Submitted>(continuations)
{
    private const int Waiting = 0;
    private const int Sent = 1;
    private const int Cancelled = 2;
    private int state = Waiting;

    public CommitAttempt Attempt { get; } = attempt;

    public bool TrySend() => Interlocked.CompareExchange(ref state, Sent, Waiting) == Waiting;

    public ValueTask<Submitted> WaitAsync(CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled ? WaitCancellableAsync(cancellationToken) : new(Task);

    private async ValueTask<Submitted> WaitCancellableAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(Cancel, cancellationToken).ConfigureAwait(false);
        return await Task.ConfigureAwait(false);
    }

    private void Cancel(object? token)
    {
        if (Interlocked.CompareExchange(ref state, Cancelled, Waiting) == Waiting) TrySetCanceled((CancellationToken)token!);
        else TrySetException(new CommitOutcomeUnknownException(Attempt.Stream, Attempt.CommitId, "it was cancelled after it was sent."));
    }
}

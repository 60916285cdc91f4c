using EventStore.Diagnostics;
using Microsoft.Extensions.Logging;

namespace EventStore.Consumers;

/// <summary>What becomes of events whose handler throws: tried again with growing waits, then stop, park or skip.</summary>
internal sealed class FailurePolicy(string name, ConsumerOptions options, PauseGate gate, TimeProvider time, ILogger logger)
{
    /// <summary>Handles until it succeeds or has failed for good. Called inside the gate, which is left while it waits for a retry.</summary>
    /// <param name="argument">What is handled.</param>
    /// <param name="first">The first event of it, for messages.</param>
    /// <param name="handle">The handler.</param>
    /// <param name="cancellationToken">Ends it between tries, and the handler itself.</param>
    /// <returns>Null when it was handled; otherwise what is to become of it.</returns>
    /// <exception cref="ConsumerStoppedException">It failed for good, and the consumer is to stop.</exception>
    public ValueTask<FailureAction?> RunAsync<T>(T argument, CommittedEvent first, Func<T, CancellationToken, ValueTask> handle, CancellationToken cancellationToken)
    {
        ValueTask handling;
        try
        {
            handling = handle(argument, cancellationToken);
        }
        catch (Exception error)
        {
            handling = ValueTask.FromException(error);
        }

        return handling.IsCompletedSuccessfully ? default : FollowAsync(handling.AsTask(), argument, first, handle, cancellationToken);
    }

    private async ValueTask<FailureAction?> FollowAsync<T>(
        Task handling, T argument, CommittedEvent first, Func<T, CancellationToken, ValueTask> handle, CancellationToken cancellationToken)
    {
        var delay = options.FirstRetryDelay;
        for (var failures = 0; ; delay = delay * 2 < options.MaxRetryDelay ? delay * 2 : options.MaxRetryDelay)
        {
            try
            {
                if (failures == 0) await handling.ConfigureAwait(false);
                else await handle(argument, cancellationToken).ConfigureAwait(false);
                return null;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                failures++;
                if (options.MaxRetries is { } most && failures > most)
                {
                    if (options.OnFailure == FailureAction.Stop) throw new ConsumerStoppedException(name, first.Stream, first.Checkpoint, error);
                    Log.ConsumerGaveUp(logger, error, name, first.Stream, first.Checkpoint, failures, options.OnFailure);
                    return options.OnFailure;
                }

                Log.ConsumerFailed(logger, error, name, first.Stream, first.Checkpoint, failures, delay);
            }

            var wait = delay;
            await gate.StepAsideAsync(token => Task.Delay(wait, time, token), cancellationToken).ConfigureAwait(false);
        }
    }
}

using EventStore.Diagnostics;
using EventStore.Pipeline;
using Microsoft.Extensions.Logging;

namespace EventStore.Consumers;

/// <summary>The consumers of this process. They are stopped with the store.</summary>
internal sealed class RunningConsumers : IAsyncDisposable
{
    private readonly ConsumerDocuments documents;
    private readonly Telemetry telemetry;
    private readonly ILogger logger;
    private readonly SharedEnd ending;

    // Guarded by the gate.
    private readonly Lock gate = new();
    private readonly Dictionary<ConsumerClaim, RunningConsumer> running = [];
    private bool isEnded;

    public RunningConsumers(ConsumerDocuments documents, Telemetry telemetry, ILogger logger)
    {
        (this.documents, this.telemetry, this.logger) = (documents, telemetry, logger);
        ending = new SharedEnd(StopAllAsync);
    }

    /// <summary>Checks, before a consumer is deleted, that it does not run here.</summary>
    /// <exception cref="ConsumerTakenException">A consumer of this name runs in this process.</exception>
    public void RequireFree(string name)
    {
        lock (gate)
        {
            if (running.Keys.Any(claim => claim.Name == name))
                throw new ConsumerTakenException(name, "it runs in this process.", ConsumerDocuments.DeletionAdvice);
        }
    }

    /// <summary>The consumer that called the present code, as a text; null if none did.</summary>
    public string? FindCaller()
    {
        lock (gate)
        {
            return running.Keys.FirstOrDefault(claim => claim.Calls.IsInside) is { } caller ? $"the consumer '{caller.Name}'" : null;
        }
    }

    /// <summary>Starts a consumer.</summary>
    /// <exception cref="ConsumerTakenException">A consumer of this name runs, here or elsewhere, and this one does not wait.</exception>
    public async ValueTask<TConsumer> StartAsync<TConsumer>(
        ConsumerDefinition definition, Func<ConsumerClaim, TConsumer> make, CancellationToken cancellationToken)
        where TConsumer : RunningConsumer
    {
        var report = new ConsumerReport(definition.Name, telemetry.Gauges, logger);
        var claim = new ConsumerClaim(definition, documents.StorageOf(definition.Name, definition.Options), report, Release);
        try
        {
            var consumer = Add(claim, make);
            await consumer.StartAsync(cancellationToken).ConfigureAwait(false);
            return consumer;
        }
        catch
        {
            claim.Dispose();
            lock (gate) ObjectDisposedException.ThrowIf(isEnded, typeof(IEventStore));
            throw;
        }
    }

    public ValueTask DisposeAsync() => new(ending.RunAsync());

    private static ConsumerTakenException TakenHere(string name) => new(name, "it runs in this process.");

    private TConsumer Add<TConsumer>(ConsumerClaim claim, Func<ConsumerClaim, TConsumer> make) where TConsumer : RunningConsumer
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isEnded, typeof(IEventStore));
            if (claim.Options.WhenTaken == WhenTaken.Fail && running.Keys.Any(other => other.Name == claim.Name))
                throw TakenHere(claim.Name);
            var consumer = make(claim);
            running.Add(claim, consumer);
            return consumer;
        }
    }

    private void Release(ConsumerClaim claim)
    {
        lock (gate) running.Remove(claim);
    }

    // Each one is waited for, also where another one did not stop in time.
    private async Task StopAllAsync()
    {
        RunningConsumer[] last;
        lock (gate)
        {
            isEnded = true;
            last = [.. running.Values];
        }

        await Task.WhenAll(last.Select(consumer => consumer.DisposeAsync().AsTask())).ConfigureAwait(false);
    }
}
